package config_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/internal/config"
)

func environment(pairs map[string]string) config.Lookup {
	return func(name string) (string, bool) {
		value, ok := pairs[name]
		return value, ok
	}
}

var ignoreShown = cmpopts.IgnoreUnexported(config.Config{})

func TestParse(t *testing.T) {
	t.Parallel()
	const text = `
listen: localhost:8080
graph: {engine: sqlite, path: data/orrery.db}
sources:
  - {id: repos, kind: files, paths: [/srv/repos, more, "${ROOT}/x"]}
  - id: staging
    kind: "${KIND:-files}"
    paths: &p [a]
    environment: staging
    include: ["**/catalog-info.yaml"]
    exclude: [vendor]
    priority: ${PRIORITY}
  - {id: again, kind: files, paths: *p}
`
	lookup := environment(map[string]string{"ROOT": "/data", "PRIORITY": "7"})
	got, err := config.Parse("conf/orrery.yaml", []byte(text), lookup)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "conf/orrery.yaml", Listen: "localhost:8080",
		Graph: config.Graph{Engine: "sqlite", Path: "conf/data/orrery.db"},
		Sources: []config.Source{
			{ID: "repos", Kind: "files", Environment: "production", Priority: 100, Paths: []string{"/srv/repos", "conf/more", "/data/x"}},
			{ID: "staging", Kind: "files", Environment: "staging", Priority: 7, Paths: []string{"conf/a"}, Include: []string{"**/catalog-info.yaml"}, Exclude: []string{"vendor"}},
			{ID: "again", Kind: "files", Environment: "production", Priority: 100, Paths: []string{"conf/a"}},
		},
	}
	if diff := cmp.Diff(want, got, ignoreShown); diff != "" {
		t.Error(diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := &config.Config{
		Listen: config.DefaultListen,
		Graph:  config.Graph{Engine: "sqlite", Path: "orrery.db"},
	}
	if diff := cmp.Diff(want, config.Default(), ignoreShown); diff != "" {
		t.Error(diff)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "null\n", "{}"} {
		got, err := config.Parse("", []byte(empty), environment(nil))
		if err != nil {
			t.Errorf("%q: %v", empty, err)
		} else if diff := cmp.Diff(want, got, ignoreShown); diff != "" {
			t.Errorf("%q: %s", empty, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const source = "sources:\n  - {id: a, kind: files, paths: [x]}\n"
	lookup := environment(map[string]string{
		"EMPTY": "", "TOKEN": "s3cr3t!", "N": "9", "WORD": "nine", "BAD_SECRET": "s3cr3t:1:2",
	})
	for name, c := range map[string]struct{ text, want string }{
		"not YAML":             {"a: [", "f.yaml:1: not valid YAML: did not find expected node content"},
		"tab":                  {"graph:\n\tengine: sqlite", "f.yaml:2: not valid YAML: found character that cannot start any token"},
		"a list":               {"- a", "f.yaml:1: must hold settings, one `name: value` a line (known: listen, insecure, graph, sources)"},
		"two documents":        {"listen: 127.0.0.1:1\n---\na: b", "f.yaml:2: there is more than one YAML document (remove the --- and what follows it)"},
		"unknown setting":      {"lissten: 127.0.0.1:1", "f.yaml:1: lissten: unknown setting (did you mean listen?)"},
		"far off":              {"colour: red", "f.yaml:1: colour: unknown setting (known: listen, insecure, graph, sources)"},
		"unknown in graph":     {"graph:\n  pth: x", "f.yaml:2: graph.pth: unknown setting (did you mean path?)"},
		"given twice":          {"insecure: true\ninsecure: true", "f.yaml:2: insecure: given twice (first in line 1) (remove one)"},
		"merge key":            {"graph: &g {path: x}\n<<: *g", "f.yaml:2: a setting must have a plain name (known: listen, insecure, graph, sources)"},
		"key is a list":        {"? [a]\n: b", "f.yaml:1: a setting must have a plain name (known: listen, insecure, graph, sources)"},
		"no value":             {"sources:\n", "f.yaml:1: sources: has no value (give it one or remove the line)"},
		"empty text":           {`listen: ""`, "f.yaml:1: listen: has no value (give it one or remove the line)"},
		"wrong type: text":     {"listen: 7007", `f.yaml:1: listen: must be text (write it in quotes), not "7007"`},
		"wrong type: bool":     {"insecure: yes", `f.yaml:1: insecure: must be true or false, not "yes"`},
		"wrong type: quoted":   {`insecure: "true"`, `f.yaml:1: insecure: must be true or false, not "true"`},
		"wrong type: number":   {"sources:\n  - {id: a, kind: files, paths: [x], priority: high}", `f.yaml:2: sources[0].priority: must be a whole number, not "high"`},
		"wrong type: expanded": {"sources:\n  - {id: a, kind: files, paths: [x], priority: \"${WORD}\"}", `f.yaml:2: sources[0].priority: must be a whole number, not "${WORD}"`},
		"wrong type: mapping":  {"listen: {a: b}", "f.yaml:1: listen: must be text (write it in quotes)"},
		"wrong type: list":     {"sources:\n  - {id: a, kind: files, paths: x}", "f.yaml:2: sources[0].paths: must be a list (write [a, b] or one `- a` a line)"},
		"a date":               {"sources:\n  - {id: 2024-01-02, kind: files, paths: [x]}", `f.yaml:2: sources[0].id: must be text (write it in quotes), not "2024-01-02"`},
		"empty list":           {"sources:\n  - {id: a, kind: files, paths: []}", "f.yaml:2: sources[0].paths: is empty (name at least one)"},
		"graph is text":        {"graph: sqlite", "f.yaml:1: graph: must hold settings, one `name: value` a line (known: engine, path)"},
		"sources is a mapping": {"sources: {a: b}", "f.yaml:1: sources: must be a list (write [a, b] or one `- a` a line)"},
		"source is text":       {"sources: [a]", "f.yaml:1: sources[0]: must hold settings, one `name: value` a line (known: id, kind, paths, include, exclude, environment, priority)"},
		"unknown engine":       {"graph:\n  engine: neo4j\n  uri: neo4j://host\n", `f.yaml:2: graph.engine: "neo4j" is no engine that exists (known: sqlite)`},
		"near engine":          {"graph: {engine: SQLlite}", `f.yaml:1: graph.engine: "SQLlite" is no engine that exists (did you mean sqlite?)`},
		"unknown kind":         {"sources:\n  - {id: acme, kind: github, organization: acme}", `f.yaml:2: sources[0].kind: "github" is no kind that exists (known: files)`},
		"no kind":              {"sources:\n  - {id: acme, paths: [x]}", "f.yaml:2: sources[0]: the setting kind is missing (What kind of place it is.)"},
		"no id":                {"sources:\n  - {kind: files, paths: [x]}", "f.yaml:2: sources[0]: the setting id is missing (Name of the source, unique in the file: letters, digits and . _ - between them, at most 63.)"},
		"schedule":             {"sources:\n  - {id: a, kind: files, paths: [x], schedule: '@every 1m'}", "f.yaml:2: sources[0].schedule: not supported (this version scans every source when it starts, and by orrery scan; remove the setting)"},
		"watch":                {"sources:\n  - {id: a, kind: files, paths: [x], watch: true}", "f.yaml:2: sources[0].watch: not supported (this version scans every source when it starts, and by orrery scan; remove the setting)"},
		"id twice":             {source + "  - {id: a, kind: files, paths: [y]}", `f.yaml:3: sources[1].id: "a" is taken by the source of line 2 (give every source an id of its own)`},
		"id malformed":         {"sources:\n  - {id: a b, kind: files, paths: [x]}", `f.yaml:2: sources[0].id: "a b" is no id (use letters, digits and . _ - between them, at most 63)`},
		"environment":          {"sources:\n  - {id: a, kind: files, paths: [x], environment: a/b}", `f.yaml:2: sources[0].environment: "a/b" is no name of an environment (use letters, digits and . _ - between them, at most 63)`},
		"glob":                 {"sources:\n  - {id: a, kind: files, paths: [x], exclude: ['a', 'b[']}", `f.yaml:2: sources[0].exclude[1]: "b[" is no glob (check its brackets and braces)`},
		"priority":             {"sources:\n  - {id: a, kind: files, paths: [x], priority: 0}", "f.yaml:2: sources[0].priority: must be from 1 to 1000, not 0"},
		"huge priority":        {"sources:\n  - {id: a, kind: files, paths: [x], priority: 99999999999999999999}", `f.yaml:2: sources[0].priority: must be a whole number, not "99999999999999999999"`},
		"listen: no port":      {"listen: localhost", `f.yaml:1: listen: "localhost" is no host:port (for example 127.0.0.1:7007)`},
		"listen: bad port":     {"listen: 127.0.0.1:99999", `f.yaml:1: listen: "127.0.0.1:99999" has no port from 0 to 65535`},
		"listen: everywhere":   {"listen: :7007", `f.yaml:1: listen: ":7007" can be reached from other machines and nobody has to sign in (use 127.0.0.1, or set insecure: true if you want that)`},
		"variable unset":       {"\n\nlisten: ${NOPE}", "f.yaml:3: listen: the environment variable NOPE has no value (set it, or write ${NOPE:-default})"},
		"variable empty":       {"listen: ${EMPTY}", "f.yaml:1: listen: the environment variable EMPTY has no value (set it, or write ${EMPTY:-default})"},
		"variable malformed":   {"listen: ${a b}", `f.yaml:1: listen: "${a b}" does not name a variable (write ${NAME} or ${NAME:-default}, and $${ for a plain ${)`},
		"variable open":        {"listen: ${N", "f.yaml:1: listen: a ${ is not closed by } (write $${ for a plain ${)"},
		"variable nested":      {"listen: ${A:-${B}}", "f.yaml:1: listen: the default of ${A} holds another variable (a default is plain text)"},
		"a secret stays one":   {"listen: ${TOKEN}", `f.yaml:1: listen: "********" is no host:port (for example 127.0.0.1:7007)`},
		"secret as a kind":     {"sources:\n  - {id: a, kind: '${TOKEN}', paths: [x]}", `f.yaml:2: sources[0].kind: "${TOKEN}" is no kind that exists (known: files)`},
		"secret as an id":      {"sources:\n  - {id: '${TOKEN}', kind: files, paths: [x]}", `f.yaml:2: sources[0].id: "********" is no id (use letters, digits and . _ - between them, at most 63)`},
		"control character":    {`listen: "a\0b"`, "f.yaml:1: listen: holds a control character (remove it)"},
		"home":                 {"graph: {path: ~/orrery.db}", "f.yaml:1: graph.path: ~ is not expanded (write ${HOME}/orrery.db)"},
		"several": {
			"sources:\n  - {id: a, kind: files, paths: [x], prio: 1}\nlissten: x\n",
			"f.yaml:2: sources[0].prio: unknown setting (did you mean priority?)\n" +
				"f.yaml:3: lissten: unknown setting (did you mean listen?)",
		},
		"large": {strings.Repeat("#", 2<<20), "f.yaml: the file is larger than 1048576 bytes (is it the right file?)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Parse("f.yaml", []byte(c.text), lookup)
			var found config.Errors
			if !errors.As(err, &found) {
				t.Fatalf("got %+v, %v; want config.Errors", got, err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "orrery.yaml")
	if _, err := config.Load(file, environment(nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := config.Load(dir, environment(nil)); err == nil {
		t.Error("a folder was read as a file")
	}
	if err := os.WriteFile(file, []byte("graph: {path: x.db}"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "x.db"); c.Graph.Path != want {
		t.Errorf("path is %s, want %s", c.Graph.Path, want)
	}
}

func TestCheckListen(t *testing.T) {
	t.Parallel()
	for address, wanted := range map[string]struct{ secure, insecure bool }{
		"127.0.0.1:7007":        {true, true},
		"127.8.0.1:0":           {true, true},
		"[::1]:7007":            {true, true},
		"[::ffff:127.0.0.1]:80": {true, true},
		"localhost:7007":        {true, true},
		"0.0.0.0:7007":          {false, true},
		":7007":                 {false, true},
		"[::]:7007":             {false, true},
		"example.org:7007":      {false, true},
		"127.0.0.1":             {false, false},
		"127.0.0.1:":            {false, false},
		"127.0.0.1:http":        {false, false},
		"127.0.0.1:-1":          {false, false},
		"":                      {false, false},
	} {
		if got := config.CheckListen(address, false) == nil; got != wanted.secure {
			t.Errorf("%q accepted: %v, want %v", address, got, wanted.secure)
		}
		if got := config.CheckListen(address, true) == nil; got != wanted.insecure {
			t.Errorf("%q accepted when insecure: %v, want %v", address, got, wanted.insecure)
		}
	}
}

func TestShowMasksSecretsAndReadsBack(t *testing.T) {
	t.Parallel()
	const text = `
graph: {path: "${PLACE}/$${x}/a.db"}
sources:
  - {id: a, kind: files, paths: ["/x/${API_TOKEN}/y", /z]}
`
	c, err := config.Parse("orrery.yaml", []byte(text), environment(map[string]string{"API_TOKEN": "s3cr3t", "PLACE": "/data"}))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	want := `listen: 127.0.0.1:7007
insecure: false
graph:
    engine: sqlite
    path: /data/$${x}/a.db
sources:
    - id: a
      kind: files
      paths:
        - /x/********/y
        - /z
      environment: production
      priority: 100
`
	if diff := cmp.Diff(want, string(shown)); diff != "" {
		t.Error(diff)
	}
	again, err := config.Parse("orrery.yaml", shown, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	c.Sources[0].Paths[0] = "/x/********/y"
	if diff := cmp.Diff(c, again, ignoreShown); diff != "" {
		t.Errorf("what is shown reads back as something else: %s", diff)
	}
	asJSON, err := json.Marshal(c.ShowValue())
	if err != nil || strings.Contains(string(asJSON), "s3cr3t") {
		t.Errorf("as JSON: %s, %v", asJSON, err)
	}
}

// TestSchemaAgrees holds that an editor with the schema and the decoder say the same of the same file, where a schema
// can tell.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema, err := config.Schema().Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"{}": true,
		"listen: 127.0.0.1:1\ninsecure: true\ngraph: {engine: sqlite, path: x}": true,
		"sources: [{id: a, kind: files, paths: [x], priority: 5}]":              true,
		"sources: [{id: a, kind: files, paths: [x], priority: '${P:-5}'}]":      true,
		"sources: [{id: a, kind: '${K:-files}', paths: [x]}]":                   true,
		"insecure: ${I:-true}":            true,
		"graph: {engine: neo4j}":          false,
		"graph: {pth: x}":                 false,
		"lissten: x":                      false,
		"listen: 7":                       false,
		"insecure: 'true'":                false,
		"sources: {}":                     false,
		"sources: [{id: a, kind: files}]": false,
		"sources: [{id: a, kind: files, paths: []}]":                 false,
		"sources: [{id: a, kind: files, paths: [x], priority: '5'}]": false,
		"sources: [{id: a, kind: files, paths: [x], watch: true}]":   false,
		"sources: [{id: a, kind: github, paths: [x]}]":               false,
		"sources: [{kind: files, paths: [x]}]":                       false,
	} {
		_, err := config.Parse("f.yaml", []byte(text), environment(nil))
		if got := err == nil; got != want {
			t.Errorf("decoder accepts %q: %v, want %v (%v)", text, got, want, err)
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != want {
			t.Errorf("schema accepts %q: %v, want %v (%v)", text, err == nil, want, err)
		}
	}
}

func TestReferenceNamesEverySetting(t *testing.T) {
	t.Parallel()
	reference := config.Reference()
	for _, want := range []string{"listen\n", "graph.engine\n", "sources[].priority\n", "Default: 100.", "One of: files.", "Default: 127.0.0.1:7007."} {
		if !strings.Contains(reference, want) {
			t.Errorf("%q is missing in:\n%s", want, reference)
		}
	}
}
