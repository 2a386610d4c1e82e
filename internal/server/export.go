package server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
)

// export writes the whole snapshot: as one JSON document, as JSON lines with `format=jsonl`, or as one hash with `digest`.
// The revision is in the header Orrery-Revision. An answer that cannot be finished is broken off, so that nobody takes a
// part for the whole.
func export(snapshot func() *graph.Snapshot, log zerolog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write, media, err := exportForm(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s := snapshot()
		if s == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, stillReading, http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", media)
		w.Header().Set("Orrery-Revision", strconv.FormatUint(uint64(s.Revision()), 10))
		if r.Method == http.MethodHead {
			return
		}
		if err := write(w, s); err != nil {
			log.Debug().Err(err).Msg("an export was broken off")
			panic(http.ErrAbortHandler)
		}
	})
}

type exportWriter func(io.Writer, *graph.Snapshot) error

func exportForm(r *http.Request) (exportWriter, string, error) {
	query := r.URL.Query()
	if query.Has("digest") {
		switch query.Get("digest") {
		case "", "true", "1":
			return writeDigest, "text/plain; charset=utf-8", nil
		case "false", "0":
		default:
			return nil, "", fmt.Errorf("digest is %q; it must be true or false", query.Get("digest"))
		}
	}
	switch format := query.Get("format"); format {
	case "", "json":
		return graph.WriteExport, mediaJSON, nil
	case "jsonl":
		return graph.WriteExportLines, "application/x-ndjson", nil
	default:
		return nil, "", fmt.Errorf("format is %q; it must be json or jsonl", format)
	}
}

func writeDigest(w io.Writer, s *graph.Snapshot) error {
	_, err := fmt.Fprintln(w, graph.Digest(s))
	return err
}
