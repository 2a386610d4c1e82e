package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/server"
)

func (p *program) sourcesApproveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approve ID",
		Short: "Remove what waits for a person's word in a source",
		Long: "Show what is missing from a source and waits for removal, ask, and remove exactly that. Where nobody can be asked,\n" +
			"give the digest that was shown to you, or --yes. If something else would be removed by now, nothing is.",
		Example: "  orrery sources approve repos\n  orrery sources approve repos --digest 5f1c…",
		Args:    arguments(1, 1, "the ID of one source"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.GroupID = ""
	digest := cmd.Flags().String("digest", "", "remove only what this `digest` stands for")
	yes := cmd.Flags().Bool("yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.acts(cmd.Context(), d, func(src *source) error {
			return p.approve(cmd.Context(), src, args[0], *digest, *yes, *format)
		})
	}
	return cmd
}

func (p *program) sourcesScanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan ID",
		Short: "Scan a source now, and wait for the end",
		Long: "Scan a source now, and wait for the end. The exit status is 3 if that failed, what it said before then stands; and 1\n" +
			"if removals wait for approval.",
		Example: "  orrery sources scan repos",
		Args:    arguments(1, 1, "the ID of one source"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.GroupID = ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.acts(cmd.Context(), d, func(src *source) error { return p.scanOne(cmd.Context(), src, args[0], *format) })
	}
	return cmd
}

// acts opens the data to change it: at the server, or in the store of a configuration, which no server may hold then.
func (p *program) acts(ctx context.Context, d *data, act func(*source) error) error {
	switch {
	case len(d.catalog) > 0:
		return usagef("--catalog reads its folders anew each time, so that nothing of it waits or is kept: use --server or --config")
	case d.at != "":
		return usagef("--at asks about the past, which nobody can change: leave it out")
	case d.config != "" && d.server != "":
		return usagef("use only one of --config and --server")
	case d.config == "":
		src, err := p.open(ctx, d)
		if err != nil {
			return err
		}
		defer src.close()
		return act(src)
	}
	return p.actsOnStore(ctx, d.config, act)
}

