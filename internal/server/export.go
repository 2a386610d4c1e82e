package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// export writes the whole snapshot: as one JSON document, as JSON lines with `format=jsonl`, or as one hash with `digest`.
// With `at` it is that of a past moment. The revision is in the header Orrery-Revision and, where the newest one may be
// old, since when in Orrery-Store-Confirmed. An answer that cannot be finished is broken off, so that nobody takes a part
// for the whole.
func export(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write, media, err := exportForm(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s := config.Snapshots.Snapshot()
		if s == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, resolve.NotYet(config.Freshness), http.StatusServiceUnavailable)
			return
		}
		if text := r.URL.Query().Get("at"); text != "" {
			if s, err = exportedAt(r.Context(), s, config.Past, text); err != nil {
				http.Error(w, err.Error(), exportStatus(err))
				return
			}
		}
		w.Header().Set("Content-Type", media)
		w.Header().Set("Orrery-Revision", strconv.FormatUint(uint64(s.Revision()), 10))
		tellUnconfirmed(w.Header(), config.Freshness)
		if r.Method == http.MethodHead {
			return
		}
		if err := write(w, s); err != nil {
			config.Log.Debug().Err(err).Msg("an export was broken off")
			panic(http.ErrAbortHandler)
		}
	})
}

// headerConfirmed is there where an export may be old: when the store last confirmed its revision, or "never".
const headerConfirmed = "Orrery-Store-Confirmed"

func tellUnconfirmed(header http.Header, freshness func() graph.Freshness) {
	if freshness == nil {
		return
	}
	switch old := resolve.Unconfirmed(freshness(), time.Now()); {
	case old == nil:
	case old.Confirmed == nil:
		header.Set(headerConfirmed, "never")
	default:
		header.Set(headerConfirmed, old.Confirmed.Format(time.RFC3339))
	}
}

func exportedAt(ctx context.Context, newest *graph.Snapshot, past resolve.Past, text string) (*graph.Snapshot, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, fmt.Errorf("at is %q; it must be a time such as 2026-01-31T12:00:00Z", text)
	}
	return resolve.SnapshotAt(ctx, newest, past, at)
}

func exportStatus(err error) int {
	switch {
	case errors.Is(err, graph.ErrCompacted):
		return http.StatusGone
	case errors.Is(err, graph.ErrNoRevision):
		return http.StatusNotFound
	case errors.Is(err, graph.ErrUnavailable), errors.Is(err, graph.ErrClosed), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
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
