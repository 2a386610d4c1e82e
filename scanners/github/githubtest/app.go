package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// App is a GitHub App.
type App struct {
	hub           *GitHub
	id            int64
	slug          string
	key           *rsa.PrivateKey
	installations map[int64]*Installation
}

// Installation is an app in an account.
type Installation struct {
	app         *App
	id          int64
	account     *Account
	permissions map[string]string
	selected    map[int64]bool // nil = all repositories
	suspended   bool
	suspendedAt time.Time
	gone        bool
	created     time.Time
}

// AddApp makes an app with a key of its own.
func (g *GitHub) AddApp(slug string) (*App, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	app := &App{hub: g, id: g.id(), slug: slug, key: key, installations: map[int64]*Installation{}}
	g.apps[app.id] = app
	return app, nil
}

// ID is the number that its JWTs name as issuer.
func (a *App) ID() int64 { return a.id }

// PrivateKey is the key of the app as GitHub hands it out, in PEM.
func (a *App) PrivateKey() []byte {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.key)})
}

// ReplaceKey makes a new key; JWTs that the old one signs are refused.
func (a *App) ReplaceKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	if err == nil {
		a.key = key
	}
	return err
}

// Install installs the app in an account, for all repositories or for those that are named. It may read and write what
// Orrery needs; see [Installation.Permit].
func (a *App) Install(account *Account, selected ...*Repository) *Installation {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	i := &Installation{app: a, id: a.hub.id(), account: account, created: a.hub.now(), permissions: a.asked()}
	if len(selected) > 0 {
		i.selected = map[int64]bool{}
		for _, r := range selected {
			i.selected[r.id] = true
		}
	}
	a.installations[i.id] = i
	a.hub.emitInstallation(i, "installation", object{"action": "created", "repositories": a.hub.inPassing(i)})
	return i
}

// asked are the permissions that the app asks for.
func (a *App) asked() map[string]string {
	return map[string]string{
		"metadata": "read", "contents": "write", "members": "read", "checks": "write", "statuses": "write", "pull_requests": "write",
	}
}

// ID is its number.
func (i *Installation) ID() int64 { return i.id }

// Permit sets a permission ("members", "contents" …) to "read", "write" or "" (none).
func (i *Installation) Permit(name, access string) {
	i.app.hub.mu.Lock()
	defer i.app.hub.mu.Unlock()
	if i.permissions[name] = access; access == "" {
		delete(i.permissions, name)
	}
	i.app.hub.emitInstallation(i, "installation", object{"action": "new_permissions_accepted"})
}

// Suspend suspends it, or lets it work again.
func (i *Installation) Suspend(suspended bool) {
	i.app.hub.mu.Lock()
	defer i.app.hub.mu.Unlock()
	i.suspended, i.suspendedAt = suspended, i.app.hub.now()
	action := "unsuspend"
	if suspended {
		action = "suspend"
	}
	i.app.hub.emitInstallation(i, "installation", object{"action": action})
}

// Uninstall takes the app out of the account.
func (i *Installation) Uninstall() {
	i.app.hub.mu.Lock()
	defer i.app.hub.mu.Unlock()
	i.gone = true
	delete(i.app.installations, i.id)
	i.app.hub.emitInstallation(i, "installation", object{"action": "deleted"})
}

// Select lets it see these repositories only, or all with none.
func (i *Installation) Select(repositories ...*Repository) {
	hub := i.app.hub
	hub.mu.Lock()
	defer hub.mu.Unlock()
	added, removed := []object{}, []object{}
	selected := map[int64]bool{}
	for _, r := range repositories {
		selected[r.id] = true
		if !i.covers(r) {
			added = append(added, hub.mention(r))
		}
	}
	for _, r := range hub.owned(i.account) {
		if len(repositories) > 0 && i.covers(r) && !selected[r.id] {
			removed = append(removed, hub.mention(r))
		} else if len(repositories) == 0 && !i.covers(r) {
			added = append(added, hub.mention(r))
		}
	}
	selection, action := "selected", "added"
	if i.selected = selected; len(repositories) == 0 {
		i.selected, selection = nil, "all"
	}
	if len(removed) > 0 {
		action = "removed"
	}
	hub.emitInstallation(i, "installation_repositories", object{
		"action": action, "repository_selection": selection, "repositories_added": added, "repositories_removed": removed, "requester": nil,
	})
}

func (i *Installation) covers(r *Repository) bool {
	return r.owner == i.account && (i.selected == nil || i.selected[r.id])
}

// longestJWT is how far ahead GitHub lets a JWT expire, and skew how far clocks may be apart.
const (
	longestJWT = 10 * time.Minute
	skew       = time.Minute
)

// identifyApp checks the JWT of an app.
func (g *GitHub) identifyApp(token string) (*principal, *reply) {
	var app *App
	var claims struct {
		jwt.RegisteredClaims
		Issuer any `json:"iss"` // a number or a string
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	_, err := parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) {
		for _, candidate := range g.apps {
			if fmt.Sprint(claims.Issuer) == number(candidate.id) {
				app = candidate
				return &app.key.PublicKey, nil
			}
		}
		return nil, fmt.Errorf("no app %v", claims.Issuer)
	})
	switch now := g.now(); {
	case app == nil:
		return nil, refuse(http.StatusNotFound, "Integration not found")
	case err != nil:
		return nil, refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	case claims.ExpiresAt == nil || claims.ExpiresAt.After(now.Add(longestJWT+skew)):
		return nil, refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future")
	case !claims.ExpiresAt.After(now):
		return nil, refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case claims.IssuedAt != nil && claims.IssuedAt.After(now.Add(skew)):
		return nil, refuse(http.StatusUnauthorized, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return &principal{app: app}, nil
}

// Token makes a token of the installation, as an app would by POST /app/installations/{id}/access_tokens.
func (i *Installation) Token() string {
	i.app.hub.mu.Lock()
	defer i.app.hub.mu.Unlock()
	return i.newToken(nil).token
}

func (i *Installation) newToken(only map[int64]bool) *principal {
	hub := i.app.hub
	p := &principal{
		token: fmt.Sprintf("ghs_%036d", hub.id()), installation: i, only: maps.Clone(only), expires: hub.now().Add(hub.Limits.TokenLives),
	}
	hub.tokens[p.token] = p
	return p
}
