package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// push is the payload of a push to acme/checkout with the commits, each as its lists of files.
func push(ref, more string, commits ...string) string {
	list := make([]string, len(commits))
	for i, files := range commits {
		list[i] = fmt.Sprintf(`{"id":"%d",%s}`, i, files)
	}
	return fmt.Sprintf(`{"ref":%q,%s"repository":{"full_name":"acme/checkout","default_branch":"main"},"commits":[%s]}`,
		ref, more, strings.Join(list, ","))
}

func files(format string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprintf(format, i))
	}
	return strings.Join(list, ",")
}

func TestNames(t *testing.T) {
	const (
		whole = "github.com/acme/checkout/"
		teams = "teams/github.com/acme"
	)
	for name, test := range map[string]struct {
		event, payload string
		want           []string
	}{
		"a catalog file": {"push", push("refs/heads/main", "", `"modified":["a/catalog-info.yaml","README.md"]`), []string{whole + "a/catalog-info.yaml"}},
		"of several commits": {
			"push",
			push("refs/heads/main", "", `"added":["a/catalog-info.yaml"],"removed":["b/catalog-info.yaml"]`, `"modified":["a/catalog-info.yaml"]`),
			[]string{whole + "a/catalog-info.yaml", whole + "b/catalog-info.yaml"},
		},
		"no catalog file":      {"push", push("refs/heads/main", "", `"modified":["README.md"]`), nil},
		"another branch":       {"push", push("refs/heads/topic", "", `"modified":["catalog-info.yaml"]`), nil},
		"a tag":                {"push", push("refs/tags/main", `"created":true,`, `"modified":["catalog-info.yaml"]`), nil},
		"forced":               {"push", push("refs/heads/main", `"forced":true,`, `"modified":["README.md"]`), []string{whole}},
		"forced elsewhere":     {"push", push("refs/heads/topic", `"forced":true,`), nil},
		"the branch is gone":   {"push", push("refs/heads/main", `"deleted":true,`), []string{whole}},
		"the branch is new":    {"push", push("refs/heads/main", `"created":true,`), []string{whole}},
		"nothing is told":      {"push", push("refs/heads/main", ""), []string{whole}},
		"not all is told":      {"push", push("refs/heads/main", `"size":3,`, `"modified":["README.md"]`), []string{whole}},
		"a great commit":       {"push", push("refs/heads/main", "", `"added":[`+files("f%d", 300)+`]`), []string{whole}},
		"many commits":         {"push", push("refs/heads/main", "", strings.Split(strings.Repeat(`"added":["f"];`, 2048), ";")[:2048]...), []string{whole}},
		"many files":           {"push", push("refs/heads/main", "", `"added":[`+files("a%d/catalog-info.yaml", 299)+`]`, `"added":[`+files("b%d/catalog-info.yaml", 2)+`]`), []string{whole}},
		"no path":              {"push", push("refs/heads/main", "", `"modified":["/catalog-info.yaml","../catalog-info.yaml"]`), nil},
		"somebody else's":      {"push", `{"ref":"refs/heads/main","repository":{"full_name":"evil/checkout"}}`, nil},
		"a strange repository": {"push", `{"ref":"refs/heads/main","repository":{"full_name":"acme/../checkout"}}`, nil},
		"of no repository":     {"push", `{"ref":"refs/heads/main"}`, nil},
		"a null commit":        {"push", `{"ref":"refs/heads/main","repository":{"full_name":"acme/checkout"},"commits":[null]}`, []string{whole}},

		"archived":  {"repository", `{"action":"archived","repository":{"full_name":"acme/checkout"}}`, []string{whole}},
		"published": {"public", `{"repository":{"full_name":"acme/checkout"}}`, []string{whole}},
		"renamed": {
			"repository",
			`{"action":"renamed","changes":{"repository":{"name":{"from":"cart"}}},"repository":{"full_name":"acme/checkout"}}`,
			[]string{"github.com/acme/cart/", whole},
		},
		"transferred": {
			"repository",
			`{"action":"transferred","changes":{"owner":{"from":{"organization":{"login":"new-acme"}}}},"repository":{"full_name":"acme/checkout"}}`,
			[]string{whole, "github.com/new-acme/checkout/"},
		},
		"transferred by a user to another": {
			"repository",
			`{"action":"transferred","changes":{"owner":{"from":{"user":{"login":"acme"}}}},"repository":{"full_name":"someone/checkout"}}`,
			[]string{whole},
		},

		"installed":     {"installation", `{"action":"created","installation":{"account":{"login":"acme"}}}`, []string{"github.com/acme/", teams}},
		"of a stranger": {"installation", `{"action":"created","installation":{"account":{"login":"someone"}}}`, nil},
		"more repositories": {
			"installation_repositories",
			`{"action":"added","repositories_added":[{"full_name":"acme/b"}],"repositories_removed":[{"full_name":"acme/a"}],"installation":{"account":{"login":"acme"}}}`,
			[]string{"github.com/acme/a/", "github.com/acme/b/"},
		},
		"all repositories": {"installation_repositories", `{"action":"added","installation":{"account":{"login":"acme"}}}`, []string{"github.com/acme/", teams}},
		"an account's new name": {
			"installation_target",
			`{"action":"renamed","account":{"login":"new-acme"},"changes":{"login":{"from":"acme"}}}`,
			[]string{"github.com/acme/", "github.com/new-acme/", teams, "teams/github.com/new-acme"},
		},

		"a team":         {"team", `{"action":"created","organization":{"login":"acme"}}`, []string{teams}},
		"a membership":   {"membership", `{"action":"added","organization":{"login":"acme"}}`, []string{teams}},
		"a member":       {"organization", `{"action":"member_added","organization":{"login":"acme"}}`, []string{teams}},
		"a collaborator": {"member", `{"action":"added","organization":{"login":"acme"},"repository":{"full_name":"acme/a"}}`, []string{teams}},
		"of a user":      {"member", `{"action":"added","repository":{"full_name":"acme/a"}}`, nil},
		"an organisation's new name": {
			"organization",
			`{"action":"renamed","organization":{"login":"new-acme"},"changes":{"login":{"from":"acme"}}}`,
			[]string{"github.com/acme/", "github.com/new-acme/", teams, "teams/github.com/new-acme"},
		},

		"ping":    {"ping", `{"zen":"Anything added dilutes everything else."}`, nil},
		"a star":  {"star", `{"action":"created","repository":{"full_name":"acme/checkout"}}`, nil},
		"a check": {"check_run", `{"action":"created","repository":{"full_name":"acme/checkout"}}`, nil},
		"unknown": {"something_new", `{}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource()
			h := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}})
			if status := send(h, delivery("1", test.event, test.payload)); status != 202 {
				t.Errorf("status %d", status)
			}
			var want [][]string
			if test.want != nil {
				want = append(want, test.want)
			}
			if diff := cmp.Diff(want, s.heard()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNamesByDefault holds what a source wants that does not say: every file of the default branch, of anybody.
func TestNamesByDefault(t *testing.T) {
	s := newSource()
	target := s.target()
	target.Wants, target.Owners = nil, nil
	h := handler(t, webhook.Config{Targets: []webhook.Target{target}})
	send(h, delivery("1", "push", push("refs/heads/main", "", `"modified":["README.md"]`)))
	send(h, delivery("2", "push", push("refs/heads/topic", "", `"modified":["README.md"]`)))
	target.Branch = "topic"
	h = handler(t, webhook.Config{Targets: []webhook.Target{target}})
	send(h, delivery("1", "push", push("refs/heads/main", "", `"modified":["README.md"]`)))
	send(h, delivery("2", "push", push("refs/heads/topic", "", `"modified":["topic.md"]`)))
	if diff := cmp.Diff([][]string{{"github.com/acme/checkout/README.md"}, {"github.com/acme/checkout/topic.md"}}, s.heard()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestPullRequests(t *testing.T) {
	const repository = `"repository":{"full_name":"acme/checkout"},"installation":{"id":9}`
	known := webhook.PullRequest{
		Delivery: "1", Action: "opened", Host: "github.com", Repository: "acme/checkout", Number: 7, Base: "main", BaseCommit: "b",
		Head: "topic", HeadCommit: "h", HeadFrom: "someone/checkout", Draft: true, Installation: 9,
	}
	edited := known
	edited.Action, edited.BaseChanged = "edited", true
	again := webhook.PullRequest{Delivery: "1", Action: webhook.ActionRerequested, Host: "github.com", Repository: "acme/checkout", HeadCommit: "h", Installation: 9}
	numbered := again
	numbered.Number, numbered.Base, numbered.BaseCommit, numbered.Head = 7, "main", "b", "topic"
	const pull = `"number":7,"pull_request":{"draft":true,"base":{"ref":"main","sha":"b"},"head":{"ref":"topic","sha":"h","repo":{"full_name":"someone/checkout"}}},`
	for name, test := range map[string]struct {
		event, payload string
		want           []webhook.PullRequest
	}{
		"opened":            {"pull_request", `{"action":"opened",` + pull + repository + `}`, []webhook.PullRequest{known}},
		"to another branch": {"pull_request", `{"action":"edited","changes":{"base":{"ref":{"from":"old"}}},` + pull + repository + `}`, []webhook.PullRequest{edited}},
		"a check again": {
			"check_run", `{"action":"rerequested","check_run":{"head_sha":"h","pull_requests":[{"number":7,"base":{"ref":"main","sha":"b"},"head":{"ref":"topic"}}]},` + repository + `}`,
			[]webhook.PullRequest{numbered},
		},
		"a suite again, of a fork": {"check_suite", `{"action":"rerequested","check_suite":{"head_sha":"h","pull_requests":[]},` + repository + `}`, []webhook.PullRequest{again}},
		"a check that is done":     {"check_run", `{"action":"completed","check_run":{"head_sha":"h"},` + repository + `}`, nil},
		"a check of nothing":       {"check_run", `{"action":"rerequested",` + repository + `}`, nil},
		"of a stranger":            {"pull_request", `{"action":"opened",` + pull + `"repository":{"full_name":"evil/checkout"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource()
			h := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}})
			if status := send(h, delivery("1", test.event, test.payload)); status != 202 {
				t.Errorf("status %d", status)
			}
			if diff := cmp.Diff(test.want, s.pulls); diff != "" {
				t.Errorf("pull requests (-want +got):\n%s", diff)
			}
			if status := send(h, delivery("1", test.event, test.payload)); status != 409 {
				t.Errorf("a replay: status %d", status)
			}
		})
	}
}
