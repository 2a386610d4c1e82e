package server

import (
	"mime"
	"strconv"
	"strings"
)

// negotiate chooses the media type of an answer. A client that does not care gets plain JSON, as the draft wants for those
// from before its own media type.
func negotiate(accept []string) (string, bool) {
	if len(accept) == 0 {
		return mediaJSON, true
	}
	best, weight := "", 0.0
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		media, options, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch media {
		case mediaJSON, mediaGraphQL:
		case "*/*", "application/*":
			media = mediaJSON
		default:
			continue
		}
		q := 1.0
		if text, ok := options["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		if q > weight {
			best, weight = media, q
		}
	}
	return best, best != ""
}
