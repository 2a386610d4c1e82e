package neo4jstore

import (
	"fmt"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
)

// head is the Store node, as a transaction sees it.
type head struct {
	revision  int64 // the newest that readers see
	past      int64 // states from this revision on can be loaded
	forgotten int64 // revisions after it have all their history
	replaced  int64 // about how many bytes were replaced up to the newest revision
	untidy    bool  // there may be something that is no longer kept
	attempt   attempt
	now       int64 // milliseconds since 1970 by the server's clock
}

// attempt is a change that has begun to be written and is not visible yet. While one is registered, there may be data of a
// revision that is none.
type attempt struct {
	id     string // "" = none
	writer string // which Store makes it
	lease  string // "" = none
	fence  int64
	step   int64 // how many of its transactions were committed; 0: it removes what another one left behind
	until  int64 // milliseconds since 1970 by the server's clock: it is dead if it has not come forward by then
	// replaced is about how many bytes its transactions have replaced.
	replaced int64
}

// lock makes this transaction the only one that writes, and requires that fence is the newest token of the lease.
func (tx *transaction) lock(lease string, fence graph.FencingToken) (head, error) {
	// The lock is taken by writing. What is read by the same statement may be read before.
	if err := tx.take("MATCH (s:@Store {id: $store}) SET s.locked = $writer", map[string]any{"writer": tx.store.writer}); err != nil {
		return head{}, err
	}
	if err := tx.checkFence(lease, fence); err != nil {
		return head{}, err
	}
	return tx.head()
}

// take runs a statement that takes a lock. The transaction of a process that was paused keeps a lock until its timeout,
// and may outlast the one that waits for it: then waiting once more helps.
func (tx *transaction) take(cypher string, parameters map[string]any) error {
	err := tx.run(cypher, parameters)
	if timedOut(err) {
		err = fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// checkFence refuses who has lost the lease, and keeps it from passing on until the transaction ends.
func (tx *transaction) checkFence(lease string, fence graph.FencingToken) error {
	if lease == "" {
		return nil
	}
	parameters := map[string]any{"lease": indexed(lease), "writer": tx.store.writer}
	if err := tx.take("MATCH (l:@Lease {name: $lease}) SET l.locked = $writer", parameters); err != nil {
		return err
	}
	record, err := tx.single("MATCH (l:@Lease {name: $lease}) RETURN l.token AS token", parameters)
	if err != nil {
		return err
	}
	newest := int64(0)
	if record != nil {
		if newest, err = value[int64](record, "token"); err != nil {
			return err
		}
	}
	if newest == 0 || graph.FencingToken(newest) != fence {
		return fmt.Errorf("%w: the newest token of %s is %d, the change has %d", graph.ErrFenced, lease, newest, fence)
	}
	return nil
}

// head reads the Store node.
func (tx *transaction) head() (head, error) {
	record, err := tx.single(`MATCH (s:@Store {id: $store}) RETURN s.revision AS revision, s.past AS past,
		s.forgotten AS forgotten, s.replaced AS replaced, s.untidy AS untidy, s.attemptReplaced AS attemptReplaced, s.attempt AS attempt, s.attemptWriter AS writer,
		s.attemptLease AS lease, s.attemptFence AS fence, s.attemptStep AS step, s.attemptUntil AS until,
		datetime.realtime().epochMillis AS now`, nil)
	if err != nil {
		return head{}, err
	}
	if record == nil { // it was there when the store was prepared
		tx.store.prepared.done.Store(false)
		return head{}, fmt.Errorf("%w: the store was removed from %s", graph.ErrUnavailable, place(tx.store.config))
	}
	var h head
	r := reader{record: record}
	h.revision, h.past, h.forgotten, h.replaced = r.number("revision"), r.number("past"), r.number("forgotten"), r.number("replaced")
	h.attempt = attempt{
		id: r.text("attempt"), writer: r.text("writer"), lease: r.text("lease"), fence: r.number("fence"),
		step: r.number("step"), until: r.number("until"),
		replaced: r.number("attemptReplaced"),
	}
	h.untidy = column[bool](&r, "untidy")
	h.now = r.number("now")
	return h, r.err
}

// reader reads the columns of a row; the first error stays.
type reader struct {
	record *neo4j.Record
	err    error
}

func column[T any](r *reader, name string) T {
	v, err := value[T](r.record, name)
	if r.err == nil {
		r.err = err
	}
	return v
}

func (r *reader) number(name string) int64 { return column[int64](r, name) }
func (r *reader) text(name string) string  { return column[string](r, name) }
func (r *reader) bytes(name string) []byte { return column[[]byte](r, name) }
