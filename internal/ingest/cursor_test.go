package ingest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

const chunk = 16 << 10

// cursors are the documents of scanners' states that a change writes, each as "name bytes", or "-name" where it removes one.
func cursors(change graph.Change) []string {
	list := []string{}
	for _, state := range change.States {
		switch {
		case !strings.HasPrefix(state.Name, "cursor"):
		case state.Data == nil:
			list = append(list, "-"+state.Name)
		default:
			list = append(list, fmt.Sprint(state.Name, " ", len(state.Data)))
		}
	}
	slices.Sort(list)
	return list
}

// TestStateInPieces holds that the state of a scanner comes back as it was, also after a restart and by another process, and
// that only those pieces of it are written that have changed.
func TestStateInPieces(t *testing.T) {
	path := storePath(t)
	store := &spy{Store: openStore(t, path, false)}
	w := &world{}
	source := ingest.Source{ID: "w", Scanner: w}
	large := bytes.Repeat([]byte("0123456789"), 5*chunk/10/2) // two and a half pieces
	changed := bytes.Clone(large)
	changed[chunk+7] = 'x'
	for i, test := range []struct {
		next []byte
		want []string
	}{
		{nil, []string{}},
		{[]byte("small"), []string{"cursor 5"}},
		{large, []string{fmt.Sprint("cursor ", chunk), fmt.Sprint("cursor/1 ", chunk), fmt.Sprint("cursor/2 ", len(large)-2*chunk)}},
		{bytes.Clone(large), []string{}},
		{changed, []string{fmt.Sprint("cursor/1 ", chunk)}},
		{append(bytes.Clone(changed), '!'), []string{fmt.Sprint("cursor/2 ", len(large)-2*chunk+1)}},
		{changed[:2*chunk], []string{"-cursor/2"}},
		{changed[:chunk], []string{"-cursor/1"}},
		{[]byte("small"), []string{"cursor 5"}},
		{nil, []string{"-cursor"}},
	} {
		before := slices.Clone(w.next)
		w.says(read("f", refA+fmt.Sprint(" ", i)))
		w.next = bytes.Clone(test.next)
		c := newCatalog(t, store, source)
		scan(t, c)
		if !bytes.Equal(w.given, before) {
			t.Errorf("step %d: it was given %d bytes, not the %d that it returned", i, len(w.given), len(before))
		}
		changes := store.taken()
		if diff := cmp.Diff(test.want, cursors(changes[len(changes)-1])); diff != "" {
			t.Errorf("step %d: written (-want +got):\n%s", i, diff)
		}
		for j := range w.next { // what it does with its memory is its own business
			w.next[j] = 'y'
		}
		w.next = bytes.Clone(test.next)
		scan(t, c)
		if !bytes.Equal(w.given, test.next) {
			t.Errorf("step %d: the same process gave it something else", i)
		}
	}
}

// TestStateInOnePiece holds that a state which was stored in one document larger than a piece is read as it is.
func TestStateInOnePiece(t *testing.T) {
	store := &spy{Store: openStore(t, storePath(t), false)}
	old := bytes.Repeat([]byte("0123456789"), 7*chunk/10/2)
	if _, err := store.Apply(t.Context(), graph.Change{States: []graph.State{{Source: "w", Name: "cursor", Data: old}}}); err != nil {
		t.Fatal(err)
	}
	w := &world{next: old}
	w.says(read("f", refA))
	scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w}))
	if !bytes.Equal(w.given, old) {
		t.Errorf("it was given %d bytes", len(w.given))
	}
	changes := store.taken()
	want := []string{
		fmt.Sprint("cursor ", chunk), fmt.Sprint("cursor/1 ", chunk), fmt.Sprint("cursor/2 ", chunk), fmt.Sprint("cursor/3 ", len(old)-3*chunk),
	}
	if diff := cmp.Diff(want, cursors(changes[len(changes)-1])); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// TestStateWithAHole holds that a state of which a piece is missing is not taken for one.
func TestStateWithAHole(t *testing.T) {
	store := openStore(t, storePath(t), false)
	_, err := store.Apply(t.Context(), graph.Change{States: []graph.State{
		{Source: "w", Name: "cursor", Data: []byte("a")},
		{Source: "w", Name: "cursor/2", Data: []byte("c")},
		{Source: "w", Name: "cursor/x", Data: []byte("d")},
		{Source: "w", Name: "cursor/01", Data: []byte("e")},
		{Source: "w", Name: "cursor/999999", Data: []byte("f")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{next: []byte("new")}
	w.says(read("f", refA))
	scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w}))
	if w.given != nil {
		t.Errorf("it was given %q", w.given)
	}
	scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w}))
	if string(w.given) != "new" {
		t.Errorf("it was given %q", w.given)
	}
}

// TestStateOfASourceThatGoes holds that all pieces go with their source, and when all that it said waits for a person.
func TestStateOfASourceThatGoes(t *testing.T) {
	for name, says := range map[string][]string{"at once": {refA}, "when it is approved": {refA, refB}} {
		t.Run(name, func(t *testing.T) {
			store := &spy{Store: openStore(t, storePath(t), false)}
			w := &world{next: make([]byte, 3*chunk)}
			w.says(read("f", says...))
			scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w}))
			c := newCatalog(t, store)
			scan(t, c)
			changes := store.taken()
			if diff := cmp.Diff([]string{"-cursor", "-cursor/1", "-cursor/2"}, cursors(changes[len(changes)-1])); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			for _, source := range c.Snapshot().Sources() {
				if source.Held == nil {
					t.Fatalf("%+v", source)
				}
				if _, err := c.ApproveScan(t.Context(), "w", source.Held.Digest); err != nil {
					t.Fatal(err)
				}
			}
			for _, record := range records(t, store) {
				if record.State != nil && record.State.Source != "" {
					t.Errorf("left: %+v", record.State)
				}
			}
		})
	}
}

func records(t *testing.T, store graph.Store) []graph.Record {
	t.Helper()
	var list []graph.Record
	_, all := store.Load(t.Context(), graph.AsOf{})
	for record, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, record)
	}
	return list
}

// TestStatesAtRandom holds that whatever a scanner returns, the store has as many pieces as it needs, and the next process
// gives it back.
func TestStatesAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 1))
	store := openStore(t, storePath(t), false)
	w := &world{}
	w.says(read("f", refA))
	var last []byte
	for step := range 30 {
		switch size := random.IntN(4 * chunk); random.IntN(4) {
		case 0:
			w.next = bytes.Repeat([]byte{byte(random.IntN(256))}, size)
		case 1:
			w.next = slices.Concat(last, make([]byte, size))
		case 2:
			w.next = bytes.Clone(last[:random.IntN(len(last)+1)])
		default:
			if w.next = bytes.Clone(last); len(last) > 0 {
				w.next[random.IntN(len(last))]++
			}
		}
		scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w}))
		if !bytes.Equal(w.given, last) {
			t.Fatalf("step %d: it was given %d bytes, not %d", step, len(w.given), len(last))
		}
		last = w.next
		pieces := 0
		for _, record := range records(t, store) {
			if record.State != nil && strings.HasPrefix(record.State.Name, "cursor") {
				pieces++
			}
		}
		if want := (len(last) + chunk - 1) / chunk; pieces != want {
			t.Errorf("step %d: %d pieces of %d bytes", step, pieces, len(last))
		}
	}
}
