package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/config"
)

func TestRepositories(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("/srv/orrery.yaml", []byte(`
sources:
  - {id: acme, kind: github, organization: acme, token: "${GITHUB_TOKEN}"}
  - id: all
    kind: github
    url: https://github.example.com
    organizations: [Tools, acme]
    organization: Shop
    app: {id: 12, privateKeyFile: app.pem}
    repositories: ["shop-*"]
    visibility: [private, internal]
    catalogFiles: [catalog-info.yaml, "services/*/catalog-info.yaml"]
    forks: true
    teams: false
    reserve: 25
    webhookSecret: "${HOOK}"
    checks: all
    proposals: 5
    schedule: "@hourly"
  - {id: mirrors, kind: git, paths: [mirrors], cache: cache}
  - {id: remote, kind: git, urls: ["https://git.example.com/shop/cart.git"], branch: main}
`), environment(map[string]string{"GITHUB_TOKEN": "s3cr3t", "HOOK": "h00k"}))
	if err != nil {
		t.Fatal(err)
	}
	acme, all, mirrors, remote := c.Sources[0], c.Sources[1], c.Sources[2], c.Sources[3]
	if !cmp.Equal(acme.AllOrganizations(), []string{"acme"}) || acme.Token != "s3cr3t" || !acme.Teams || acme.Forks || acme.Archived ||
		acme.Schedule != "@every 30m" || acme.Reserve != 10 || acme.Priority != 100 || acme.Checks != "" || acme.Proposals != 0 {
		t.Errorf("acme: %+v", acme)
	}
	if !cmp.Equal(all.AllOrganizations(), []string{"Shop", "Tools", "acme"}) || all.App != (config.GitHubApp{ID: 12, PrivateKeyFile: "/srv/app.pem"}) ||
		!all.Forks || all.Teams || all.Reserve != 25 || all.WebhookSecret != "h00k" || all.Checks != config.ChecksAll || all.Proposals != 5 || all.Schedule != "@hourly" ||
		len(all.CatalogFiles) != 2 || len(all.Visibility) != 2 {
		t.Errorf("all: %+v", all)
	}
	if !cmp.Equal(mirrors.Paths, []string{"/srv/mirrors"}) || mirrors.Schedule != "@every 10m" || mirrors.Cache != "/srv/cache" {
		t.Errorf("mirrors: %+v", mirrors)
	}
	if len(remote.Remotes) != 1 || remote.Branch != "main" {
		t.Errorf("remote: %+v", remote)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"s3cr3t", "h00k"} {
		if strings.Contains(string(shown), secret) {
			t.Errorf("%s is shown:\n%s", secret, shown)
		}
	}
}

func TestRepositoriesErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"nobody":             {"kind: github, token: x", "sources[0]: names no organisation and no user (give organization, organizations or users)"},
		"no owner":           {"kind: github, token: x, organization: 'acme/shop'", `sources[0].organization: "acme/shop" is no name of an organisation or user (write it as in the address of its page)`},
		"two ways in":        {"kind: github, organization: acme, token: x, app: {id: 1, privateKey: y}", "sources[0].token: stands beside app (give one of them)"},
		"no key":             {"kind: github, organization: acme, app: {id: 1}", "sources[0].app: needs one of privateKey and privateKeyFile"},
		"no id":              {"kind: github, organization: acme, app: {privateKey: x}", "sources[0].app: the setting id is missing (The App's id, a number.)"},
		"checks unheard":     {"kind: github, token: x, organization: acme, checks: all", "sources[0].checks: needs webhooks, which tell of pull requests (add webhookSecret)"},
		"all is reserved":    {"kind: github, token: x, organization: acme, reserve: 100", "sources[0].reserve: must be from 0 to 90, not 100"},
		"too many proposals": {"kind: github, token: x, organization: acme, proposals: 1000", "sources[0].proposals: must be from 0 to 100, not 1000"},
		"proposed unread":    {"kind: github, token: x, organization: acme, proposals: 1, catalogFiles: ['.backstage/*.yaml']", "sources[0].proposals: propose catalog-info.yaml, which catalogFiles leave out (add it to them)"},
		"a bad glob":         {"kind: github, token: x, organization: acme, repositories: ['a[']", `sources[0].repositories[0]: "a[" is no glob (check its brackets and braces)`},
		"no credentials":     {"kind: github, organization: acme", "sources[0]: has nothing to sign in with (give token or app)"},
		"owner in a glob":    {"kind: github, token: x, organization: acme, repositories: [acme/shop]", `sources[0].repositories[0]: "acme/shop" matches no name of a repository (write it without its owner, like shop-*)`},
		"out of it":          {"kind: github, token: x, organization: acme, catalogFiles: ['../x.yaml']", `sources[0].catalogFiles[0]: "../x.yaml" is no path or glob in a repository (write it like services/*/catalog-info.yaml)`},
		"visibility":         {"kind: github, organization: acme, visibility: [secret]", `sources[0].visibility[0]: "secret" is no visibility that exists (known: public, private, internal)`},
		"namespace":          {"kind: github, token: x, organization: acme, namespace: Acme", `sources[0].namespace: "Acme" is no namespace (use lower-case letters, digits and - between them, at most 63)`},
		"api":                {"kind: github, token: x, organization: acme, apiURL: github.example.com", "sources[0].apiURL: is no address of an API (write it like https://github.example.com/api/v3)"},
		"git of nothing":     {"kind: git", "sources[0]: says neither which repositories to fetch nor where mirrors of them are (give urls or paths)"},
		"for another kind":   {"kind: git, paths: [x], organization: acme", `sources[0].organization: is not for "git" (it is for github: change kind, or remove it)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("f.yaml", []byte("sources:\n  - {id: a, "+c.source+"}"), environment(nil))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff("f.yaml:2: "+c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
