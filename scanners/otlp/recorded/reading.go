package recorded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

const (
	// resourceBytes is the memory for who made spans.
	resourceBytes = 16 << 20
	// packedMost and packedLeast bound what a packed file unpacks to: so many times its size, and at least so many bytes.
	// Traces pack to a hundredth at best.
	packedMost  = 300
	packedLeast = 1 << 30
	// checkEvery is after how many spans it is looked at whether to stop.
	checkEvery = 1024
)

// reading reads all files once.
type reading struct {
	config    *Config
	before    *state
	after     *state
	into      scanners.TrafficSink
	gathering *gathering
	resources *spans.Resources
	results   []result // by number of the file
}

// result is what is known of one file beside its counts.
type result struct {
	*file
	lost     map[string]uint64
	problems []catalog.Problem
	sum      [sumBytes]byte
	gone     bool // it went away before it could be read
	unread   bool // it is there and cannot be read: what was counted of it stands
}

func (r *Reader) newReading(before *state, into scanners.TrafficSink) *reading {
	return &reading{
		config: &r.config, before: before, after: &state{Version: stateVersion, Files: make(map[string]known)}, into: into,
		gathering: newGathering(r.config.Pairing), resources: spans.NewResources(resourceBytes),
	}
}

// all reads the files in order and hands over what each has counted.
func (r *reading) all(ctx context.Context, files []*file) error {
	for _, f := range files {
		result, err := r.one(ctx, f)
		if err != nil {
			return err
		}
		r.results = append(r.results, result)
	}
	r.gathering.settle()
	for i := range r.results {
		if err := r.replace(ctx, &r.results[i], r.gathering.counts[i]); err != nil {
			return err
		}
		r.gathering.counts[i] = nil // the sink has it
	}
	return r.moved(ctx)
}

// one reads a file. Its error is that of reading as a whole; what is wrong with the file is in the result.
func (r *reading) one(ctx context.Context, f *file) (result, error) {
	r.config.Progress.Read.Add(1)
	origin := r.gathering.origin()
	read := result{file: f, lost: make(map[string]uint64)}
	opened, info, err := folder.OpenRegular(f.root, f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		read.gone = true
		return read, nil
	case err != nil:
		read.fail(err)
		return read, nil
	}
	defer func() { _ = opened.Close() }() // it was only read
	c := &content{
		location: f.writer, held: r.config.MaxHeldBytes, resources: r.resources,
		reader: spans.NewReader(r.resources), ids: identities{file: f.writer}, lost: read.lost,
	}
	defer c.end()
	seen := 0
	c.each = func(s *spans.Span) error {
		if seen++; seen%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.Origin = origin
		return r.gathering.add(s, f.changed)
	}
	in, err := unpacked(ctx, opened, max(packedLeast, packedMost*info.Size()))
	defer in.end()
	if err != nil {
		c.broken(err)
	} else if err := c.all(in); err != nil {
		return read, err
	}
	switch {
	case ctx.Err() != nil:
		return read, context.Cause(ctx)
	case in.failed != nil:
		read.fail(in.failed)
		return read, nil
	}
	read.sum = in.sum()
	if !c.found && len(c.problems) == 0 {
		c.wrong(place{}, codeNone, "this file has no traces in a format that is known", "leave it out by exclude")
	}
	read.problems = c.told()
	return read, nil
}

// fail notes that a file cannot be read.
func (r *result) fail(err error) {
	r.unread = true
	r.problems = []catalog.Problem{{
		Location: r.writer, Severity: catalog.Error, Code: codeFile, Message: "this file cannot be read: " + folder.Plain(err).Error(),
		Fix: "mend it, or leave it out by exclude",
	}}
}

// replace hands over what a file has counted, and takes back what it had before and has no more.
func (r *reading) replace(ctx context.Context, f *result, counts map[traffic.Hour]*traffic.Counts) error {
	switch {
	case f.gone, f.unread && len(r.into.Hours(f.writer)) > 0:
		return nil
	case f.unread:
		f.lost, counts = map[string]uint64{lostUnreadable: 1}, nil
	}
	if len(f.lost) > 0 {
		counts = withLost(f, counts)
	}
	for _, hour := range slices.Sorted(maps.Keys(counts)) {
		if err := r.into.Replace(ctx, f.writer, hour, counts[hour]); err != nil {
			return fmt.Errorf("count %s: %w", f.writer, err)
		}
	}
	return r.empty(ctx, f.writer, counts)
}

// withLost adds what could not be read to the last hour of the file; where it has none, to that in which it was written.
func withLost(f *result, counts map[traffic.Hour]*traffic.Counts) map[traffic.Hour]*traffic.Counts {
	if counts == nil {
		counts = make(map[traffic.Hour]*traffic.Counts)
	}
	hour := traffic.Hour(max(0, f.changed.Unix()/3600)) //nolint:gosec // a time of this century
	if len(counts) > 0 {
		hour = slices.Max(slices.Collect(maps.Keys(counts)))
	}
	of := counts[hour]
	if of == nil {
		of = new(traffic.Counts)
		counts[hour] = of
	}
	for reason, n := range f.lost {
		of.Lose(reason, n)
	}
	return counts
}

// empty takes back what a writer said of hours that counts does not have.
func (r *reading) empty(ctx context.Context, writer string, counts map[traffic.Hour]*traffic.Counts) error {
	for _, hour := range r.into.Hours(writer) {
		if _, has := counts[hour]; has {
			continue
		}
		if err := r.into.Replace(ctx, writer, hour, nil); err != nil {
			return fmt.Errorf("count %s: %w", writer, err)
		}
	}
	return nil
}

// moved takes back what files counted that are gone and whose content is there under another name.
func (r *reading) moved(ctx context.Context) error {
	here := make(map[[sumBytes]byte]bool)
	for _, f := range r.results {
		switch was, held := r.before.Files[f.writer]; {
		case f.gone:
		case f.unread && held:
			r.after.Files[f.writer] = was
		default:
			r.after.Files[f.writer] = known{Sum: f.sum}
			here[f.sum] = true
		}
	}
	for writer, was := range r.before.Files {
		if _, there := r.after.Files[writer]; there {
			continue
		}
		if here[was.Sum] {
			if err := r.empty(ctx, writer, nil); err != nil {
				return err
			}
			continue
		}
		was.Gone = true
		r.after.Files[writer] = was
	}
	return nil
}

// fileScopes begins the names of the scopes of files.
const fileScopes = "files/"

// tell tells what is wrong with files. Nothing is told of the others, so that what was told before is gone.
func (r *reading) tell(ctx context.Context, refused []catalog.Problem) error {
	for _, problem := range refused {
		if err := r.report(ctx, problem.Location, scanners.Unreadable, problem); err != nil {
			return err
		}
	}
	for _, f := range r.results {
		state := scanners.Read
		if f.unread {
			state = scanners.Unreadable
		}
		if len(f.problems) == 0 {
			continue
		}
		if err := r.report(ctx, f.writer, state, f.problems...); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) report(ctx context.Context, location string, state scanners.ScopeState, problems ...catalog.Problem) error {
	scope := scanners.Scope{
		Name: fileScopes + location, State: state, Documents: []*catalog.Document{{Location: location, Problems: problems}},
	}
	if state != scanners.Read {
		scope.Error = problems[0].Message
	}
	r.after.Told = append(r.after.Told, scope.Name)
	return r.into.Report(ctx, scope)
}
