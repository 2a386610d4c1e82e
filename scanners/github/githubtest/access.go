package githubtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// principal is who asks: nobody, a user by a token, an app by a JWT, or an installation by its token.
type principal struct {
	token        string
	user         *Account
	app          *App
	installation *Installation
	expires      time.Time       // zero: never
	only         map[int64]bool  // of an installation's token that was made for some repositories
	authorized   map[string]bool // organisations, in lower case, whose single sign-on the token passes
	revoked      bool
}

// Token makes a personal access token of the user, who is made where there is none. It passes the single sign-on of the
// organisations.
func (g *GitHub) Token(login string, authorized ...string) string {
	u := g.AddUser(login, Profile{})
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &principal{token: fmt.Sprintf("ghp_%036d", g.id()), user: u, authorized: map[string]bool{}}
	for _, organization := range authorized {
		p.authorized[lower(organization)] = true
	}
	g.tokens[p.token] = p
	return p.token
}

// Revoke makes a token of any kind invalid.
func (g *GitHub) Revoke(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.tokens[token]; p != nil {
		p.revoked = true
	}
}

// RevokeInstallationTokens makes those that were given out so far invalid, as if they had expired.
func (g *GitHub) RevokeInstallationTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.tokens {
		p.revoked = p.revoked || p.installation != nil
	}
}

// name is whose budget it is.
func (p *principal) name() string {
	switch {
	case p.installation != nil:
		return fmt.Sprintf("installation ID %d", p.installation.id)
	case p.app != nil:
		return fmt.Sprintf("app ID %d", p.app.id)
	case p.user != nil:
		return fmt.Sprintf("user ID %d", p.user.id)
	}
	return "127.0.0.1"
}

// identify finds who asks; a reply refuses them.
func (g *GitHub) identify(r *http.Request) (*principal, *reply) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return &principal{}, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	bad := refuse(http.StatusUnauthorized, "Bad credentials")
	if strings.EqualFold(scheme, "basic") {
		_, password, _ := r.BasicAuth()
		token = password
	} else if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return nil, bad
	}
	if strings.Count(token, ".") == 2 {
		return g.identifyApp(token)
	}
	p := g.tokens[token]
	if p == nil || p.revoked || !p.expires.IsZero() && !g.now().Before(p.expires) {
		return nil, bad
	}
	if i := p.installation; i != nil && (i.gone || i.suspended) {
		if i.suspended {
			return nil, refuse(http.StatusForbidden, "This installation has been suspended")
		}
		return nil, bad
	}
	return p, nil
}

// sees says whether the repository is there for them.
func (g *GitHub) sees(p *principal, r *Repository) bool {
	switch {
	case r.settings.Visibility == "public", g.open && p.name() == "127.0.0.1":
		return true
	case p.installation != nil:
		return p.installation.covers(r) && (p.only == nil || p.only[r.id])
	case p.user == nil:
		return false
	case r.owner == p.user || r.collaborators[p.user.id] != "":
		return true
	}
	_, member := r.owner.members[p.user.id]
	return member // GitHub's default: members may read what the organisation has
}

// writes says whether they may change it.
func (g *GitHub) writes(p *principal, r *Repository) bool {
	switch {
	case g.open && p.name() == "127.0.0.1":
		return true
	case p.installation != nil:
		return p.installation.covers(r) && (p.only == nil || p.only[r.id])
	case p.user == nil:
		return false
	}
	role := r.collaborators[p.user.id]
	return r.owner == p.user || r.owner.members[p.user.id] == "admin" || role == "push" || role == "admin"
}

// inside says whether they see what only members of the organisation see.
func (g *GitHub) inside(p *principal, organization *Account) bool {
	switch {
	case g.open && p.name() == "127.0.0.1":
		return true
	case p.installation != nil:
		return p.installation.account == organization
	case p.user == nil:
		return false
	}
	_, member := organization.members[p.user.id]
	return member
}

// signedOn refuses a user's token that did not pass the organisation's single sign-on.
func (g *GitHub) signedOn(p *principal, organization *Account) *reply {
	if p.user == nil || !organization.sso || p.authorized[lower(organization.login)] {
		return nil
	}
	no := refuse(http.StatusForbidden, "Resource protected by organization SAML enforcement. "+
		"You must grant your Personal Access token access to this organization.")
	no.header.Set("X-GitHub-SSO", fmt.Sprintf("required; url=https://%s/orgs/%s/sso?authorization_request=A%d",
		g.host, organization.login, organization.id))
	return no
}
