package githubtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// jwtOf is what the app signs its requests with.
func jwtOf(t *testing.T, app *githubtest.App) string {
	t.Helper()
	return signed(t, app, jwt.MapClaims{
		"iss": app.ID(), "iat": time.Now().Add(-30 * time.Second).Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
	})
}

func signed(t *testing.T, app *githubtest.App, claims jwt.MapClaims) string {
	t.Helper()
	key, err := jwt.ParseRSAPrivateKeyFromPEM(app.PrivateKey())
	must(t, err)
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	must(t, err)
	return token
}

func TestWhichJWTsAreTaken(t *testing.T) {
	at := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	hub := githubtest.New(githubtest.Options{Now: at.now})
	app, err := hub.AddApp("orrery")
	must(t, err)
	other, err := hub.AddApp("other")
	must(t, err)
	claims := func(issuer any, issued, expires time.Duration) jwt.MapClaims {
		return jwt.MapClaims{"iss": issuer, "iat": at.at.Add(issued).Unix(), "exp": at.at.Add(expires).Unix()}
	}
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"good":                {signed(t, app, claims(app.ID(), 0, 9*time.Minute)), 200},
		"issuer as a text":    {signed(t, app, claims(fmt.Sprint(app.ID()), 0, 9*time.Minute)), 200},
		"another one's key":   {signed(t, other, claims(app.ID(), 0, 9*time.Minute)), 401},
		"expired":             {signed(t, app, claims(app.ID(), -10*time.Minute, -time.Second)), 401},
		"for too long":        {signed(t, app, claims(app.ID(), 0, time.Hour)), 401},
		"of the future":       {signed(t, app, claims(app.ID(), 5*time.Minute, 9*time.Minute)), 401},
		"of nobody":           {signed(t, app, claims(1, 0, 9*time.Minute)), 404},
		"not a JWT, but dots": {"a.b.c", 404},
	} {
		if answer, body := get(t, hub, c.token, "/app"); answer.StatusCode != c.want {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
	old := signed(t, app, claims(app.ID(), 0, 9*time.Minute))
	must(t, app.ReplaceKey())
	if answer, _ := get(t, hub, old, "/app"); answer.StatusCode != 401 {
		t.Errorf("by the old key: %d", answer.StatusCode)
	}
}

func TestInstallations(t *testing.T) {
	hub, _, at := company(4)
	app, err := hub.AddApp("orrery")
	must(t, err)
	acme := hub.Account("acme")
	first, second := hub.Repository("acme/service-00000"), hub.Repository("acme/service-00001")
	i := app.Install(acme, first)
	asApp := func() *github.Client {
		return client(hub, signed(t, app, jwt.MapClaims{"iss": app.ID(), "iat": at.at.Unix(), "exp": at.at.Add(5 * time.Minute).Unix()}))
	}
	ctx := t.Context()
	token, _, err := asApp().Apps.CreateInstallationToken(ctx, i.ID(), nil)
	must(t, err)
	list := func() (names []string) {
		found, _, err := client(hub, token.GetToken()).Apps.ListRepos(ctx, nil)
		must(t, err)
		for _, r := range found.Repositories {
			names = append(names, r.GetName())
		}
		return names
	}
	if diff := cmp.Diff([]string{"service-00000"}, list()); diff != "" {
		t.Error(diff)
	}
	i.Select(first, second)
	if diff := cmp.Diff([]string{"service-00000", "service-00001"}, list()); diff != "" {
		t.Error(diff)
	}
	if i.Select(); len(list()) != 4 {
		t.Errorf("all are %v", list())
	}

	status := func(path string) int {
		answer, _ := get(t, hub, token.GetToken(), path)
		return answer.StatusCode
	}
	if i.Permit("members", ""); status("/orgs/acme/teams") != 403 || status("/repos/acme/service-00000/git/trees/main") != 200 {
		t.Error("without the permission for members, teams are shown or trees are not")
	}
	if i.Permit("contents", ""); status("/repos/acme/service-00000/git/trees/main") != 403 || status("/repos/acme/service-00000") != 200 {
		t.Error("without the permission for contents, trees are shown or repositories are not")
	}
	if i.Suspend(true); status("/repos/acme/service-00000") != 403 {
		t.Error("a suspended installation is answered")
	}
	if _, answer, err := asApp().Apps.CreateInstallationToken(ctx, i.ID(), nil); err == nil || answer.StatusCode != 403 {
		t.Errorf("a token of a suspended installation: %v", err)
	}
	i.Suspend(false)
	at.at = at.at.Add(hub.Limits.TokenLives - time.Second)
	if got := status("/repos/acme/service-00000"); got != 200 {
		t.Errorf("a token shortly before it expires: %d", got)
	}
	at.at = at.at.Add(time.Second)
	if got := status("/repos/acme/service-00000"); got != 401 || !token.GetExpiresAt().Equal(github.Timestamp{Time: at.at}) {
		t.Errorf("a token that expired: %d", got)
	}
	token, _, err = asApp().Apps.CreateInstallationToken(ctx, i.ID(), nil)
	must(t, err)
	hub.RevokeInstallationTokens()
	if got := status("/repos/acme/service-00000"); got != 401 {
		t.Errorf("a token that was revoked: %d", got)
	}
	i.Uninstall()
	if _, answer, err := asApp().Apps.CreateInstallationToken(ctx, i.ID(), nil); err == nil || answer.StatusCode != 404 {
		t.Errorf("a token where the app is no more: %v", err)
	}
}
