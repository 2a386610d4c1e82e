package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// tidy sums up the rows that processes wrote in days that are over into one row a part and day, and empties those that are
// too old, and all of a source that is not configured and for long has had no traffic. Each of its writes leaves the sum of all rows what it was, or takes the old away; one that somebody else came
// before does nothing. Only one process at a time should do it.
func (l *Ledger) tidy(ctx context.Context) error {
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.release()
	for {
		t, err := l.gather(ctx)
		if err != nil {
			return err
		}
		if len(t.sums)+len(t.old) == 0 {
			return nil
		}
		if err := t.write(ctx, l.rows); err != nil {
			return err
		}
		if err := l.sumUp(ctx); err != nil { // the rows are others now
			return err
		}
		if !t.more {
			return nil
		}
	}
}

// tidying is what is to be written.
type tidying struct {
	sums map[sumID]*sum
	old  []graph.TrafficRow
	more bool // there are more days to be summed up
}

// sumID names the sum of a part of a day.
type sumID struct {
	source string
	day    traffic.Hour
	part   uint16
}

type sum struct {
	counts traffic.Counts
	of     []graph.TrafficRow // without Data
}

// span is what is to be done with the rows of a source, by their hours.
type span struct {
	from   traffic.Hour // rows of earlier hours are too old
	day    traffic.Hour // is summed up; 0 = none
	stands map[string]bool
	gone   bool // every row is too old
}

// plan looks for the oldest day of each source with rows to be summed up, among those that are known.
func (l *Ledger) plan() (spans map[string]span, work, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	spans = make(map[string]span)
	clock := l.hour()
	for id, s := range l.sources {
		if s.newest == 0 {
			continue
		}
		at := span{from: hourOf(s.newest.Time().Add(-s.config.RemoveAfter)), stands: s.stands}
		newest := day(hourOf(s.newest.Time())) // it is not summed up yet
		for writer, hours := range s.summed {
			epoch, live := epochOf(writer)
			for hour := range hours {
				switch {
				case hour == 0 || s.standing(writer):
				case day(hour+23) < day(at.from): // a sum of a day stands at its first hour
					work = true
				case live && clock > epoch+final && day(hour) < newest:
					more = more || at.day > 0 && at.day != day(hour)
					work = true
					if at.day == 0 || day(hour) < at.day {
						at.day = day(hour)
					}
				}
			}
		}
		for set := range s.sets {
			work = work || set.hour > 0 && !s.standing(set.writer) && isReplaced(set.writer) && day(set.hour+23) < day(at.from)
		}
		spans[id] = at
	}
	for id, newest := range l.others {
		if newest < l.abandoned() {
			spans[id], work = span{gone: true}, true
		}
	}
	return spans, work, more
}

// abandoned is the hour since which a source that is not configured must have had traffic to be kept.
func (l *Ledger) abandoned() traffic.Hour { return hourOf(l.config.Now().Add(-DefaultRemoveAfter)) }

// gather reads what is to be summed up.
func (l *Ledger) gather(ctx context.Context) (*tidying, error) {
	t := &tidying{sums: make(map[sumID]*sum)}
	spans, work, more := l.plan()
	t.more = more
	if !work {
		return t, nil
	}
	clock := l.hour()
	alive := make(map[string]bool) // sources that have had traffic since all rows were added up
	for row, err := range l.rows.Traffic(ctx, 0) {
		if err != nil {
			return nil, err
		}
		at, known := spans[row.Source]
		name, replaced := strings.CutPrefix(row.Writer, prefixReplaced)
		switch epoch, live := epochOf(row.Writer); {
		case at.gone && len(row.Data) > 0:
			alive[row.Source] = alive[row.Source] || row.Hour >= l.abandoned()
			row.Data = nil
			t.old = append(t.old, row)
		case !known || row.Hour == 0 || replaced && at.stands[name] || len(row.Data) == 0:
		case day(row.Hour+23) < day(at.from):
			row.Data = nil
			t.old = append(t.old, row)
		case at.day > 0 && day(row.Hour) == at.day && (live && clock > epoch+final || isSum(row.Writer)):
			counts, err := traffic.Unpack(row.Data)
			if err != nil {
				return nil, fmt.Errorf("row %d of %q by %q: %w", row.Part, row.Source, row.Writer, err)
			}
			id := sumID{row.Source, at.day, row.Part}
			if t.sums[id] == nil {
				t.sums[id] = new(sum)
			}
			t.sums[id].counts.Merge(counts)
			row.Data = nil
			t.sums[id].of = append(t.sums[id].of, row)
		}
	}
	t.old = slices.DeleteFunc(t.old, func(row graph.TrafficRow) bool { return alive[row.Source] })
	maps.DeleteFunc(t.sums, func(_ sumID, s *sum) bool {
		return !slices.ContainsFunc(s.of, func(row graph.TrafficRow) bool { return !isSum(row.Writer) })
	})
	return t, nil
}

