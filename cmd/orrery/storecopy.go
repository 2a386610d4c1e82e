package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/storecopy"
)

// commandStoreCopy describes the process that copies, to others that want to write the store.
const commandStoreCopy = "orrery store copy"

// keepWhileCopying is how long history is kept by a process that copies: a copy forgets nothing that the source told. How
// long it is kept from then on is for the configuration of the server to say.
const keepWhileCopying = 100 * 365 * 24 * time.Hour

func (p *program) storeCopyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy everything from one store to another, whatever their engines",
		Long: "Copy everything from one store to another, whatever their engines: every revision that FROM still has, with its\n" +
			"number, time, changes and recorded history, and what was counted of traffic by now. In the end both are compared,\n" +
			"and the digest is printed that `orrery export --digest` prints of either. " + placeHelp + "\n\n" +
			"FROM may be in use. TO must be empty, or an earlier copy of FROM: then only what is new is copied, and a copy that\n" +
			"was interrupted is finished. Nobody can scan into TO before that.",
		Example: "  orrery store copy orrery.db neo4j://localhost:7687\n  orrery store copy orrery.yaml backup.db",
		Args:    arguments(2, 2, "two stores, FROM and TO"),
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := p.placeOf(args[0])
		if err != nil {
			return err
		}
		to, err := p.placeOf(args[1])
		if err != nil {
			return err
		}
		copied, err := p.copyStore(cmd.Context(), from, to)
		if err != nil {
			return err
		}
		return p.show(copied, *format)
	}
	return cmd
}

// copyStore opens both and copies.
func (p *program) copyStore(ctx context.Context, from, to storePlace) (_ *storeCopied, err error) {
	source, err := p.openForReading(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	switch extent, err := storecopy.Newest(ctx, source); { // before a file is made that would stay empty
	case err != nil:
		return nil, fmt.Errorf("%s: %w", from.name, err)
	case extent == 0:
		return nil, fmt.Errorf("%s: %w: there is nothing to copy", from.name, storecopy.ErrNothing)
	}
	to.graph.History = keepWhileCopying
	target, err := openStore(ctx, to.graph, false, commandStoreCopy)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if from.graph.Engine == to.graph.Engine && from.graph.Database == to.graph.Database && from.graph.LabelPrefix == to.graph.LabelPrefix &&
		source.Capabilities().Place == target.Capabilities().Place {
		return nil, usagef("FROM and TO are the same store, %s: name another one for the copy", from.name)
	}
	options := storecopy.Options{Merge: from.merge}
	if !from.rules {
		options.Merge = to.merge
	}
	var done func()
	options.Progress, done = p.copyProgress()
	summary, err := storecopy.Copy(ctx, source, target, options)
	done()
	if err != nil {
		return nil, explainCopy(err, from, to)
	}
	return &storeCopied{
		Revisions: summary.Revisions, Documents: summary.Documents, States: summary.States, Records: summary.Records, Rows: summary.Rows,
		Digest: summary.Digest, Revision: summary.Revision, Behind: uint64(summary.Behind), from: from.name, to: to.name,
	}, nil
}

// explainCopy says what to do about a copy that was not finished.
func explainCopy(err error, from, to storePlace) error {
	var (
		unfinished *storecopy.UnfinishedError
		different  *storecopy.DifferenceError
		held       *graph.LeaseHeldError
	)
	switch {
	case errors.Is(err, storecopy.ErrOccupied):
		return fmt.Errorf("%s cannot be the copy of %s: %w: name an empty store, or empty this one", to.name, from.name, err)
	case errors.As(err, &held):
		return fmt.Errorf("%s is in use (%w): stop what scans into it, and try again", to.name, held)
	case errors.As(err, &unfinished) && errors.As(err, &different):
		return fmt.Errorf("%s is not equal to %s: %w: empty it and copy again", to.name, from.name, different)
	case errors.As(err, &unfinished) && errors.Is(err, graph.ErrConflict):
		return fmt.Errorf("%s was written by somebody else meanwhile: empty it and copy again while nobody uses it: %w", to.name, err)
	case errors.As(err, &unfinished) && errors.Is(err, graph.ErrCompacted):
		return fmt.Errorf("%s forgot old revisions faster than they were copied: empty %s and copy again: %w", from.name, to.name, err)
	case errors.As(err, &unfinished):
		why := unfinished.Err
		if errors.Is(err, context.Canceled) {
			why = errors.New("interrupted") // and not only that, as the whole chain would say
		}
		return fmt.Errorf("%s is unfinished, at revision %d of %d: the same command again finishes it: %w",
			to.name, unfinished.At, unfinished.Through, why)
	}
	return fmt.Errorf("copy %s to %s: %w", from.name, to.name, err)
}

// copyProgress tells people on a terminal how far a copy is, if it is long, until done is called.
func (p *program) copyProgress() (show func(at, through graph.Revision), done func()) {
	if !isTerminal(p.stderr) {
		return nil, func() {}
	}
	started := time.Now()
	var bar *progressbar.ProgressBar // nil while the copy is short
	show = func(at, through graph.Revision) {
		if time.Since(started) < shortScan {
			return
		}
		if bar == nil {
			bar = progressbar.NewOptions64(int64(through),
				progressbar.OptionSetWriter(p.stderr),
				progressbar.OptionSetDescription("copying revisions"),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionShowCount(),
				progressbar.OptionClearOnFinish(),
			)
		}
		bar.ChangeMax64(int64(max(through, at+1))) // it is not finished before both were compared
		_ = bar.Set64(int64(at))                   // a terminal that has gone is no reason to stop
	}
	return show, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

// storeCopied is the answer of `store copy`.
type storeCopied struct {
	Revisions int            `json:"revisions"` // carried over this time
	Documents int            `json:"documents"`
	States    int            `json:"states"`
	Records   int            `json:"records"`
	Rows      int            `json:"trafficRows"`
	Digest    string         `json:"digest"`
	Revision  graph.Revision `json:"revision"`
	Behind    uint64         `json:"behind"`
	from, to  string
}

func (a *storeCopied) table(p *printer) {
	p.line("%s copied from %s to %s, which is at revision %d and equal:", many(a.Revisions, "revision", "revisions"),
		oneLine(a.from), oneLine(a.to), a.Revision)
	p.line("%s, %s of sources, %s", many(a.Documents, "document", "documents"), many(a.States, "state", "states"),
		many(a.Records, "recorded change", "recorded changes"))
	if a.Rows > 0 {
		p.line("%s of traffic", many(a.Rows, "row", "rows"))
	}
	p.line("digest %s", a.Digest)
	if a.Behind > 0 {
		p.line("%s has %s more by now: the same command again copies what is new", oneLine(a.from),
			many(int(a.Behind), "revision", "revisions"))
	}
}
