package manifests_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func deployment(namespace, name string, env ...string) string {
	text := fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - name: main
        image: registry.example/%[2]s:1.2.3
        ports: [{containerPort: 8080}]
        env:
`, namespace, name)
	for i, value := range env {
		text += fmt.Sprintf("        - {name: UPSTREAM_%d_URL, value: %q}\n", i, value)
	}
	return text
}

func service(namespace, name string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[2]s, namespace: %[1]s}
spec: {selector: {app: %[2]s}, ports: [{port: 80, targetPort: 8080}]}
`, namespace, name)
}

func newScanner(t *testing.T, config manifests.Config) *manifests.Scanner {
	t.Helper()
	if config.Cluster == "" {
		config.Cluster = "prod"
	}
	scanner, err := manifests.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return scanner
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestContract(t *testing.T) {
	scantest.Run(t, scantest.Subject{
		New: func(t *testing.T) scanners.Scanner {
			dir := t.TempDir()
			for i := range 60 {
				name := fmt.Sprintf("s%d", i)
				write(t, dir, map[string]string{
					name + ".yaml": deployment("shop", name, fmt.Sprintf("http://s%d", i/2)) + "---\n" + service("shop", name),
				})
			}
			write(t, dir, map[string]string{"twice.yaml": service("shop", "s1"), "broken.yaml": "kind: Service\napiVersion: v1\n\tx"})
			return newScanner(t, manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}})
		},
		Broken: func(t *testing.T) scanners.Scanner {
			return newScanner(t, manifests.Config{Roots: []folder.Root{{Path: filepath.Join(t.TempDir(), "nowhere")}}})
		},
		Living: func(t *testing.T) scantest.Living {
			world := &changing{T: t, dir: t.TempDir(), Rand: rand.New(rand.NewPCG(1, 2))}
			write(t, world.dir, map[string]string{"first.yaml": deployment("shop", "s1")})
			config := manifests.Config{Roots: []folder.Root{{Path: world.dir, Display: "tree"}}}
			return scantest.Living{
				Scanner: newScanner(t, config), Fresh: func() scanners.Scanner { return newScanner(t, config) }, Change: world.change,
			}
		},
	})
}

// changing is a folder in which something happens.
type changing struct {
	*testing.T
	*rand.Rand
	dir   string
	count int
}

func (c *changing) change() []string {
	c.count++
	file := fmt.Sprintf("f%d.yaml", c.IntN(4))
	name := func() string { return fmt.Sprintf("s%d", c.IntN(3)) }
	path := filepath.Join(c.dir, file)
	if _, err := os.Stat(path); err == nil && c.IntN(3) == 0 {
		if err := os.Remove(path); err != nil {
			c.Fatal(err)
		}
		return []string{"files/tree/" + file}
	}
	text := deployment("shop", name(), "http://"+name(), fmt.Sprintf("http://unique-%d.example.com", c.count)) + "---\n" + service("shop", name())
	if c.IntN(6) == 0 {
		text += "---\napiVersion: v1\nkind: Service\nmetadata: {name: 'no name'}\n"
	}
	write(c.T, c.dir, map[string]string{file: text})
	return []string{"files/tree/" + file}
}

// TestPartsAlways reads parts again and again, and compares each time with a scan of the whole by another scanner.
func TestPartsAlways(t *testing.T) {
	for seed := range uint64(4) {
		world := &changing{T: t, dir: t.TempDir(), Rand: rand.New(rand.NewPCG(seed, 3))}
		config := manifests.Config{Roots: []folder.Root{{Path: world.dir, Display: "tree"}}}
		scanner, held := newScanner(t, config), make(scantest.Held)
		for step := range 40 {
			names := world.change()
			for range world.IntN(3) {
				names = append(names, world.change()...)
			}
			if step == 20 {
				names = []string{"files/tree/"}
			}
			err := held.Parts(t.Context(), scanner, names...)
			if errors.Is(err, scanners.ErrWhole) {
				err = held.Whole(t.Context(), scanner)
			}
			want := make(scantest.Held)
			if err := errors.Join(err, want.Whole(t.Context(), newScanner(t, config))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, held); diff != "" {
				t.Fatalf("seed %d, step %d: after %q changed (-whole +parts):\n%s", seed, step, names, diff)
			}
		}
	}
}

// keeper receives scans as the ingest does: it remembers what was said, and keeps what could not be read.
type keeper struct {
	mu     sync.Mutex
	scopes map[string]*kept
}

type kept struct {
	documents []*catalog.Document
	stale     bool
	error     string
}

func newKeeper() *keeper { return &keeper{scopes: make(map[string]*kept)} }

func (k *keeper) Scopes() []string { return slices.Sorted(maps.Keys(k.scopes)) }

func (k *keeper) Said(scope string) []string {
	var said []string
	if held := k.scopes[scope]; held != nil {
		for _, document := range held.documents {
			for _, claim := range document.Claims {
				said = append(said, string(claim.Subject.Ref)+string(claim.Subject.Alias))
			}
		}
	}
	return said
}