// write writes the sums in place of what they sum up, a few parts at a time, and empties what is old.
func (t *tidying) write(ctx context.Context, to rows) error {
	var write graph.TrafficWrite
	size := 0
	var conflict error
	send := func() error {
		if len(write.Put) == 0 {
			return nil
		}
		err := to.WriteTraffic(ctx, write)
		write, size = graph.TrafficWrite{}, 0
		if errors.Is(err, graph.ErrConflict) { // somebody else did it
			conflict = err
			return nil
		}
		return err
	}
	add := func(put, expect []graph.TrafficRow) error {
		more := 0
		for _, row := range slices.Concat(put, expect) {
			more += row.Size()
		}
		if rows := len(write.Put) + len(write.Expect) + len(put) + len(expect); rows > writeRows || size+more > writeBytes {
			if err := send(); err != nil {
				return err
			}
		}
		write.Put, write.Expect, size = append(write.Put, put...), append(write.Expect, expect...), size+more
		return nil
	}
	ids := slices.SortedFunc(maps.Keys(t.sums), func(a, b sumID) int {
		return cmp.Or(strings.Compare(a.source, b.source), cmp.Compare(a.day, b.day), cmp.Compare(a.part, b.part))
	})
	for _, id := range ids {
		put, expect, err := t.sums[id].rows(id)
		if err == nil {
			err = add(put, expect)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range t.old {
		if err := add([]graph.TrafficRow{row}, []graph.TrafficRow{row}); err != nil {
			return err
		}
	}
	if err := send(); err != nil {
		return err
	}
	if conflict != nil {
		t.more = false
	}
	return conflict
}

// rows are those of a sum, and what they take the place of.
func (s *sum) rows(id sumID) (put, expect []graph.TrafficRow, err error) {
	packed, err := packSplit(&s.counts)
	if err != nil {
		return nil, nil, err
	}
	place := make(map[graph.TrafficKey]bool)
	for i, data := range packed {
		writer := ""
		if i > 0 {
			writer = fmt.Sprintf("%s%d", prefixSum, i)
		}
		key := graph.TrafficKey{Source: id.source, Writer: writer, Hour: id.day * 24, Part: id.part}
		if id.day == 0 {
			key.Hour = 1
		}
		place[key] = true
		put = append(put, graph.TrafficRow{TrafficKey: key, Data: data})
	}
	for _, row := range s.of {
		expect = append(expect, row)
		if place[row.TrafficKey] {
			delete(place, row.TrafficKey)
		} else {
			put = append(put, graph.TrafficRow{TrafficKey: row.TrafficKey})
		}
	}
	for key := range place { // nothing else may stand there
		expect = append(expect, graph.TrafficRow{TrafficKey: key})
	}
	return put, expect, nil
}

// packSplit packs counts into as many rows as it takes.
func packSplit(c *traffic.Counts) ([][]byte, error) {
	data, err := traffic.Pack(c)
	if err != nil || len(data) <= graph.MaxStateBytes {
		return [][]byte{data}, err
	}
	half := [2]traffic.Counts{{Lost: c.Lost}}
	i := 0
	next := func() *traffic.Counts { i++; return &half[i%2] }
	for key, f := range c.Flows {
		to := next()
		to.Flow(key)
		to.Flows[key] = f
	}
	for key, v := range c.Services {
		to := next()
		to.Service(key)
		to.Services[key] = v
	}
	for key, d := range c.Deliveries {
		to := next()
		to.Delivery(key)
		to.Deliveries[key] = d
	}
	for key, n := range c.Reach {
		next().Touch(key, n)
	}
	var all [][]byte
	for i := range half {
		packed, err := packSplit(&half[i])
		if err != nil {
			return nil, err
		}
		all = append(all, packed...)
	}
	return all, nil
}
