package connect_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// key makes the key of an App.
func key(t *testing.T) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// platform is a GitHub with an App that is installed at acme (7) and at the user jane (8).
type platform struct {
	public *rsa.PublicKey

	mu        sync.Mutex
	made      int // tokens
	valid     map[string]time.Time
	suspended bool
	gone      bool
	early     bool // tokens are revoked at once
	clock     func() time.Time
}

func (p *platform) reply(r *http.Request) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if strings.HasSuffix(r.URL.Path, "/installation") || strings.HasPrefix(r.URL.Path, "/app") {
		var claims jwt.RegisteredClaims
		parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
		_, err := parser.ParseWithClaims(bearer, &claims, func(*jwt.Token) (any, error) { return p.public, nil })
		now := p.clock()
		if err != nil || claims.Issuer != "42" || claims.IssuedAt.After(now) || !claims.ExpiresAt.After(now) ||
			claims.ExpiresAt.Sub(claims.IssuedAt.Time) > 10*time.Minute {
			return answer{status: 401, body: `{"message":"A JSON web token could not be decoded"}`}
		}
		return p.asApp(r)
	}
	if ends, ok := p.valid[bearer]; !ok || !p.clock().Before(ends) {
		return answer{status: 401, body: `{"message":"Bad credentials"}`}
	}
	return answer{status: 200, body: `{"id":1}`}
}

func (p *platform) asApp(r *http.Request) answer {
	acme := `{"id":7,"account":{"login":"Acme"},"target_type":"Organization","permissions":{"contents":"read","members":"read"}}`
	jane := `{"id":8,"account":{"login":"jane"},"target_type":"User","suspended_at":"2026-01-02T03:04:05Z"}`
	switch path := r.URL.Path; {
	case p.gone && path != "/app/installations":
	case path == "/orgs/acme/installation", path == "/app/installations/7":
		return answer{status: 200, body: acme}
	case path == "/users/jane/installation":
		return answer{status: 200, body: jane}
	case path == "/app/installations" && r.URL.Query().Get("page") != "2":
		return answer{200, map[string]string{"Link": `<https://api.github.com/app/installations?page=2>; rel="next"`}, `[` + jane + `]`, nil}
	case path == "/app/installations":
		return answer{status: 200, body: `[` + acme + `]`}
	case p.suspended && strings.HasSuffix(path, "/access_tokens"):
		return answer{status: 403, body: `{"message":"This installation has been suspended"}`}
	case strings.HasSuffix(path, "/access_tokens") && r.Method == http.MethodPost:
		p.made++
		token := fmt.Sprintf("ghs_secret%d", p.made)
		ends := p.clock().Add(time.Hour)
		if !p.early {
			p.valid[token] = ends
		}
		return answer{status: 201, body: fmt.Sprintf(`{"token":%q,"expires_at":%q}`, token, ends.UTC().Format(time.RFC3339))}
	}
	return answer{status: 404, body: `{"message":"Not Found"}`}
}

func dialApp(t *testing.T, installation int64, skew time.Duration) (*connect.Connection, *platform, *fake) {
	t.Helper()
	private, encoded := key(t)
	p := &platform{public: &private.PublicKey, valid: map[string]time.Time{}, clock: time.Now}
	f := &fake{reply: p.reply}
	c := dial(t, f, func(config *connect.Config) {
		config.Token = ""
		config.App = &connect.App{ID: 42, InstallationID: installation, PrivateKey: encoded}
		config.Now = func() time.Time { return time.Now().Add(skew) }
	})
	return c, p, f
}

func TestAppRenewsItsTokens(t *testing.T) {
	for name, id := range map[string]int64{"found by its owner": 0, "configured": 7} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, f := dialApp(t, id, 0)
				// More than may be asked at once wait for one token.
				if good, _, _ := many(t, c, 50); good != 50 || p.made != 1 {
					t.Errorf("%d answers with %d tokens", good, p.made)
				}
				for range 12 {
					<-time.After(10 * time.Minute)
					if err := get(t, c); err != nil {
						t.Fatal(err)
					}
				}
				if p.made < 3 || p.made > 4 {
					t.Errorf("%d tokens in two hours", p.made)
				}
				refused := 0
				for _, r := range f.requests {
					if r.Header.Get("Authorization") == "" {
						refused++
					}
				}
				if refused > 0 {
					t.Errorf("%d requests without credentials", refused)
				}
				// GitHub may take a token back before its time: in the middle of many requests one is made anew.
				p.valid = map[string]time.Time{}
				made := p.made
				if good, _, _ := many(t, c, 50); good != 50 || p.made != made+1 {
					t.Errorf("after a token was revoked: %d answers with %d new tokens", good, p.made-made)
				}
			})
		})
	}
}

