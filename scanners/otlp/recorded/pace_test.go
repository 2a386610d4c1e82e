package recorded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
)

// pair are the two sides of a call, each in Zipkin's form on a line.
func pair(number int) (client, server string) {
	trace := fmt.Sprintf(`{"traceId":"%032x","timestamp":1531282088548312,"duration":10,`, uint64(number)+1<<40)
	return trace + `"id":"a1","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"elsewhere"}}`,
		trace + `"id":"a2","parentId":"a1","kind":"SERVER","localEndpoint":{"serviceName":"cart"}}`
}

// TestMoreThanMemory reads more traces than the memory has room for at a time.
func TestMoreThanMemory(t *testing.T) {
	const traces = 20_000
	var together, clients, servers strings.Builder
	for number := range traces {
		client, server := pair(number)
		fmt.Fprintf(&together, "%s\n%s\n", client, server)
		fmt.Fprintln(&clients, client)
		fmt.Fprintln(&servers, server)
	}
	config := pairing.Config{MaxBytes: 4 << 20}
	t.Run("in order", func(t *testing.T) {
		counts := readFiles(t, config, map[string]string{"together.json": together.String()}).total()
		want := []string{"entry shop", fmt.Sprintf("shop > cart http calls=%d errors=0 async=false null", traces)}
		if diff := cmp.Diff(want, otlptest.Lines(counts)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
	t.Run("far apart", func(t *testing.T) {
		counts := readFiles(t, config, map[string]string{"1.json": clients.String(), "2.json": servers.String()}).total()
		calls := 0.0
		for _, flow := range counts.Flows {
			calls += flow.Requests
		}
		if lost := counts.Lost[traffic.LostMissingParent]; calls != traces || lost == 0 || lost > traces {
			t.Errorf("%v calls, and %v lost", calls, counts.Lost)
		}
	})
}

// TestManyHours counts more of them than the memory of pairing has room for at a time.
func TestManyHours(t *testing.T) {
	const hours = 20_000
	var lines strings.Builder
	for number := range hours {
		client, server := pair(number)
		at := fmt.Sprint((1_000_000_000 + number*3600) * 1_000_000)
		fmt.Fprintln(&lines, strings.Replace(client, "1531282088548312", at, 1))
		fmt.Fprintln(&lines, strings.Replace(server, "1531282088548312", at, 1))
	}
	held := readFiles(t, pairing.Config{MaxBytes: 4 << 20}, map[string]string{"1.json": lines.String()})
	calls := 0
	for _, rows := range held.rows {
		for _, counts := range rows {
			for _, flow := range counts.Flows {
				calls += int(flow.Requests)
			}
		}
	}
	if lost := held.total().Lost; calls != hours || lost[traffic.LostMissingParent] > 0 {
		t.Errorf("%d calls, and lost %v", calls, lost)
	}
}

func TestStateIsBounded(t *testing.T) {
	const most = 1 << 20
	for _, c := range []struct{ here, gone, told, wantHere, wantGone, wantTold int }{
		{10, 10, 10, 10, 10, 10},
		{1000, 100_000, 10, 1000, 0, 10},
		{100_000, 10, 10, 0, 0, 10},
		{10, 10, 100_000, 0, 0, 0},
	} {
		size, here, gone, told, listed, err := recorded.KeptState(c.here, c.gone, c.told)
		if err != nil || size > most || here != c.wantHere || gone != c.wantGone || told != c.wantTold || listed != (told > 0) {
			t.Errorf("of %+v are kept %d here, %d gone, %d told, listed %v, in %d bytes: %v", c, here, gone, told, listed, size, err)
		}
	}
}

func readFiles(t *testing.T, config pairing.Config, files map[string]string) *ledger {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, recorded.Config{Roots: []folder.Root{{Path: dir}}, Pairing: config})
}

// TestTimesThatCannotBe are taken for that of the file, whenever it is read.
func TestTimesThatCannotBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.json")
	for _, start := range []string{"10", "4102444800000000"} {
		if err := os.WriteFile(path, []byte(strings.Replace(half(long1, false), "1542666452979000", start, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		written := time.Date(2021, 5, 6, 7, 30, 0, 0, time.UTC)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		for _, now := range []time.Time{time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)} {
			held := read(t, recorded.Config{
				Roots: []folder.Root{{Path: path}}, Pairing: pairing.Config{Now: func() time.Time { return now }},
			})
			want := []traffic.Hour{traffic.Hour(written.Unix() / 3600)}
			if diff := cmp.Diff(want, held.Hours(path)); diff != "" {
				t.Errorf("%s at %v: -want +got\n%s", start, now, diff)
			}
		}
	}
}
