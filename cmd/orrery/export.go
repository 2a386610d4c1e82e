package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

const formatJSONLines = "jsonl"

// maxRefusalBytes is how much is shown of why a server does not export.
const maxRefusalBytes = 1 << 10

func (p *program) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Everything, for other programs",
		Long: "Every entity, every relation once in its forward direction, with all evidence and stale edges: as one JSON\n" +
			"document, as JSON lines, or as a hash that is equal for equal graphs.",
		Example: "  orrery export --catalog . --format jsonl > catalog.jsonl\n  orrery export --digest",
		Args:    arguments(0, 0, "no arguments, only flags"),
	}
	d := dataFlags(cmd)
	format := cmd.Flags().String("format", formatJSON, "how to print: json, jsonl")
	digest := cmd.Flags().Bool("digest", false, "print only one hash")
	fixedFlag(cmd, "format", formatJSON, formatJSONLines)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *format != formatJSON && *format != formatJSONLines {
			return usagef("--format %s is not known here: use json or jsonl", *format)
		}
		src, err := p.open(cmd.Context(), d)
		if err != nil {
			return err
		}
		defer src.close()
		out := bufio.NewWriter(p.stdout)
		if err := src.export(cmd.Context(), out, *format, *digest); err != nil {
			return err
		}
		return out.Flush()
	}
	return cmd
}

func (s *source) export(ctx context.Context, w io.Writer, format string, digest bool) error {
	snapshot := s.snapshot
	if s.at != nil && snapshot != nil {
		var err error
		if snapshot, err = resolve.SnapshotAt(ctx, snapshot, s.past, *s.at); err != nil {
			return err
		}
	}
	switch {
	case snapshot == nil:
		return s.exportRemote(ctx, w, format, digest)
	case digest:
		_, err := fmt.Fprintln(w, graph.Digest(snapshot))
		return err
	case format == formatJSONLines:
		return graph.WriteExportLines(w, snapshot)
	default:
		return graph.WriteExport(w, snapshot)
	}
}

// exportRemote passes on what the server exports.
func (s *source) exportRemote(ctx context.Context, w io.Writer, format string, digest bool) error {
	query := url.Values{"format": {format}}
	if digest {
		query = url.Values{"digest": {"true"}}
	}
	if s.at != nil {
		query.Set("at", s.at.Format(time.RFC3339Nano))
	}
	response, err := s.do(ctx, http.MethodGet, "v1/export", query, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone:
		if s.at == nil {
			return s.notOurs(response)
		}
		said, err := io.ReadAll(io.LimitReader(response.Body, maxRefusalBytes))
		if err != nil {
			return s.unreachable(ctx, err)
		}
		return fmt.Errorf("%s: %s", s.name, said)
	default:
		return s.notOurs(response)
	}
	s.old.ofExport(response.Header)
	if _, err := io.Copy(w, response.Body); err != nil {
		return s.unreachable(ctx, err)
	}
	return nil
}
