package webhook_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// TestWhatGitHubSends holds which names what happens at GitHub comes down to, by the deliveries of the fake one.
func TestWhatGitHubSends(t *testing.T) {
	g := githubtest.New(githubtest.Options{})
	acme := g.AddOrganization("acme")
	other := g.AddOrganization("new-acme")
	alice := g.AddUser("alice", githubtest.Profile{})
	checkout := g.AddRepository("acme/checkout", githubtest.Files{"a/catalog-info.yaml": "a", "main.go": "b"}, githubtest.Settings{})
	app, err := g.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	s := newSource()
	h := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}})
	hook := app.AddHook("http://127.0.0.1/webhooks/github", secret)
	for _, step := range []struct {
		what string
		do   func()
		want [][]string // nil = nothing is to be read
	}{
		{
			"installed",
			func() { app.Install(acme); app.Install(other) },
			[][]string{{"github.com/acme/", "teams/github.com/acme"}, {"github.com/new-acme/", "teams/github.com/new-acme"}},
		},
		{
			"a push", func() {
				checkout.Push(githubtest.Push{Files: githubtest.Files{"a/catalog-info.yaml": "c", "main.go": "d"}})
			},
			[][]string{{"github.com/acme/checkout/a/catalog-info.yaml"}},
		},
		{"a push to no catalog file", func() { checkout.Push(githubtest.Push{Files: githubtest.Files{"main.go": "e"}}) }, nil},
		{
			"a file goes and another comes",
			func() {
				checkout.Push(githubtest.Push{Files: githubtest.Files{"b/catalog-info.yaml": "c"}, Delete: []string{"a/catalog-info.yaml"}})
			},
			[][]string{{"github.com/acme/checkout/a/catalog-info.yaml", "github.com/acme/checkout/b/catalog-info.yaml"}},
		},
		{
			"another branch",
			func() {
				checkout.Push(githubtest.Push{Branch: "topic", Files: githubtest.Files{"a/catalog-info.yaml": "f"}})
			}, nil,
		},
		{
			"a forced push",
			func() { checkout.Push(githubtest.Push{Files: githubtest.Files{"main.go": "g"}, Force: true}) },
			[][]string{{"github.com/acme/checkout/"}},
		},
		{"a new name", func() { checkout.Rename("cart") }, [][]string{{"github.com/acme/cart/", "github.com/acme/checkout/"}}},
		{
			"another owner", func() { checkout.Transfer(other) },
			[][]string{{"github.com/acme/cart/", "github.com/new-acme/cart/"}},
		},
		{"a team", func() { acme.AddTeam("payments", nil, githubtest.TeamSettings{}).Add("member", alice) }, [][]string{{"teams/github.com/acme"}, {"teams/github.com/acme"}}},
		{"a member", func() { acme.AddMember(g.AddUser("bob", githubtest.Profile{}), "member") }, [][]string{{"teams/github.com/acme"}}},
		{"the end of it", func() { checkout.Delete() }, [][]string{{"github.com/new-acme/cart/"}}},
	} {
		s.heard()
		hook.Lose()
		step.do()
		for _, d := range hook.Waiting() {
			r, err := hook.Request(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if status := send(h, r); status != http.StatusAccepted {
				t.Errorf("%s: %s: status %d", step.what, d.Event, status)
			}
			again, err := hook.Request(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if status := send(h, again); status != http.StatusConflict {
				t.Errorf("%s: %s, again: status %d", step.what, d.Event, status)
			}
			forged, err := hook.Request(t.Context(), &githubtest.Delivery{ID: d.ID + "0", Event: d.Event, Payload: bytes.ToUpper(d.Payload)})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := hook.Request(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			forged.Header.Set("X-Hub-Signature-256", signed.Header.Get("X-Hub-Signature-256"))
			if status := send(h, forged); status != http.StatusUnauthorized {
				t.Errorf("%s: %s, forged: status %d", step.what, d.Event, status)
			}
		}
		if diff := cmp.Diff(step.want, s.heard()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
	}
}