// receipt is one scan under way.
type receipt struct {
	*keeper
	got map[string]scanners.Scope
}

func (r *receipt) Report(_ context.Context, scope scanners.Scope) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.got[scope.Name]; twice {
		return fmt.Errorf("%s is reported twice", scope.Name)
	}
	r.got[scope.Name] = scope
	return nil
}

// scan takes a scan of the whole, and returns the next state.
func (k *keeper) scan(t *testing.T, scanner scanners.Scanner, state []byte) []byte {
	t.Helper()
	r := &receipt{keeper: k, got: make(map[string]scanners.Scope)}
	next, err := scanner.Scan(t.Context(), state, r)
	if err != nil {
		t.Fatal(err)
	}
	now := make(map[string]*kept)
	for name, scope := range r.got {
		if scope.State != scanners.Unreadable {
			now[name] = &kept{documents: scope.Documents}
		}
	}
	for name, scope := range r.got {
		for before, held := range k.scopes {
			_, alone := r.got[before]
			stands := before == name || strings.HasSuffix(name, "/") && strings.HasPrefix(before, name) && !alone
			if scope.State == scanners.Unreadable && stands {
				now[before] = &kept{documents: held.documents, stale: true, error: scope.Error}
			}
		}
	}
	k.scopes = now
	return next
}

// state tells of each scope whether it is "fresh", "stale" or "gone".
func (k *keeper) state(scope string) string {
	switch held := k.scopes[scope]; {
	case held == nil:
		return "gone"
	case held.stale:
		return "stale"
	}
	return "fresh"
}

func (k *keeper) expect(t *testing.T, what string, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for scope := range want {
		got[scope] = k.state(scope)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s\nheld: %q", what, diff, k.Scopes())
	}
}

// TestBroken breaks a file, mends it and deletes it, with a new scanner for each scan, which knows nothing but the state.
func TestBroken(t *testing.T) {
	for name, broken := range map[string]string{
		"no YAML":     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart\n",
		"wrong type":  strings.Replace(deployment("shop", "cart"), "name: main", "name: [main]", 1),
		"a template":  strings.Replace(deployment("shop", "cart"), "name: cart", "name: {{ .Values.name }}", 1),
		"nothing":     "",
		"too large":   deployment("shop", "cart") + strings.Repeat("# and so on\n", 1000),
		"a few zeros": "\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			good := map[string]string{
				"cart.yaml": deployment("shop", "cart", "http://pay"), "pay.yaml": deployment("shop", "pay", "http://api.stripe.com"),
				"services.yaml": service("shop", "cart") + "---\n" + service("shop", "pay"), "bank.yaml": deployment("bank", "ledger"),
			}
			write(t, dir, good)
			config := manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}, MaxFileBytes: 8000}
			keeper := newKeeper()
			scan := func(state []byte) []byte { return keeper.scan(t, newScanner(t, config), state) }
			state := scan(nil)
			all := map[string]string{
				"workloads/shop/deployment/cart": "fresh", "workloads/shop/deployment/pay": "fresh", "services/shop/cart": "fresh",
				"services/shop/pay": "fresh", "edges/shop/deployment/cart": "fresh", "edges/shop/deployment/pay": "fresh",
				"workloads/bank/deployment/ledger": "fresh",
			}
			keeper.expect(t, "at first", all)

			write(t, dir, map[string]string{"cart.yaml": broken, "new.yaml": deployment("shop", "new")})
			for _, what := range []string{"broken", "still broken"} {
				state = scan(state)
				keeper.expect(t, what, map[string]string{
					"workloads/shop/deployment/cart": "stale", "workloads/shop/deployment/pay": "fresh", "services/shop/cart": "stale",
					"services/shop/pay": "fresh", "edges/shop/deployment/cart": "stale", "edges/shop/deployment/pay": "fresh",
					"workloads/bank/deployment/ledger": "fresh",
					"workloads/shop/deployment/new":    "fresh",
				})
				if why := keeper.scopes["workloads/shop/deployment/cart"].error; !strings.Contains(why, "tree/cart.yaml") {
					t.Errorf("why it is stale: %q", why)
				}
			}
			for scope, held := range keeper.scopes {
				for _, document := range held.documents {
					for _, claim := range document.Claims {
						if claim.Facts != nil && len(claim.Facts.LooseEnds) > 0 {
							t.Errorf("%s: what cannot be read is taken for missing: %+v", scope, claim.Facts.LooseEnds)
						}
					}
				}
			}

			write(t, dir, map[string]string{"cart.yaml": good["cart.yaml"]})
			state = scan(state)
			keeper.expect(t, "mended", all)

			if err := os.Remove(filepath.Join(dir, "cart.yaml")); err != nil {
				t.Fatal(err)
			}
			scan(state)
			all["workloads/shop/deployment/cart"], all["edges/shop/deployment/cart"] = "gone", "gone"
			delete(all, "services/shop/cart")
			keeper.expect(t, "deleted", all)
		})
	}
}