func TestAppIsNotLetIn(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*platform)
		skew   time.Duration
		says   string
	}{
		"suspended":      {func(p *platform) { p.suspended = true }, 0, "This installation has been suspended"},
		"not installed":  {func(p *platform) { p.gone = true }, 0, "the GitHub App is not installed at acme"},
		"another key":    {func(p *platform) { other, _ := rsa.GenerateKey(rand.Reader, 2048); p.public = &other.PublicKey }, 0, "check its id, its private key"},
		"clock is wrong": {func(*platform) {}, 20 * time.Minute, "the clock of this machine"},
		"never accepted": {func(p *platform) { p.early = true }, 0, "Bad credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, f := dialApp(t, 0, test.skew)
				test.change(p)
				err := get(t, c)
				if authError(err) == nil || !strings.Contains(err.Error(), test.says) {
					t.Fatalf("got %v, want %q", err, test.says)
				}
				if f.sent() > 5 {
					t.Errorf("%d requests", f.sent())
				}
			})
		})
	}
}

// TestAppClock sees that a clock that is a little off is borne.
func TestAppClock(t *testing.T) {
	for _, skew := range []time.Duration{-5 * time.Minute, -30 * time.Second, 30 * time.Second, 55 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, _, _ := dialApp(t, 0, skew)
			if err := get(t, c); err != nil {
				t.Errorf("clock %s off: %v", skew, err)
			}
		})
	}
}

// TestAppInstalledAnew sees that what was uninstalled and installed again is found.
func TestAppInstalledAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := dialApp(t, 0, 0)
		if err := get(t, c); err != nil {
			t.Fatal(err)
		}
		p.gone, p.valid = true, map[string]time.Time{}
		for range 2 {
			if err := get(t, c); authError(err) == nil {
				t.Fatalf("uninstalled: %v", err)
			}
		}
		p.gone = false
		if err := get(t, c); err != nil {
			t.Fatal(err)
		}
	})
}

func TestInstallations(t *testing.T) {
	acme := connect.Installation{
		ID: 7, Account: "Acme", Organization: true, Permissions: map[string]string{"contents": "read", "members": "read"},
	}
	jane := connect.Installation{ID: 8, Account: "jane", Suspended: true, Permissions: map[string]string{}}
	for id, want := range map[int64][]connect.Installation{0: {acme, jane}, 7: {acme}} {
		c, _, _ := dialApp(t, id, 0)
		got, err := c.Installations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := dial(t, &fake{}).Installations(t.Context()); err == nil {
		t.Error("a token has installations")
	}
	c, _, _ := dialApp(t, 9, 0)
	if _, err := c.Installations(t.Context()); authError(err) == nil || !strings.Contains(err.Error(), "no installation 9") {
		t.Errorf("an installation that there is not: %v", err)
	}
}

// TestBudgetsOfInstallations sees that each installation has budgets of its own.
func TestBudgetsOfInstallations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, f := dialApp(t, 0, 0)
		f.reply = func(r *http.Request) answer {
			a := p.reply(r)
			if r.URL.Path == "/repos/acme/shop" {
				a.header = limits("core", 5000, 0, time.Hour)
			}
			return a
		}
		if err := get(t, c); err != nil {
			t.Fatal(err)
		}
		if got := c.Budgets(); len(got) != 1 || got[0].Name != "core" {
			t.Errorf("one installation: %+v", got)
		}
		if err := get(t, c); budgetError(err) == nil {
			t.Errorf("acme without budget: %v", err)
		}
		client, err := c.REST(t.Context(), "jane")
		if err != nil {
			t.Fatal(err)
		}
		f.reply = func(r *http.Request) answer {
			a := p.reply(r)
			a.header = limits("core", 100, 99, time.Hour)
			return a
		}
		if _, _, err := client.Repositories.Get(t.Context(), "jane", "notes"); err != nil {
			t.Errorf("jane: %v", err)
		}
		if got := c.Budgets(); len(got) != 2 || got[0].Name != "core (Acme)" || got[1].Name != "core (jane)" {
			t.Errorf("two installations: %+v", got)
		}
	})
}
