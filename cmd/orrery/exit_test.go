package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitStatus holds the statuses that scripts rely on, and that an error is one line that says what to do.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ambiguous := filepath.Dir(write(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: cart}\n"+
		"spec: {type: a, lifecycle: b, owner: c}\n---\napiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: cart}\n"+
		"spec: {type: a, owner: c}\n", dir, "ambiguous", "catalog-info.yaml"))
	bad := write(t, "listen: 127.0.0.1:1\nlissten: x\ncolour: y\n", dir, "bad.yaml")
	unscanned := write(t, "sources:\n  - {id: a, kind: files, paths: [nowhere]}\n", dir, "unscanned.yaml")
	gone := write(t, "graph: {path: gone.db}\nsources:\n  - {id: a, kind: files, paths: [nowhere]}\n", dir, "gone.yaml")
	noSources := write(t, "graph: {path: x.db}\n", dir, "no-sources.yaml")
	noFolder := write(t, "graph: {path: no/folder/x.db}\nsources:\n  - {id: a, kind: files, paths: [.]}\n", dir, "no-folder.yaml")
	foreign := write(t, "this is no database, whatever its name says; it is a text of more than a few bytes\n", dir, "foreign.db")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	const shop = "--catalog testdata/shop"
	for command, want := range map[string]struct {
		status int
		stderr string // part of it; "" = silence
	}{
		"":                       {0, ""},
		"--help":                 {0, ""},
		"help owner":             {0, ""},
		"version":                {0, ""},
		"owner checkout " + shop: {0, ""},
		"owner COMPONENT:Default/Checkout " + shop:      {0, ""},
		"list --catalog " + empty:                       {0, ""},
		"validate testdata/shop/teams.yaml":             {0, ""},
		"config check " + noSources:                     {0, ""},
		"config schema":                                 {0, ""},
		"config schema configuration":                   {0, ""},
		"completion bash":                               {0, ""},
		"validate testdata/shop":                        {1, ""},
		"validate testdata/shop --format json":          {1, ""},
		"path ledger-db checkout " + shop:               {1, ""},
		"search nonsense " + shop:                       {1, ""},
		"search nonsense --format json " + shop:         {1, ""},
		"search chekout " + shop:                        {0, ""},
		"search " + shop:                                {2, "orrery search wants what to search for"},
		"search a --limit 0 " + shop:                    {2, "--limit must be from 1 to 1000"},
		"config check " + bad:                           {1, ""},
		"ownr checkout":                                 {2, `orrery has no command "ownr" (did you mean owner? see orrery --help)`},
		"config shwo":                                   {2, `orrery config has no command "shwo" (did you mean show?`},
		"owner":                                         {2, "orrery owner wants one REF"},
		"owner a b " + shop:                             {2, `does not know what to do with "b"`},
		"path checkout " + shop:                         {2, "wants two REFs"},
		"blast-radius " + shop:                          {2, "wants from 1 to 100 REFs"},
		"list extra " + shop:                            {2, `does not know what to do with "extra"`},
		"owner checkout --formt json":                   {2, "unknown flag: --formt (see orrery owner --help)"},
		"owner checkout --format yaml " + shop:          {2, "--format yaml is not known here: use one of table, json"},
		"owner checkout --format dot " + shop:           {2, "use one of table, json"},
		"export --format table " + shop:                 {2, "use json or jsonl"},
		"deps checkout --direction up " + shop:          {2, "--direction up is not known: use NEEDS, NEEDED_BY"},
		"deps checkout --depth -1 " + shop:              {2, "--depth must not be negative"},
		"deps checkout --depth much " + shop:            {2, `invalid argument "much" for "--depth" flag`},
		"deps checkout --evidence guess " + shop:        {2, "--evidence guess is not known: use DECLARED, OBSERVED, INFERRED"},
		"list --order size " + shop:                     {2, "--order size is not known"},
		"problems --severity FATAL " + shop:             {2, "--severity FATAL is not known"},
		"owner cart --catalog " + ambiguous:             {2, "component:default/cart, resource:default/cart"},
		"owner : " + shop:                               {3, "is not in the catalog"},
		"owner checkout --config x " + shop:             {2, "use only one of --catalog, --config and --server"},
		"owner checkout --server localhost:7007":        {2, "is no address of a server: write for example http://127.0.0.1:7007"},
		"owner checkout --server ftp://h":               {2, "is no address of a server"},
		"owner checkout --server http://u:p@h":          {2, "ORRERY_TOKEN"},
		"owner checkout --config " + bad:                {2, "bad.yaml:2: lissten: unknown setting (did you mean listen?); and 1 more: orrery config check"},
		"owner checkout --log-level loud " + shop:       {2, "--log-level loud is not known"},
		"config show " + bad:                            {2, "unknown setting"},
		"config schema all":                             {2, `there is no schema of "all"`},
		"serve --demo --config " + bad:                  {2, "use only one of --demo and --config"},
		"serve --demo --listen 0.0.0.0:0":               {2, "can be reached from other machines"},
		"serve --demo --listen nowhere":                 {2, "is no host:port"},
		"scan testdata/shop":                            {2, "--into FILE.db"},
		"scan --into " + dir + "/x.db":                  {2, "name the folders"},
		"scan --into x.db --config y testdata/shop":     {2, "use only one of --into and --config"},
		"scan --config " + noSources:                    {2, "names no sources"},
		"owner checkout --catalog= ":                    {2, "the name of a folder is empty"},
		"owner nothing " + shop:                         {3, "orrery: nothing is not in the catalog: `orrery list` shows what is"},
		"owner chekout " + shop:                         {3, "component:default/checkout"},
		"blast-radius checkout nothing " + shop:         {3, "nothing is not in the catalog"},
		"owner checkout --catalog " + dir + "/no":       {3, "no such file or directory: check the path"},
		"validate " + dir + "/no":                       {3, "no such file or directory"},
		"owner checkout --config " + dir + "/no.yaml":   {3, "there is no configuration file"},
		"owner checkout --config " + unscanned:          {3, "orrery scan --config " + unscanned},
		"scan --config " + dir + "/no.yaml":             {3, "there is no configuration file"},
		"scan --config " + noFolder:                     {3, "is not there: make it first"},
		"scan --config " + gone:                         {3, "source a: "},
		"scan --into " + foreign + " testdata/shop":     {3, "foreign.db"},
		"owner checkout --server http://127.0.0.1:9":    {3, "no server answers at http://127.0.0.1:9: start one with `orrery serve`"},
		"export --server http://127.0.0.1:9":            {3, "no server answers at http://127.0.0.1:9"},
		"serve --config " + dir + "/no.yaml":            {3, "orrery config --help"},
		"serve --demo --listen 127.0.0.1:0 --log-level": {2, "flag needs an argument"},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			got := orrery(t, strings.Fields(command)...)
			if got.status != want.status {
				t.Errorf("status %d, want %d; stderr: %s", got.status, want.status, got.stderr)
			}
			if want.stderr == "" && got.stderr != "" || !strings.Contains(got.stderr, want.stderr) {
				t.Errorf("stderr is %q, want %q in it", got.stderr, want.stderr)
			}
			if strings.Count(got.stderr, "\n") > 1 {
				t.Errorf("stderr has several lines: %s", got.stderr)
			}
			if got.status > statusNo && got.stderr == "" {
				t.Error("nothing says why")
			}
		})
	}
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, "sources:\n  - {id: a, kind: files, paths: [\"${API_TOKEN}\"]}\n", dir, "orrery.yaml")
	env := map[string]string{"API_TOKEN": "s3cr3t"}
	for _, format := range []string{"table", "json"} {
		got := orreryWith(t, env, "config", "show", file, "--format", format)
		if got.status != 0 || strings.Contains(got.stdout, "s3cr3t") || !strings.Contains(got.stdout, "********") ||
			!strings.Contains(got.stdout, "127.0.0.1:7007") {
			t.Errorf("%+v", got)
		}
	}
	if got := orreryWith(t, env, "config", "check", file); got.stdout != file+" is valid: 1 source\n" {
		t.Errorf("%+v", got)
	}
	got := orrery(t, "config", "check", file)
	if want := file + ":2: sources[0].paths[0]: the environment variable API_TOKEN has no value (set it, or write ${API_TOKEN:-default})\n"; got.stdout != want {
		t.Errorf("%+v, want %s", got, want)
	}
	for _, schema := range []string{"catalog", "configuration"} {
		if lengths := lengthsOf(t, must(t, "config", "schema", schema)); len(lengths) == 0 {
			t.Errorf("the schema of %s is empty", schema)
		}
	}
}
