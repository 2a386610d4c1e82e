package onboard_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/onboard"
)

// listed is a catalog in memory.
type listed struct {
	entities []onboard.Known
	needs    map[catalog.Ref][]onboard.Need
}

func (l *listed) Find(_ context.Context, text string) (*onboard.Known, error) {
	var found []*onboard.Known
	for i := range l.entities {
		e := &l.entities[i]
		kind, name, _ := strings.Cut(text, ":")
		switch {
		case string(e.Ref) == text || slices.Contains(e.Aliases, catalog.Alias(text)):
			return e, nil
		case e.Ref.Kind() == kind && e.Ref.Name() == strings.TrimPrefix(name, "default/"):
			found = append(found, e)
		}
	}
	if len(found) == 1 && !strings.Contains(text, "/") {
		return found[0], nil
	}
	return nil, nil
}

func (l *listed) Groups(context.Context) ([]onboard.Known, error) {
	var groups []onboard.Known
	for _, e := range l.entities {
		if e.Kind == "Group" {
			groups = append(groups, e)
		}
	}
	return groups, nil
}

func (l *listed) Needs(_ context.Context, ref catalog.Ref) ([]onboard.Need, error) {
	return l.needs[ref], nil
}

func fakeCatalog() *listed {
	return &listed{
		entities: []onboard.Known{
			{Ref: "group:teams/money", Kind: "Group", Name: "money", Annotations: map[string]string{"github.com/team-slug": "Acme/payments"}},
			{Ref: "group:default/web", Kind: "Group", Name: "web", Email: "web@acme.io"},
			{Ref: "group:a/shop", Kind: "Group", Name: "shop"},
			{Ref: "group:b/shop", Kind: "Group", Name: "shop"},
			{Ref: "user:default/bob", Kind: "User", Name: "bob"},
			{Ref: "system:default/shop", Kind: "System", Name: "shop"},
			{Ref: "component:default/pricing", Kind: "Component", Name: "pricing", Location: "https://github.com/acme/pricing/blob/main/catalog-info.yaml"},
			{Ref: "component:default/cart", Kind: "Component", Name: "cart", Location: "central/catalog.yaml"},
			{Ref: "component:risk/fraud-engine", Kind: "Component", Name: "fraud-engine", Aliases: []catalog.Alias{"dns:fraud.risk.svc"}},
			{Ref: "component:shop/checkout", Kind: "Component", Name: "checkout", Discovered: true, Aliases: []catalog.Alias{"otel:shop/checkout"}},
			{Ref: "workload:shop/prod.deployment.checkout", Kind: "Workload", Name: "prod.deployment.checkout"},
			{Ref: "resource:default/orders-topic", Kind: "Resource", Name: "orders-topic", Type: "topic"},
		},
		needs: map[catalog.Ref][]onboard.Need{
			"component:shop/checkout": {
				{To: "component:default/pricing", Kind: "Component", Observed: true, Strength: catalog.Soft, Requests: 5000, Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
				{To: "external:default/api.stripe.com", Kind: "External", Observed: true, Strength: catalog.Hard},
				{To: "resource:default/orders-topic", Kind: "Resource", Observed: true, Strength: catalog.Hard, Role: catalog.Publish},
				{To: "resource:default/retries", Kind: "Resource", Observed: true, Strength: catalog.Hard, Role: catalog.PublishAndConsume},
				{To: "component:default/ledger", Kind: "Component", Location: "prod/deployment/shop/checkout"},
			},
		},
	}
}

// TestAsked holds what a draft takes over from a catalog.
func TestAsked(t *testing.T) {
	t.Parallel()
	all := repositories(t)
	for _, name := range []string{"go-service", "monorepo-node"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft, text := accept(t, all[name], onboard.Options{Catalog: fakeCatalog()})
			golden(t, name+".asked.yaml", text+notes(draft))
		})
	}
}

// TestOwners holds whom lines of CODEOWNERS stand for.
func TestOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules, want string
		asked, ask  bool
	}{
		"no file":                     {want: "group:default/which-team", ask: true},
		"no owner":                    {rules: "*\n", want: "group:default/which-team", ask: true},
		"a team":                      {rules: "* @acme/Payments_Team\n", want: "group:payments_team"},
		"a person":                    {rules: "* @bob\n", want: "user:bob"},
		"a team before a person":      {rules: "* @bob @acme/x\n", want: "group:x"},
		"an address":                  {rules: "* someone@acme.io\n", want: "group:default/which-team", ask: true},
		"the last line counts":        {rules: "* @acme/a\n* @acme/b\n*.md @acme/docs\n", want: "group:b"},
		"broken lines are no lines":   {rules: "* @acme/a\n[[[ \x00 @@@\n!x y\n", want: "group:a"},
		"by annotation":               {rules: "* @acme/payments\n", want: "group:teams/money", asked: true},
		"by name":                     {rules: "* @acme/web\n", want: "group:web", asked: true},
		"by address":                  {rules: "* WEB@acme.io\n", want: "group:web", asked: true},
		"two of the name":             {rules: "* @acme/shop\n", want: "group:shop", asked: true, ask: true},
		"a team that is not there":    {rules: "* @acme/gone\n", want: "group:gone", asked: true, ask: true},
		"one of them is there":        {rules: "* @acme/gone @bob\n", want: "user:bob", asked: true},
		"an address that nobody has":  {rules: "* x@acme.io\n", want: "group:default/which-team", asked: true, ask: true},
		"a person that is not there":  {rules: "* @carol\n", want: "user:carol", asked: true, ask: true},
		"Windows ends lines like so ": {rules: "* @acme/web\r\n", want: "group:web", asked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{"go.mod": {Data: []byte("module a")}}
			if c.rules != "" {
				files["CODEOWNERS"] = &fstest.MapFile{Data: []byte(c.rules)}
			}
			options := onboard.Options{Folder: "a"}
			if c.asked {
				options.Catalog = fakeCatalog()
			}
			draft, _ := accept(t, files, options)
			if got := draft.Documents[0].Owner; got.Text != c.want || got.Ask != c.ask {
				t.Errorf("%+v, want %s", got, c.want)
			}
		})
	}
}

// TestRemotes holds what the URLs of remotes name.
func TestRemotes(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://github.com/Acme/checkout.git":         "github.com/Acme/checkout",
		"https://token@github.com/acme/checkout":       "github.com/acme/checkout",
		"git@github.com:acme/checkout.git":             "github.com/acme/checkout",
		"ssh://git@git.acme.io:2222/a/b/checkout.git/": "git.acme.io/a/b/checkout",
		"file:///srv/git/checkout":                     "",
		"/srv/git/checkout":                            "",
		"../checkout":                                  "",
		"https://github.com":                           "",
		"https://github.com/a/../../b":                 "",
		"git@github.com:checkout":                      "",
		"%":                                            "",
	} {
		files := fstest.MapFS{".git/config": {Data: []byte("[remote \"origin\"]\n\turl = " + url + "\n")}}
		draft, err := onboard.New(t.Context(), files, onboard.Options{})
		if err != nil || draft.Repository != want {
			t.Errorf("%s: %q, %v, want %q", url, draft.Repository, err, want)
		}
	}
}
