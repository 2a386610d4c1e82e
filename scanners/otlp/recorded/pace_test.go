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
	const traces = 50_000
	var together, clients, servers strings.Builder
	for number := range traces {
		client, server := pair(number)
		fmt.Fprintf(&together, "%s\n%s\n", client, server)
		fmt.Fprintln(&clients, client)
		fmt.Fprintln(&servers, server)
	}
	config := pairing.Config{MaxBytes: 8 << 20}
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
