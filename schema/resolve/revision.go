package resolve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// Of one revision, the first maxChanges are told, fewer where their texts are long.
const (
	maxChanges      = 1000
	maxChangesBytes = 1 << 20
)

// A window of the history is what is read of it at a time, and in memory until it is told: so many revisions and, but for
// a single one that is larger, so many bytes of text.
const (
	historyWindow = 32
	windowBytes   = 64 << 10
)

// revisionChanges is what one revision changed. It is shared and never changed once it is whole.
type revisionChanges struct {
	revision  graph.Revision
	time      time.Time
	changes   []*graph.Recorded
	bytes     int // of their texts
	truncated bool
}

func (r *revisionChanges) add(recorded *graph.Recorded) {
	bytes := len(recorded.Ref) + len(recorded.Field) + len(recorded.Old) + len(recorded.New) + len(recorded.Source)
	if r.truncated || len(r.changes) == maxChanges || r.bytes+bytes > maxChangesBytes {
		r.truncated = true
		return
	}
	r.changes = append(r.changes, recorded)
	r.bytes += bytes
}

func (r *revisionChanges) shown() *gen.RevisionChanges {
	return &gen.RevisionChanges{
		Revision: int(r.revision), Time: r.time.UTC(), Changes: r.changes, Truncated: r.truncated,
	}
}

// changesBetween reads what each revision behind the first and up to the last one changed, in order; refs narrow it. Where
// that is much, it ends earlier: it returns up to which revision it has come.
func changesBetween(ctx context.Context, past Past, after, through graph.Revision, refs []catalog.Ref) (
	[]*revisionChanges, graph.Revision, error,
) {
	var read []*revisionChanges // the newest first
	bytes := 0
	for recorded, err := range past.History(ctx, graph.HistoryQuery{After: after, Through: through, Refs: refs}) {
		if err != nil {
			return nil, 0, fmt.Errorf("read the changes of revisions %d to %d: %w", after+1, through, err)
		}
		last := len(read) - 1
		if last < 0 || read[last].revision != recorded.Revision {
			read = append(read, &revisionChanges{revision: recorded.Revision, time: recorded.Time})
			last++
		}
		bytes -= read[last].bytes
		read[last].add(&recorded)
		bytes += read[last].bytes
		for bytes > windowBytes && len(read) > 1 {
			through = read[0].revision - 1
			bytes -= read[0].bytes
			read = read[1:]
		}
	}
	slices.Reverse(read)
	return read, through, nil
}
