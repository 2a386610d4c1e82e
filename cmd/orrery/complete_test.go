package main

import (
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"owner --catalog testdata/shop fra":                  "fraud\tcomponent:default/fraud\n:4\n",
		"owner --catalog testdata/shop component:default/ch": "component:default/checkout\tCheckout\n:4\n",
		"owner --catalog testdata/shop fraud x":              ":4\n", // one ref is all it takes
		"blast-radius --catalog testdata/shop fraud ps":      "psp-one\tcomponent:default/psp-one\npsp-two\tcomponent:default/psp-two\n:4\n",
		"blast-radius --catalog testdata/shop psp-one ps":    "psp-two\tcomponent:default/psp-two\n:4\n",
		"owner --catalog testdata/nowhere ch":                ":4\n",
		"owner --config testdata/nowhere.yaml ch":            ":4\n",
		"owner --server http://127.0.0.1:9 ch":               ":4\n",
		"owner --server nonsense ch":                         ":4\n",
		"list --catalog testdata/shop --owner group:paym":    "group:payments\tgroup:default/payments\n:4\n",
		"problems --catalog testdata/shop --ref fra":         "fraud\tcomponent:default/fraud\n:4\n",
		"deps --direction ne":                                "needs\nneeded-by\n:4\n",
		"path --format ":                                     "table\njson\ndot\nmermaid\n:4\n",
		"config schema ":                                     "catalog\nconfiguration\n:4\n",
	} {
		got := orrery(t, append([]string{"__complete"}, strings.Split(command, " ")...)...)
		// Cobra says on stderr what the directive means; what matters is that it says nothing of ours.
		if got.status != 0 || got.stdout != want || strings.Contains(got.stderr, "orrery:") || strings.Contains(got.stderr, "rror:") {
			t.Errorf("%s completes to %q, want %q; %+v", command, got.stdout, want, got)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if !strings.Contains(must(t, "completion", shell), "orrery") {
			t.Errorf("there is no completion for %s", shell)
		}
	}
}
