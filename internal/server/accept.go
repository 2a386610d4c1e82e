package server

import (
	"mime"
	"strconv"
	"strings"
)

// accepted is what a client takes.
type accepted struct {
	media  string // of a single answer; "" = none
	events bool   // where it is named itself: nobody who takes anything expects a stream
}

// negotiate reads what a client takes. One that does not care gets plain JSON, as the draft wants for those from before its
// own media type.
func negotiate(accept []string) accepted {
	if len(accept) == 0 {
		return accepted{media: mediaJSON}
	}
	var (
		chosen accepted
		weight float64
	)
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		media, options, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := options["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		switch media {
		case mediaEvents:
			chosen.events = q > 0
			continue
		case mediaJSON, mediaGraphQL:
		case "*/*", "application/*":
			media = mediaJSON
		default:
			continue
		}
		if q > weight {
			chosen.media, weight = media, q
		}
	}
	return chosen
}
