package neo4jstore

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// trafficID is the id of a row, and its whole key, which is longer where it had to be cut.
func trafficID(row graph.TrafficKey) (id, whole string) {
	names := []string{row.Source, row.Writer, strconv.FormatUint(uint64(row.Hour), 10), strconv.FormatUint(uint64(row.Part), 10)}
	return indexed(names...), key(names...)
}

// trafficKeyOf undoes key.
func trafficKeyOf(whole string) (graph.TrafficKey, error) {
	names, err := parts(whole)
	if err != nil {
		return graph.TrafficKey{}, err
	}
	if len(names) != 4 {
		return graph.TrafficKey{}, errBadKey
	}
	hour, err := strconv.ParseUint(names[2], 10, 32)
	if err != nil {
		return graph.TrafficKey{}, errBadKey
	}
	part, err := strconv.ParseUint(names[3], 10, 16)
	if err != nil {
		return graph.TrafficKey{}, errBadKey
	}
	return graph.TrafficKey{Source: names[0], Writer: names[1], Hour: traffic.Hour(hour), Part: uint16(part)}, nil
}

// Traffic implements [graph.TrafficStore].
//
// It reads in rounds, until nothing was written during one. Up to which sequence a round goes is seen in a transaction of
// its own: those that read the rows begin when the member has applied all that could be seen in that one, to indexes too.
// So no row of the round is missed but those that went away meanwhile: what came in their place is of a later round.
func (s *Store) Traffic(ctx context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		begun, at := after, after // where the last round began, and where it ended
		for limit := firstPage; ; {
			through, err := s.newestTraffic(ctx, begun, at)
			if err != nil {
				yield(graph.TrafficRow{}, err)
				return
			}
			if at == through {
				return
			}
			for begun = at; at < through; {
				page := trafficPage{after: at, through: through, limit: limit, empty: begun > 0}
				err := s.read(ctx, page.read)
				if err != nil {
					yield(graph.TrafficRow{}, err)
					return
				}
				for _, row := range page.rows {
					if err := s.interrupted(ctx); err != nil {
						yield(graph.TrafficRow{}, err)
						return
					}
					if !yield(row, nil) {
						return
					}
				}
				at, limit = page.next()
			}
		}
	}
}

// newestTraffic is the newest sequence; graph.ErrCompacted where it is less than at, or where rows that were emptied after
// begun are forgotten.
func (s *Store) newestTraffic(ctx context.Context, begun, at uint64) (uint64, error) {
	var now trafficHead
	err := s.read(ctx, func(tx *transaction) (err error) {
		now, _, err = tx.trafficHead()
		return err
	})
	newest, forgotten := uint64(now.newest), uint64(now.forgotten)
	switch {
	case err != nil:
		return 0, err
	case at > newest:
		return 0, fmt.Errorf("%w: the newest row of traffic has sequence %d, and those after %d were asked for: another database "+
			"stands in its place", graph.ErrCompacted, newest, at)
	case begun > 0 && begun < forgotten:
		return 0, fmt.Errorf("%w: rows of traffic were emptied up to sequence %d and are forgotten, and those after %d were asked for",
			graph.ErrCompacted, forgotten, begun)
	}
	return newest, nil
}

// trafficPageCypher reads a page along the index of sequences.
const trafficPageCypher = `MATCH (r:@TrafficRow) USING INDEX r:@TrafficRow(sequence)
	WHERE r.sequence > $after AND r.sequence <= $through AND ($empty OR r.emptied IS NULL)
	RETURN r.sequence AS sequence, r.id AS id, r.whole AS whole, r.bytes AS bytes, r.data AS data ORDER BY r.sequence LIMIT $limit`

// trafficPage is what one transaction reads of a round.
type trafficPage struct {
	after, through uint64
	limit          int
	empty          bool // rows that are empty are read, too

	rows []graph.TrafficRow
	last uint64 // all up to it was read
}

// read reads the page. It may be run again.
func (p *trafficPage) read(tx *transaction) error {
	p.rows, p.last = nil, p.after
	n, bytes := 0, 0
	for record, err := range tx.stream(trafficPageCypher, map[string]any{
		"after": int64(p.after), "through": int64(p.through), "empty": p.empty, "limit": int64(p.limit),
	}) {
		if err != nil {
			return err
		}
		r := reader{record: record}
		id, whole, size := r.text("id"), r.text("whole"), r.number("bytes")
		row := graph.TrafficRow{Sequence: uint64(r.number("sequence")), Data: r.bytes("data")}
		if r.err != nil {
			return r.err
		}
		n++
		p.last = max(p.last, row.Sequence)
		if id == "" || row.Sequence == 0 || len(row.Data) != int(size) {
			continue // it went away while it was read
		}
		if whole == "" {
			whole = id
		}
		if row.TrafficKey, err = trafficKeyOf(whole); err != nil {
			return fmt.Errorf("the row of traffic %q of %s is damaged: %w", id, place(tx.store.config), err)
		}
		p.rows = append(p.rows, row)
		if bytes += row.Size(); bytes > pageLimit {
			return nil
		}
	}
	if n < p.limit {
		p.last = p.through
	}
	return nil
}

// next is what the page after it comes after, and its limit.
func (p *trafficPage) next() (after uint64, limit int) {
	bytes := 0
	for i := range p.rows {
		bytes += p.rows[i].Size()
	}
	return p.last, pageOf(len(p.rows), bytes)
}
