package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/internal/server"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
	"github.com/orrery-catalog/orrery/web"
)

// TestBrowser opens the demo company in a real Chromium; the steps are in browser/demo.mjs.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	chromium, node := findBrowser(t)
	live := demoCatalog(t)
	store := &store{}
	orrery := server.New(server.Config{
		Snapshots: live, Past: live, Live: live, Freshness: store.freshness, UI: web.Handler(), Log: zerolog.Nop(),
	})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path { // the steps say when the store goes and comes
		case "/test/store/goes":
			store.away.Store(true)
		case "/test/store/comes":
			store.away.Store(false)
		default:
			orrery.ServeHTTP(w, r)
		}
	}))
	defer service.Close()

	drive := exec.CommandContext(t.Context(), node, "browser/demo.mjs", service.URL, chromium, t.TempDir())
	if output, err := drive.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// store is one that can be away.
type store struct{ away atomic.Bool }

func (s *store) freshness() graph.Freshness {
	if s.away.Load() {
		since := time.Now().Add(-3 * time.Minute)
		return graph.Freshness{Confirmed: since, Since: since, Err: fmt.Errorf("%w: the Neo4j server at neo4j://neo4j.internal:7687 does not answer", graph.ErrUnavailable)}
	}
	return graph.Freshness{Confirmed: time.Now()}
}

// findBrowser ends the test where one of the parts is missing.
func findBrowser(t *testing.T) (chromium, node string) {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		testenv.Missing(t, testenv.PartBrowser, "there is no Chromium on the PATH (make chromium installs one)")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		testenv.Missing(t, testenv.PartBrowser, "there is no Node.js on the PATH")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "playwright-core")); err != nil || !web.Built() {
		testenv.Missing(t, testenv.PartBrowser, "the UI is not built (make web builds it)")
	}
	return chromium, node
}

func demoCatalog(t *testing.T) *ingest.Catalog {
	t.Helper()
	scanner, err := files.New(files.Config{Roots: []files.Root{{FS: demo.Files(), Display: "demo"}}})
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := manifests.New(manifests.Config{
		Cluster: demo.Cluster, Roots: []folder.Root{{FS: demo.Manifests(), Display: demo.Cluster}},
	})
	if err != nil {
		t.Fatal(err)
	}
	traces, err := recorded.New(recorded.Config{Roots: []folder.Root{{FS: demo.RecordedTraces(time.Now()), Display: demo.Traces}}})
	if err != nil {
		t.Fatal(err)
	}
	counted := ledger.New(ledger.Config{Log: zerolog.Nop()})
	live, err := ingest.New(t.Context(), ingest.Config{
		Traffic: counted,
		Sources: []ingest.Source{
			{
				ID: demo.Traces, Kind: "otlp", Environment: "production", Ages: true,
				Scanner: counted.Source(ledger.Source{ID: demo.Traces, Environment: "production", Reader: traces}),
			},
			{ID: "demo", Kind: "files", Scanner: scanner},
			{
				ID: demo.Cluster, Kind: "kubernetes", Scanner: rendered, Environment: "production",
				Priority: catalog.DefaultPriorityManifests,
			},
		},
		Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := live.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	return live
}