func (p *program) actsOnStore(ctx context.Context, file string, act func(*source) error) (err error) {
	log, err := p.logger(zerolog.ErrorLevel)
	if err != nil {
		return err
	}
	c, err := p.loadConfig(file)
	if err != nil {
		return err
	}
	const name = "orrery sources"
	store, err := openStore(ctx, c.Graph, false, name)
	if errors.Is(err, graph.ErrLeaseHeld) {
		return fmt.Errorf("%w: ask it by --server URL", err)
	} else if err != nil {
		return openFailed(err, c.Graph, file)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := &present{}
	sources, counted, err := unheard(ctx, c, store, now, log)
	if err != nil {
		return openFailed(err, c.Graph, file)
	}
	live, err := ingest.New(ctx, ingest.Config{
		Store: store, Sources: sources, Merge: c.MergeOptions(), Holder: holder(name), Log: log, Traffic: counted,
	})
	if err == nil && live.Snapshot() == nil {
		err = errEmpty
	}
	if err != nil {
		return openFailed(err, c.Graph, file)
	}
	now.is(live)
	handler := server.New(server.Config{Snapshots: live, Past: live, Live: live, Log: log})
	src := &source{client: local(handler)}
	defer src.close()
	return act(src)
}

// acted is how a scan or an approval ended.
type acted struct {
	Source          sourceState `json:"source"`
	Revision        int64       `json:"revision"`
	Scopes          int         `json:"scopes"`
	Unreadable      int         `json:"unreadable"`
	Put             int         `json:"put"`
	Removed         int         `json:"removed"`
	DurationSeconds float64     `json:"durationSeconds"`
}

const actedFields = "{ source { " + sourceFields + " } revision scopes unreadable put removed durationSeconds }"

// mutate runs a mutation that has one answer.
func mutate(ctx context.Context, src *source, query string, variables map[string]any) (*acted, error) {
	var got struct {
		Done struct {
			acted
			Source sourceNode `json:"source"`
		}
	}
	if _, err := src.ask(ctx, query, variables, &got); err != nil {
		return nil, err
	}
	got.Done.acted.Source = got.Done.Source.state()
	return &got.Done.acted, nil
}

// approve shows what waits, and removes it when that is what is wanted.
func (p *program) approve(ctx context.Context, src *source, id, digest string, yes bool, format string) error {
	var all *sourceList
	err := src.consistently(func(q *pinned) (err error) {
		all, err = askSources(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	found, err := all.find(id)
	switch {
	case err != nil:
		return err
	case found.Held == nil:
		return fmt.Errorf("no removal of the source %s waits for approval", id)
	case digest != "" && digest != found.Held.Digest:
		return fmt.Errorf("something else would be removed by now: look at it by `orrery sources show %s`; its digest is %s", id, found.Held.Digest)
	}
	if format != formatJSON {
		out := p.printer()
		found.Held.table(out)
		if out.err != nil {
			return out.err
		}
	}
	if digest == "" && !yes {
		if !isTerminal(p.stdin) {
			return usagef("nobody can be asked: give what is to be removed by --digest %s, or --yes", found.Held.Digest)
		}
		if agreed, err := p.confirm(ctx, fmt.Sprintf("Remove %s of %s?", many(found.Held.Entities, "entity", "entities"), id)); err != nil {
			return err
		} else if !agreed {
			p.complain("nothing was removed")
			return errNo
		}
	}
	a, err := mutate(ctx, src, "mutation($id: String!, $digest: String!) { done: approveScan(id: $id, digest: $digest) "+actedFields+" }",
		map[string]any{"id": id, "digest": found.Held.Digest})
	if err != nil {
		return err
	}
	return p.show(&approved{a, found.Held.Entities}, format)
}

// confirm asks a question on stderr, whose answer is no unless it is yes.
func (p *program) confirm(ctx context.Context, question string) (bool, error) {
	if _, err := fmt.Fprintf(p.stderr, "%s [y/N] ", printable(question)); err != nil {
		return false, err
	}
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(p.stdin, 1<<10)).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case got := <-read:
		if got.err != nil && !errors.Is(got.err, io.EOF) {
			return false, got.err
		}
		switch strings.ToLower(strings.TrimSpace(got.text)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	}
}

// approved is an approval that was carried out.
type approved struct {
	*acted
	entities int
}

func (a *approved) table(p *printer) {
	p.line("Removed %s (%s) in revision %d.", many(a.entities, "entity", "entities"), many(a.Removed, "document", "documents"), a.Revision)
}

// scanOne scans a source and says what came of it.
func (p *program) scanOne(ctx context.Context, src *source, id, format string) error {
	a, err := mutate(ctx, src, "mutation($id: String!) { done: scanSource(id: $id) "+actedFields+" }", map[string]any{"id": id})
	if err != nil {
		return err
	}
	if err := p.show(a, format); err != nil {
		return err
	}
	if a.Source.Held != nil {
		return p.heldBack(id, a.Source.Held.Entities, a.Source.Held.Of)
	}
	return nil
}

func (a *acted) table(p *printer) {
	p.line("Scanned %s in %s: %s read, %d of them unreadable; %s written, %d removed; revision %d, state %s.",
		printable(a.Source.ID), time.Duration(a.DurationSeconds*float64(time.Second)).Round(time.Millisecond), many(a.Scopes, "scope", "scopes"),
		a.Unreadable, many(a.Put, "document", "documents"), a.Removed, a.Revision, p.painted(a.Source.State, statePaints[a.Source.State]))
}

// heldBack says what to do about removals that wait, and is the answer no.
func (p *program) heldBack(id string, entities, of int) error {
	p.complain(fmt.Sprintf("%d of %s of the source %s are no longer there and stand until you approve: `orrery sources show %s` shows them, `orrery sources approve %s` removes them",
		entities, many(of, "entity", "entities"), id, id, id))
	return errNo
}