// TestBrokenFromTheBeginning holds that a file that was never good takes nothing from others.
func TestBrokenFromTheBeginning(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a.yaml": deployment("shop", "cart", "http://pay") + "---\n" + service("shop", "pay") + "---\n" + deployment("shop", "pay"),
		"b.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, namespace: shop\n",
	})
	keeper := newKeeper()
	keeper.scan(t, newScanner(t, manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}}), nil)
	keeper.expect(t, "scanned", map[string]string{
		"workloads/shop/deployment/cart": "fresh", "edges/shop/deployment/cart": "fresh", "services/shop/pay": "fresh",
	})
}

func TestUnreadableFolderKeepsWhatWasInIt(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"in/cart.yaml": deployment("shop", "cart"), "pay.yaml": deployment("shop", "pay")})
	keeper, config := newKeeper(), manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}}
	state := keeper.scan(t, newScanner(t, config), nil)
	inside := filepath.Join(dir, "in")
	if err := os.Chmod(inside, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(inside, 0o755) }) //nolint:gosec // a folder, so that it can be removed
	keeper.scan(t, newScanner(t, config), state)
	keeper.expect(t, "closed", map[string]string{"workloads/shop/deployment/cart": "stale", "workloads/shop/deployment/pay": "fresh"})
}

// TestLongState holds that the state stays short, whatever there is, and that what it says is not less.
func TestLongState(t *testing.T) {
	files := make(fstest.MapFS)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 9000 {
		name := fmt.Sprintf("%d/%x%x%x%x.yaml", i%100, random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
		files[name] = &fstest.MapFile{Data: []byte(fmt.Sprintf(
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d, namespace: n%x}}\n", i, random.Uint64()))}
	}
	files["shop.yaml"] = &fstest.MapFile{Data: []byte(deployment("shop", "cart"))}
	keeper, config := newKeeper(), manifests.Config{Roots: []folder.Root{{FS: files, Display: "tree"}}}
	state := keeper.scan(t, newScanner(t, config), nil)
	if len(state) > 1<<20 {
		t.Fatalf("the state has %d bytes", len(state))
	}
	files["shop.yaml"] = &fstest.MapFile{Data: []byte(deployment("shop", "cart")[:60])}
	keeper.scan(t, newScanner(t, config), state)
	keeper.expect(t, "cut off", map[string]string{"workloads/shop/deployment/cart": "stale"})
}

func TestWhatIsRead(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, map[string]string{"out.yaml": deployment("shop", "outside")})
	write(t, dir, map[string]string{
		".gitignore": "ignored/\n", "ignored/a.yaml": deployment("shop", "ignored"), "real/a.yaml": deployment("shop", "real"),
		"node_modules/a.yaml": deployment("shop", "junk"), "left/a.yaml": deployment("shop", "excluded"),
		"list.json": `{"apiVersion": "v1", "kind": "List", "items": [` +
			`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": {"containers": [{"name": "m", "image": "i"}]}}]}`,
		"notes.txt": deployment("shop", "text"),
	})
	for name, target := range map[string]string{"link.yaml": "real/a.yaml", "away.yaml": filepath.Join(outside, "out.yaml"), "nowhere.yaml": "none.yaml"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	held := make(scantest.Held)
	config := manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}, Exclude: []string{"left/**"}}
	if err := held.Whole(t.Context(), newScanner(t, config)); err != nil {
		t.Fatal(err)
	}
	want := []string{"files/tree/away.yaml", "workloads/default/pod/bare", "workloads/shop/deployment/real"}
	got := slices.DeleteFunc(held.Names(), func(name string) bool {
		return !strings.HasPrefix(name, "workloads/") && !strings.HasPrefix(name, "files/")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	if location := held["workloads/shop/deployment/real"].Documents[0].Location; location != "tree/real/a.yaml" {
		t.Errorf("the location is %s", location)
	}
}

func TestDuplicates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"b.yaml": deployment("shop", "cart"), "a.yaml": "# a comment\n---\n" + deployment("shop", "cart"),
		"c.yaml": service("shop", "x") + "---\n" + service("shop", "x"),
	})
	held := make(scantest.Held)
	if err := held.Whole(t.Context(), newScanner(t, manifests.Config{Roots: []folder.Root{{Path: dir, Display: "tree"}}})); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range held.Names() {
		if strings.HasPrefix(name, "files/") {
			for _, problem := range held[name].Documents[0].Problems {
				got = append(got, problem.String())
			}
		}
	}
	want := []string{
		"tree/b.yaml:1: warning: deployments shop/cart stands in tree/a.yaml:3, too; what is said there counts" +
			" (delete one of them, or scan the folders as clusters of their own) [duplicate-object]",
		"tree/c.yaml:6: warning: services shop/x stands in tree/c.yaml:1, too; what is said there counts" +
			" (delete one of them, or scan the folders as clusters of their own) [duplicate-object]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if location := held["workloads/shop/deployment/cart"].Documents[0].Location; location != "tree/a.yaml" {
		t.Errorf("that of %s counts", location)
	}
}
