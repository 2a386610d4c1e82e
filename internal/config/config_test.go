package config_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
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
hosts: [catalog.example.org, 10.0.0.7]
graph: {engine: sqlite, path: data/orrery.db, history: 30d}
environments:
  production: [prod, Live]
identity:
  rewrites:
    - {match: "otel:shop/(.*)-svc", replace: "component:shop/$1"}
sources:
  - {id: repos, kind: files, paths: [/srv/repos, more, "${ROOT}/x"]}
  - id: staging
    kind: "${KIND:-files}"
    paths: &p [a]
    environment: staging
    include: ["**/catalog-info.yaml"]
    exclude: [vendor]
    priority: ${PRIORITY}
    schedule: 30 4 * * 1-5
    timezone: Europe/Berlin
    jitter: 5m
    timeout: 90s
    watch: true
  - {id: again, kind: files, paths: *p}
`
	lookup := environment(map[string]string{"ROOT": "/data", "PRIORITY": "7"})
	got, err := config.Parse("conf/orrery.yaml", []byte(text), lookup)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "conf/orrery.yaml", Listen: "localhost:8080",
		Hosts:        []string{"catalog.example.org", "10.0.0.7"},
		Graph:        config.Graph{Engine: "sqlite", Path: "conf/data/orrery.db", History: 30 * 24 * time.Hour},
		Environments: map[string][]string{"production": {"prod", "Live"}},
		Identity:     config.Identity{Rewrites: []config.Rewrite{{Match: "otel:shop/(.*)-svc", Replace: "component:shop/$1"}}},
		Sources: []config.Source{
			{ID: "repos", Kind: "files", Environment: "production", Priority: 100, Timeout: time.Hour, Paths: []string{"/srv/repos", "conf/more", "/data/x"}},
			{
				ID: "staging", Kind: "files", Environment: "staging", Priority: 7, Paths: []string{"conf/a"}, Include: []string{"**/catalog-info.yaml"}, Exclude: []string{"vendor"},
				Schedule: "30 4 * * 1-5", Timezone: "Europe/Berlin", Jitter: 5 * time.Minute, Timeout: 90 * time.Second, Watch: true,
			},
			{ID: "again", Kind: "files", Environment: "production", Priority: 100, Timeout: time.Hour, Paths: []string{"conf/a"}},
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
		Graph:  config.Graph{Engine: "sqlite", Path: "orrery.db", History: 90 * 24 * time.Hour},
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

// timed is a configuration with one source that has the settings.
func timed(settings string) string {
	return "sources:\n  - {id: a, kind: files, paths: [x], " + settings + "}"
}

// rewrite is a configuration with one rewrite that has the settings.
func rewrite(settings string) string { return "identity:\n  rewrites:\n  - {" + settings + "}" }

func TestErrors(t *testing.T) {
	t.Parallel()
	const source = "sources:\n  - {id: a, kind: files, paths: [x]}\n"
	lookup := environment(map[string]string{
		"EMPTY": "", "TOKEN": "s3cr3t!", "N": "9", "WORD": "nine", "BAD_SECRET": "s3cr3t:1:2",
	})
	for name, c := range map[string]struct{ text, want string }{
		"not YAML":             {"a: [", "f.yaml:1: not valid YAML: did not find expected node content"},
		"tab":                  {"graph:\n\tengine: sqlite", "f.yaml:2: not valid YAML: found character that cannot start any token"},
		"a list":               {"- a", "f.yaml:1: must hold settings, one `name: value` a line (known: listen, insecure, hosts, publicURL, graph, environments, identity, health, tracing, sources)"},
		"two documents":        {"listen: 127.0.0.1:1\n---\na: b", "f.yaml:2: there is more than one YAML document (remove the --- and what follows it)"},
		"unknown setting":      {"lissten: 127.0.0.1:1", "f.yaml:1: lissten: unknown setting (did you mean listen?)"},
		"far off":              {"colour: red", "f.yaml:1: colour: unknown setting (known: listen, insecure, hosts, publicURL, graph, environments, identity, health, tracing, sources)"},
		"unknown in graph":     {"graph:\n  pth: x", "f.yaml:2: graph.pth: unknown setting (did you mean path?)"},
		"given twice":          {"insecure: true\ninsecure: true", "f.yaml:2: insecure: given twice (first in line 1) (remove one)"},
		"merge key":            {"graph: &g {path: x}\n<<: *g", "f.yaml:2: a setting must have a plain name (known: listen, insecure, hosts, publicURL, graph, environments, identity, health, tracing, sources)"},
		"key is a list":        {"? [a]\n: b", "f.yaml:1: a setting must have a plain name (known: listen, insecure, hosts, publicURL, graph, environments, identity, health, tracing, sources)"},
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
		"graph is text":        {"graph: sqlite", "f.yaml:1: graph: must hold settings, one `name: value` a line (known: engine, path, uri, username, password, database, labelPrefix, history)"},
		"sources is a mapping": {"sources: {a: b}", "f.yaml:1: sources: must be a list (write [a, b] or one `- a` a line)"},
		"source is text":       {"sources: [a]", "f.yaml:1: sources[0]: must hold settings, one `name: value` a line (known: id, kind, paths, include, exclude, url, token, filter, caFile, cluster, networks, context, kubeconfig, inCluster, namespaces, excludeNamespaces, excludeKinds, logFormat, logFields, organization, organizations, users, apiURL, app, urls, repositories, excludeRepositories, topics, visibility, archived, forks, branch, catalogFiles, teams, namespace, reserve, webhookSecret, checks, proposals, cache, grpc, http, tls, settle, memory, maxRequest, multiplier, metrics, username, password, lookback, staleAfter, removeAfter, environment, priority, schedule, timezone, jitter, watch, timeout)"},
		"unknown engine":       {"graph:\n  engine: dgraph\n  uri: neo4j://host\n", `f.yaml:2: graph.engine: "dgraph" is no engine that exists (known: sqlite, neo4j)`},
		"near engine":          {"graph: {engine: SQLlite}", `f.yaml:1: graph.engine: "SQLlite" is no engine that exists (did you mean sqlite?)`},
		"unknown kind":         {"sources:\n  - {id: acme, kind: ldap, base: acme}", `f.yaml:2: sources[0].kind: "ldap" is no kind that exists (known: files, backstage, kubernetes, probe, otlp, prometheus, jaeger, zipkin, github, git)`},
		"no kind":              {"sources:\n  - {id: acme, paths: [x]}", "f.yaml:2: sources[0]: the setting kind is missing (What kind of place it is.)"},
		"no id":                {"sources:\n  - {kind: files, paths: [x]}", "f.yaml:2: sources[0]: the setting id is missing (Name of the source, unique in the file: letters, digits and . _ - between them, at most 63.)"},
		"schedule":             {timed("schedule: hourly"), `f.yaml:2: sources[0].schedule: "hourly" is no schedule: expected exactly 5 fields, found 1: [hourly] (write for example "*/30 * * * *", @hourly or "@every 30m")`},
		"schedule: too often":  {timed("schedule: '@every 10ms'"), `f.yaml:2: sources[0].schedule: "@every 10ms" is no schedule: 10ms is less than a second (write for example "*/30 * * * *", @hourly or "@every 30m")`},
		"schedule: never":      {timed("schedule: 0 0 30 2 *"), `f.yaml:2: sources[0].schedule: "0 0 30 2 *" never comes (write for example "*/30 * * * *", @hourly or "@every 30m")`},
		"schedule: zone alone": {timed("schedule: 'CRON_TZ=UTC'"), `f.yaml:2: sources[0].schedule: "CRON_TZ=UTC" is no schedule: nothing follows the time zone (write for example "*/30 * * * *", @hourly or "@every 30m")`},
		"schedule: secret":     {timed("schedule: '${TOKEN}'"), `f.yaml:2: sources[0].schedule: "********" is no schedule (write for example "*/30 * * * *", @hourly or "@every 30m")`},
		"time zone":            {timed("schedule: '@hourly', timezone: Berlin"), `f.yaml:2: sources[0].timezone: "Berlin" is no time zone (write for example Europe/Berlin or UTC)`},
		"time zone: local":     {timed("schedule: '@hourly', timezone: Local"), `f.yaml:2: sources[0].timezone: "Local" is no time zone (write for example Europe/Berlin or UTC)`},
		"time zone: twice":     {timed("schedule: 'CRON_TZ=UTC 0 * * * *', timezone: UTC"), "f.yaml:2: sources[0].timezone: the schedule has a time zone of its own (give it once)"},
		"time zone: of what":   {timed("timezone: UTC"), "f.yaml:2: sources[0].timezone: says nothing without a schedule (add schedule: or remove it)"},
		"jitter: of what":      {timed("jitter: 5s"), "f.yaml:2: sources[0].jitter: says nothing without a schedule (add schedule: or remove it)"},
		"jitter: too much":     {timed("schedule: '@hourly', jitter: 61m"), "f.yaml:2: sources[0].jitter: must be from 0s to 1h, not 1h1m"},
		"jitter: no duration":  {timed("schedule: '@hourly', jitter: soon"), `f.yaml:2: sources[0].jitter: "soon" is no duration (write for example 90s, 30m, 1h30m or 7d)`},
		"jitter: negative":     {timed("schedule: '@hourly', jitter: -5s"), `f.yaml:2: sources[0].jitter: "-5s" is no duration (write for example 90s, 30m, 1h30m or 7d)`},
		"timeout: none":        {timed("timeout: 0s"), "f.yaml:2: sources[0].timeout: must be from 1s to 7d, not 0s"},
		"timeout: overflow":    {timed("timeout: 999999999h"), `f.yaml:2: sources[0].timeout: "999999999h" is no duration (write for example 90s, 30m, 1h30m or 7d)`},
		"timeout: number":      {timed("timeout: 30"), `f.yaml:2: sources[0].timeout: must be text (write it in quotes), not "30"`},
		"history":              {"graph: {history: 1m}", "f.yaml:1: graph.history: must be from 1h to 3650d, not 1m"},
		"host":                 {"hosts: [a, 'https://b']", `f.yaml:1: hosts[1]: "https://b" is no host (write its name or IP address alone, without scheme and port)`},
		"environments: list":   {"environments: [a]", "f.yaml:1: environments: must hold lists by name (write `name: [a, b]`, one a line)"},
		"environments: twice":  {"environments:\n  production: [prod]\n  staging: [stage, Prod]", `f.yaml:3: environments.staging[1]: "Prod" stands for "production" already (name it once)`},
		"environments: chain":  {"environments:\n  a: [b]\n  b: [c]", `f.yaml:2: environments.a[0]: "b" stands for "b" already (name it once)`},
		"environments: case":   {"environments:\n  A: [b]\n  a: [c]", `f.yaml:3: environments.a: is the same environment as "A" (write both lists as one)`},
		"environments: name":   {"environments:\n  a: [b c]\n", `f.yaml:2: environments.a[0]: "b c" is no name of an environment (use letters, digits and . _ - between them, at most 63)`},
		"rewrite: match":       {rewrite("match: 'a(', replace: 'component:a'"), "f.yaml:3: identity.rewrites[0].match: is no regular expression: missing closing ) (see https://github.com/google/re2/wiki/Syntax)"},
		"rewrite: group":       {rewrite("match: 'a(.)', replace: 'component:$2'"), `f.yaml:3: identity.rewrites[0].replace: "$2" is no group of match (number the groups from 1, and write $${1} where letters follow)`},
		"rewrite: run on":      {rewrite("match: 'a(.)', replace: 'component:$1x'"), `f.yaml:3: identity.rewrites[0].replace: "$1x" is no group of match (number the groups from 1, and write $${1} where letters follow)`},
		"rewrite: no ref":      {rewrite("match: 'a(.)', replace: '$1'"), "f.yaml:3: identity.rewrites[0].replace: is no name of an entity with its kind (write for example component:$1)"},
		"rewrite: half":        {rewrite("match: 'a'"), "f.yaml:3: identity.rewrites[0]: the setting replace is missing (The name of the entity, such as component:$1; $1 and so on stand for the groups of match.)"},
		"id twice":             {source + "  - {id: a, kind: files, paths: [y]}", `f.yaml:3: sources[1].id: "a" is taken by the source of line 2 (give every source an id of its own)`},
		"id malformed":         {"sources:\n  - {id: a b, kind: files, paths: [x]}", `f.yaml:2: sources[0].id: "a b" is no id (use letters, digits and . _ - between them, at most 63)`},
		"environment":          {"sources:\n  - {id: a, kind: files, paths: [x], environment: a/b}", `f.yaml:2: sources[0].environment: "a/b" is no name of an environment (use letters, digits and . _ - between them, at most 63)`},
		"glob":                 {"sources:\n  - {id: a, kind: files, paths: [x], exclude: ['a', 'b[']}", `f.yaml:2: sources[0].exclude[1]: "b[" is no glob (check its brackets and braces)`},
		"priority":             {"sources:\n  - {id: a, kind: files, paths: [x], priority: 0}", "f.yaml:2: sources[0].priority: must be from 1 to 1000, not 0"},
		"address: scheme":      {"sources:\n  - {id: a, kind: backstage, url: 'ftp://x'}", "f.yaml:2: sources[0].url: is no address of a server (write it like https://backstage.example.com)"},
		"address: garbage":     {"sources:\n  - {id: a, kind: backstage, url: '::::'}", "f.yaml:2: sources[0].url: is no address of a server (write it like https://backstage.example.com)"},
		"address: password":    {"sources:\n  - {id: a, kind: backstage, url: 'http://u:p@x'}", "f.yaml:2: sources[0].url: holds a user name or password (give a token instead)"},
		"huge priority":        {"sources:\n  - {id: a, kind: files, paths: [x], priority: 99999999999999999999}", `f.yaml:2: sources[0].priority: must be a whole number, not "99999999999999999999"`},
		"listen: no port":      {"listen: localhost", `f.yaml:1: listen: "localhost" is no host:port (for example 127.0.0.1:7007)`},
		"listen: bad port":     {"listen: 127.0.0.1:99999", `f.yaml:1: listen: "127.0.0.1:99999" has no port from 0 to 65535`},
		"listen: everywhere":   {"listen: :7007", `f.yaml:1: listen: ":7007" can be reached from other machines and nobody has to sign in (use 127.0.0.1, or set insecure: true if you want that)`},
		"public address":       {"publicURL: catalog.example.com", "f.yaml:1: publicURL: is no address of a server (write it like https://catalog.example.com)"},
		"variable unset":       {"\n\nlisten: ${NOPE}", "f.yaml:3: listen: the environment variable NOPE has no value (set it, or write ${NOPE:-default})"},
		"variable empty":       {"listen: ${EMPTY}", "f.yaml:1: listen: the environment variable EMPTY has no value (set it, or write ${EMPTY:-default})"},
		"variable malformed":   {"listen: ${a b}", `f.yaml:1: listen: "${a b}" does not name a variable (write ${NAME} or ${NAME:-default}, and $${ for a plain ${)`},
		"variable open":        {"listen: ${N", "f.yaml:1: listen: a ${ is not closed by } (write $${ for a plain ${)"},
		"variable nested":      {"listen: ${A:-${B}}", "f.yaml:1: listen: the default of ${A} holds another variable (a default is plain text)"},
		"a secret stays one":   {"listen: ${TOKEN}", `f.yaml:1: listen: "********" is no host:port (for example 127.0.0.1:7007)`},
		"secret as a kind":     {"sources:\n  - {id: a, kind: '${TOKEN}', paths: [x]}", `f.yaml:2: sources[0].kind: "${TOKEN}" is no kind that exists (known: files, backstage, kubernetes, probe, otlp, prometheus, jaeger, zipkin, github, git)`},
		"url is missing":       {"sources:\n  - {id: a, kind: backstage}", `f.yaml:2: sources[0]: the setting url is missing (Address of the server: of a Backstage its backend.baseUrl, such as https://backstage.example.com; of a GitHub Enterprise Server that of its pages (GitHub.com where it is absent); of the others what stands before /api.)`},
		"url for files":        {"sources:\n  - {id: a, kind: files, paths: [x], url: 'https://b'}", `f.yaml:2: sources[0].url: is not for "files" (it is for backstage, prometheus, jaeger, zipkin, github: change kind, or remove it)`},
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

// TestGraphErrors holds what may be said of a Neo4j, and that no part of a password is told.
func TestGraphErrors(t *testing.T) {
	t.Parallel()
	const uris = "neo4j://, neo4j+s://, neo4j+ssc://, bolt://, bolt+s://, bolt+ssc://"
	lookup := environment(map[string]string{"PASSWORD": "s3cr3t", "TOKEN": "s3cr3t"})
	for name, c := range map[string]struct{ settings, want string }{
		"no uri":           {"engine: neo4j", "graph: the setting uri is missing (Address of the server or cluster, such as neo4j://host:7687; neo4j+s or bolt+s for TLS, bolt for one server without routing.)"},
		"a path":           {"engine: neo4j, uri: 'bolt://h', path: x", `graph.path: is not for "neo4j" (it is for sqlite: change engine, or remove it)`},
		"engine forgotten": {"uri: 'bolt://h'", `graph.uri: is not for "sqlite" (it is for neo4j: change engine, or remove it)`},
		"mistyped":         {"engine: neo4j, uri: 'bolt://h', user: x", "graph.user: unknown setting (did you mean username?)"},
		"scheme":           {"engine: neo4j, uri: 'http://h:7474'", "graph.uri: does not begin with " + uris + " (write it like neo4j://host:7687)"},
		"no scheme":        {"engine: neo4j, uri: 'h:7687'", "graph.uri: does not begin with " + uris + " (write it like neo4j://host:7687)"},
		"a number":         {"engine: neo4j, uri: 7687", `graph.uri: must be text (write it in quotes), not "7687"`},
		"no host":          {"engine: neo4j, uri: 'neo4j://:7687'", "graph.uri: names no host (write it like neo4j://host:7687)"},
		"port":             {"engine: neo4j, uri: 'neo4j://h:76870'", "graph.uri: has no port from 1 to 65535 (write it like neo4j://host:7687)"},
		"garbage":          {"engine: neo4j, uri: 'neo4j://h:x'", "graph.uri: is no address of a Neo4j server (write it like neo4j://host:7687)"},
		"password inside":  {"engine: neo4j, uri: 'neo4j://neo4j:s3cr3t@h'", "graph.uri: holds a user name or password (give them by username and password)"},
		"a path inside":    {"engine: neo4j, uri: 'neo4j://h/neo4j'", "graph.uri: has a path (write the address of the server alone, and name the database by database)"},
		"a fragment":       {"engine: neo4j, uri: 'neo4j://h#x'", "graph.uri: has something behind # (write the address of the server alone)"},
		"routing in bolt":  {"engine: neo4j, uri: 'bolt://h?region=eu'", "graph.uri: has something behind ?, which is for neo4j:// alone (remove it)"},
		"no user":          {"engine: neo4j, uri: 'bolt://h', password: '${PASSWORD}'", "graph.password: says nothing without a username (add username: neo4j, or remove it)"},
		"no password":      {"engine: neo4j, uri: 'bolt://h', username: neo4j", "graph.username: has no password (add password: ${NEO4J_PASSWORD})"},
		"a bare password":  {"engine: neo4j, uri: 'bolt://h', username: neo4j, password: 12345", `graph.password: must be text (write it in quotes), not "********"`},
		"system":           {"engine: neo4j, uri: 'bolt://h', database: System", "graph.database: is the one that Neo4j keeps for itself (name another, for example neo4j)"},
		"database":         {"engine: neo4j, uri: 'bolt://h', database: a`b", "graph.database: \"a`b\" is no name of a database (use letters, digits and . - between them, at most 63)"},
		"prefix":           {"engine: neo4j, uri: 'bolt://h', labelPrefix: 1x", `graph.labelPrefix: "1x" cannot stand before a label (use letters, digits and _, beginning with a letter, at most 63)`},
		"prefix: Cypher":   {"engine: neo4j, uri: 'bolt://h', labelPrefix: 'x`) DETACH'", "graph.labelPrefix: \"x`) DETACH\" cannot stand before a label (use letters, digits and _, beginning with a letter, at most 63)"},
		"prefix: secret":   {"engine: neo4j, uri: 'bolt://h', labelPrefix: '${TOKEN}!'", `graph.labelPrefix: "********!" cannot stand before a label (use letters, digits and _, beginning with a letter, at most 63)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("f.yaml", []byte("\ngraph: {"+c.settings+"}"), lookup)
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff("f.yaml:2: "+c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNeo4j(t *testing.T) {
	t.Parallel()
	lookup := environment(map[string]string{"NEO4J_PASSWORD": "s3cr3t", "SALT": "salt"})
	for _, uri := range []string{
		"neo4j://host:7687", "neo4j+s://x.databases.neo4j.io", "neo4j+ssc://10.0.0.1", "bolt://[::1]:7687", "bolt+s://host/",
		"bolt+ssc://host", "neo4j://host:7687?region=eu",
	} {
		if _, err := config.Parse("f.yaml", []byte("graph: {engine: neo4j, uri: '"+uri+"'}"), lookup); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	c, err := config.Parse("f.yaml", []byte(`graph: {engine: neo4j, uri: "neo4j://host:7687", username: neo4j, password: "${NEO4J_PASSWORD}-${SALT}", labelPrefix: Orrery_, history: 7d}`), lookup)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Graph{
		Engine: "neo4j", URI: "neo4j://host:7687", Username: "neo4j", Password: "s3cr3t-salt", Database: "neo4j", LabelPrefix: "Orrery_",
		History: 7 * 24 * time.Hour,
	}
	if diff := cmp.Diff(want, c.Graph); diff != "" {
		t.Error(diff)
	}
	if got := c.Graph.Place(); got != "neo4j://host:7687 (database neo4j, label prefix Orrery_)" {
		t.Errorf("the place is %s", got)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`listen: 127.0.0.1:7007
insecure: false
graph:
    engine: neo4j
    uri: neo4j://host:7687
    username: neo4j
    password: '********'
    database: neo4j
    labelPrefix: Orrery_
    history: 7d
sources: []
`, string(shown)); diff != "" {
		t.Error(diff)
	}
}

// TestKubernetes holds what a source of kind kubernetes is, live and from manifests, and that what is shown of it is
// accepted again.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	lookup := environment(nil)
	c, err := config.Parse("conf/f.yaml", []byte(`sources:
  - {id: prod-eu, kind: kubernetes, context: eu}
  - {id: prod-us, kind: kubernetes, kubeconfig: us.yaml, cluster: us, namespaces: [shop], watch: false, logFormat: json, logFields: {level: [lvl]}}
  - {id: here, kind: kubernetes, inCluster: true, priority: 90}
  - {id: rendered, kind: kubernetes, paths: [manifests], exclude: ["*.json"], cluster: us}
`), lookup)
	if err != nil {
		t.Fatal(err)
	}
	all := config.Source{
		Kind: "kubernetes", Environment: "production", Priority: catalog.DefaultPriorityClusters, Watch: true, Timeout: time.Hour,
		Schedule: "@every 5m",
	}
	eu, us, here, rendered := all, all, all, all
	eu.ID, eu.Cluster, eu.Context = "prod-eu", "prod-eu", "eu"
	us.ID, us.Cluster, us.Kubeconfig, us.Namespaces, us.Watch = "prod-us", "us", "conf/us.yaml", []string{"shop"}, false
	us.Schedule, rendered.Schedule = "", "" // neither is watched
	us.LogFormat, us.LogFields = "json", map[string][]string{"level": {"lvl"}}
	here.ID, here.Cluster, here.InCluster, here.Priority = "here", "here", true, 90
	rendered.ID, rendered.Cluster, rendered.Paths, rendered.Exclude = "rendered", "us", []string{"conf/manifests"}, []string{"*.json"}
	rendered.Priority, rendered.Watch = catalog.DefaultPriorityManifests, false
	if diff := cmp.Diff([]config.Source{eu, us, here, rendered}, c.Sources); diff != "" {
		t.Error(diff)
	}
	if !c.Sources[0].Live() || c.Sources[3].Live() {
		t.Error("a source without paths is live, and no other")
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.Parse("f.yaml", shown, lookup)
	if err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	if diff := cmp.Diff(c.Sources, again.Sources); diff != "" {
		t.Error(diff)
	}
}

func TestKubernetesErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ settings, want string }{
		"live and manifests": {"paths: [x], context: eu", "sources[0].context: is for a live cluster, and this source reads manifests (remove it, or remove paths)"},
		"globs of a cluster": {"include: ['*.yaml']", "sources[0].include: is for manifests, and this source reads a live cluster (remove it, or give paths)"},
		"inside and outside": {"inCluster: true, context: eu", "sources[0].context: is for a cluster that is reached from outside (remove it, or remove inCluster)"},
		"no log is read":     {"logFields: {level: [lvl]}", "sources[0].logFields: is for sources that look at logs (remove it, or give logFormat)"},
		"unknown log field":  {"logFormat: json, logFields: {lvel: [lvl]}", `sources[0].logFields.lvel: "lvel" is nothing that a line of a log should say (did you mean level?)`},
		"unknown log format": {"logFormat: xml", `sources[0].logFormat: "xml" is no logFormat that exists (known: json, logfmt)`},
		"name of a cluster":  {"cluster: a/b", `sources[0].cluster: "a/b" is no name of a cluster (use letters, digits and . _ - between them, at most 63)`},
		"two of one name": {
			"cluster: b}\n  - {id: b, kind: kubernetes",
			`sources[1]: the cluster "b" is read by the source of line 2 already (give one of them another name by cluster:)`,
		},
		"a probe of nothing": {"paths: [x]}\n  - {id: b, kind: probe", "sources[1]: the setting cluster is missing (Name of the cluster, as spans have it in k8s.cluster.name; of metrics that name none. The id of a kubernetes source where it is absent. A probe source calls the Services of this cluster, by the names that they have inside.)"},
		"networks":           {"paths: [x]}\n  - {id: b, kind: probe, cluster: a, networks: [10.0.0.0/8, localhost]", `sources[1].networks[1]: "localhost" is no network (write it like 10.0.0.0/8)`},
		"for another kind":   {"url: 'https://x'", `sources[0].url: is not for "kubernetes" (it is for backstage, prometheus, jaeger, zipkin, github: change kind, or remove it)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("f.yaml", []byte("sources:\n  - {id: a, kind: kubernetes, "+c.settings+"}"), environment(nil))
			if err == nil {
				t.Fatal("accepted")
			}
			_, message, _ := strings.Cut(err.Error(), ": ")
			if diff := cmp.Diff(c.want, message); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDocumentedConfigurations holds that what the documentation shows is accepted.
func TestDocumentedConfigurations(t *testing.T) {
	t.Parallel()
	lookup := func(string) (string, bool) { return "a value", true }
	for file, want := range map[string]int{"operations.md": 6, "neo4j.md": 1, "health.md": 1} {
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
			if strings.Contains(block[1], "services:") { // of Docker Compose
				continue
			}
			found++
			if _, err := config.Parse(file, []byte(block[1]), lookup); err != nil {
				t.Errorf("%v in\n%s", err, block[1])
			}
		}
		if found < want {
			t.Errorf("%s shows only %d configurations", file, found)
		}
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
identity: {rewrites: [{match: 'otel:(.*)', replace: 'component:$${1}x'}]}
sources:
  - {id: a, kind: files, paths: ["/x/${API_TOKEN}/y", /z]}
  - {id: b, kind: backstage, url: "https://host${PLACE}", token: "s3cr3t", filter: [kind=component], caFile: ca.pem}
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
    history: 90d
identity:
    rewrites:
        - match: otel:(.*)
          replace: component:$${1}x
sources:
    - id: a
      kind: files
      paths:
        - /x/********/y
        - /z
      environment: production
      priority: 100
      watch: false
      timeout: 1h
    - id: b
      kind: backstage
      url: https://host/data
      token: '********'
      filter:
        - kind=component
      caFile: ca.pem
      environment: production
      priority: 80
      timeout: 1h
`
	if diff := cmp.Diff(want, string(shown)); diff != "" {
		t.Error(diff)
	}
	again, err := config.Parse("orrery.yaml", shown, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	c.Sources[0].Paths[0] = "/x/********/y"
	c.Sources[1].Token = "********"
	if diff := cmp.Diff(c, again, ignoreShown); diff != "" {
		t.Errorf("what is shown reads back as something else: %s", diff)
	}
	asJSON, err := json.Marshal(c.ShowValue())
	if err != nil || strings.Contains(string(asJSON), "s3cr3t") {
		t.Errorf("as JSON: %s, %v", asJSON, err)
	}
}

// TestShowMasksCredentialsOfURLs holds that a URL is shown without the password in it.
func TestShowMasksCredentialsOfURLs(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"https://user:s3cr3t@host/a/b@c.git": "https://********@c.git",
		"https://s3cr3t@host/a.git":          "https://********@host/a.git",
		"ssh://git:s3cr3t@host/a.git":        "ssh://git:********@host/a.git",
		"ssh://git@host/a.git":               "ssh://git@host/a.git",
		"git@host:a.git":                     "git@host:a.git",
		"https://host/a.git":                 "https://host/a.git",
	} {
		c, err := config.Parse("orrery.yaml", []byte("sources: [{id: a, kind: git, urls: ['"+written+"']}]"), environment(nil))
		if err != nil {
			t.Error(err)
			continue
		}
		shown, err := c.Show()
		if err != nil || !strings.Contains(string(shown), "- "+want+"\n") || c.Sources[0].Remotes[0] != written {
			t.Errorf("%s: %s, %v", written, shown, err)
		}
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
		"insecure: ${I:-true}":   true,
		"graph: {engine: neo4j}": false,
		"graph: {engine: neo4j, uri: 'neo4j://h', username: a, password: b}":    true,
		"graph: {engine: neo4j, uri: 'neo4j://h', labelPrefix: A, history: 1d}": true,
		"graph: {engine: neo4j, uri: 'neo4j://h', database: d}":                 true,
		"graph: {engine: neo4j, uri: 'neo4j://h', path: x}":                     false,
		"graph: {engine: sqlite, uri: 'neo4j://h'}":                             false,
		"graph: {uri: 'neo4j://h'}":                                             false,
		"graph: {path: x}":                                                      true,
		"graph: {pth: x}":                                                       false,
		"lissten: x":                                                            false,
		"listen: 7":                                                             false,
		"insecure: 'true'":                                                      false,
		"sources: {}":                                                           false,
		"sources: [{id: a, kind: files}]":                                       false,
		"sources: [{id: a, kind: files, paths: []}]":                            false,
		"sources: [{id: a, kind: files, paths: [x], priority: '5'}]":            false,
		"sources: [{id: a, kind: files, paths: [x], watch: true}]":              true,
		"sources: [{id: a, kind: files, paths: [x], timeout: 90s}]":             true,
		"sources: [{id: a, kind: files, paths: [x], timeout: 90}]":              false,
		"sources: [{id: a, kind: files, paths: [x], timeout: 90y}]":             false,
		"environments: {production: [prod]}":                                    true,
		"environments: {production: prod}":                                      false,
		"identity: {rewrites: [{match: a, replace: 'api:a'}]}":                  true,
		"identity: {rewrites: [{match: a}]}":                                    false,
		"sources: [{id: a, kind: github, paths: [x]}]":                          false,
		"sources: [{kind: files, paths: [x]}]":                                  false,
		"sources: [{id: a, kind: backstage, url: 'http://b', token: t, filter: [kind=api], caFile: ca.pem, priority: 5}]": true,
		"sources: [{id: a, kind: backstage, url: 'http://b'}]":                                                            true,
		"sources: [{id: a, kind: backstage}]":                                                                             false,
		"sources: [{id: a, kind: backstage, url: 'http://b', paths: [x]}]":                                                false,
		"sources: [{id: a, kind: backstage, url: 'http://b', watch: true}]":                                               false,
		"sources: [{id: a, kind: backstage, url: 'http://b', filter: []}]":                                                false,
		"sources: [{id: a, kind: files, paths: [x], token: t}]":                                                           false,
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

func TestMergeOptions(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("f.yaml", []byte("environments: {Production: [prod, LIVE]}\n"+
		"identity: {rewrites: [{match: 'otel:(.*)', replace: 'component:$1'}]}"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	options := c.MergeOptions()
	if diff := cmp.Diff(map[string]string{"prod": "production", "live": "production"}, options.Environments); diff != "" {
		t.Error(diff)
	}
	if len(options.Rewrites) != 1 || options.Rewrites[0].Match.String() != "otel:(.*)" || options.Rewrites[0].Replace != "component:$1" {
		t.Errorf("%+v", options.Rewrites)
	}
}

func TestReferenceNamesEverySetting(t *testing.T) {
	t.Parallel()
	reference := config.Reference()
	for _, want := range []string{"listen\n", "graph.engine\n", "One of: sqlite, neo4j.", "Only for: sqlite. Default: orrery.db.", "graph.uri\n", "Only for: neo4j. Required.", "graph.password\n", "sources[].priority\n", "Default: 100, or 80 for backstage, or 70 for kubernetes.", "One of: files, backstage, kubernetes, probe, otlp, prometheus, jaeger, zipkin, github, git.", "Only for: files, kubernetes, otlp, git. Required, but for: kubernetes, otlp, git.", "sources[].app.privateKeyFile\n", "sources[].tls.cert\n", "sources[].memory\n", "Default: 256MiB.", "tracing.ratio\n", "identity.rewrites[].match\n", "Default: 90d.", "Default: 127.0.0.1:7007."} {
		if !strings.Contains(reference, want) {
			t.Errorf("%q is missing in:\n%s", want, reference)
		}
	}
}
