package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v60/github"
)

const (
	backdated    = time.Minute     // GitHub's clock may be behind ours
	proofLasts   = 9 * time.Minute // from then; GitHub takes at most 10
	renewedAhead = 2 * time.Minute // of the end of a token, so that no request is on its way when it ends
)

// signer signs what proves that we are the App, by the clock of the connection.
type signer struct {
	rsa ghinstallation.Signer
	now func() time.Time
}

// Sign implements [ghinstallation.Signer].
func (s signer) Sign(claims jwt.Claims) (string, error) {
	registered, ok := claims.(*jwt.RegisteredClaims)
	if !ok {
		return "", fmt.Errorf("claims of the type %T", claims)
	}
	issued := s.now().Add(-backdated).Truncate(time.Second)
	registered.IssuedAt, registered.ExpiresAt = jwt.NewNumericDate(issued), jwt.NewNumericDate(issued.Add(proofLasts))
	return s.rsa.Sign(registered)
}

// proven signs requests as the App itself.
type proven struct{ app *ghinstallation.AppsTransport }

// newProven puts it before a transport. It fails where the key is none.
func newProven(app *App, now func() time.Time, next http.RoundTripper) (proven, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(app.PrivateKey)
	if err != nil {
		return proven{}, errors.New("the private key of the GitHub App is no RSA key in PEM: " +
			"use the file that GitHub gave when the key was made")
	}
	sign := signer{rsa: ghinstallation.NewRSASigner(jwt.SigningMethodRS256, key), now: now}
	transport, err := ghinstallation.NewAppsTransportWithOptions(next, app.ID, ghinstallation.WithSigner(sign))
	return proven{transport}, err
}

// RoundTrip implements [http.RoundTripper].
func (t proven) RoundTrip(request *http.Request) (*http.Response, error) {
	again, err := rewound(request)
	if err != nil {
		return nil, err
	}
	answer, err := t.app.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	answer.Request = request
	if err := admitted(answer, "the GitHub App", "check its id, its private key and the clock of this machine"); err != nil {
		return nil, err
	}
	return answer, nil
}

// installation is the credential of an App at one owner: tokens that last an hour, and are renewed.
type installation struct {
	id    int64
	owner string // for people
	app   *github.Client
	now   func() time.Time
	gone  func()        // called when GitHub no longer knows it
	turn  chan struct{} // of one: who renews

	mu   sync.Mutex
	last string // "" = none
	ends time.Time
}

func (i *installation) name() string { return "the installation of the GitHub App at " + i.owner }

func (i *installation) valid() (string, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.last, i.last != "" && i.now().Before(i.ends.Add(-renewedAhead))
}

func (i *installation) token(ctx context.Context) (string, error) {
	if token, ok := i.valid(); ok {
		return token, nil
	}
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if token, ok := i.valid(); ok {
		return token, nil // somebody else has renewed it
	}
	fresh, answer, err := i.app.Apps.CreateInstallationToken(repeatable(ctx, fewTries), i.id, nil)
	if err != nil {
		if answer != nil && answer.StatusCode == http.StatusNotFound {
			i.gone()
			return "", notInstalled(i.owner)
		}
		return "", fmt.Errorf("a token for %s: %w", i.name(), err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last, i.ends = fresh.GetToken(), fresh.GetExpiresAt().Time
	return i.last, nil
}

func (i *installation) refused(token string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last == token {
		i.last = ""
	}
	return true
}

func notInstalled(owner string) *AuthError {
	return &AuthError{Status: http.StatusNotFound, Reason: fmt.Sprintf("the GitHub App is not installed at %s: install it there, or correct the name or app.id", owner)}
}

// installedAt finds the installation of an owner. GitHub asks to know whether that is an organisation or a user.
func (c *Connection) installedAt(ctx context.Context, owner string) (*github.Installation, error) {
	if id := c.config.App.InstallationID; id != 0 {
		found, answer, err := c.app.Apps.GetInstallation(ctx, id)
		if err != nil && answer != nil && answer.StatusCode == http.StatusNotFound {
			return nil, &AuthError{
				Status: http.StatusNotFound,
				Reason: fmt.Sprintf("the GitHub App has no installation %d: correct its number, or leave it out", id),
			}
		}
		return found, err
	}
	found, answer, err := c.app.Apps.FindOrganizationInstallation(ctx, owner)
	if answer != nil && answer.StatusCode == http.StatusNotFound {
		found, answer, err = c.app.Apps.FindUserInstallation(ctx, owner)
	}
	if answer != nil && answer.StatusCode == http.StatusNotFound {
		return nil, notInstalled(owner)
	}
	return found, err
}

// Installation is a place where an App was installed.
type Installation struct {
	ID           int64
	Account      string // the organisation or user, as GitHub spells it
	Organization bool
	Suspended    bool
	// Permissions that were given, such as contents: read.
	Permissions map[string]string
}

// Installations lists where the App is installed, by account; with a configured installation only that one. A token has
// none: that is an error.
func (c *Connection) Installations(ctx context.Context) ([]Installation, error) {
	if c.app == nil {
		return nil, errors.New("a token has no installations: name the organisations")
	}
	if c.config.App.InstallationID != 0 {
		found, err := c.installedAt(ctx, "")
		if err != nil {
			return nil, fmt.Errorf("the installation of the GitHub App: %w", err)
		}
		return []Installation{installationOf(found)}, nil
	}
	all := []Installation{}
	for page := (&github.ListOptions{PerPage: 100}); ; {
		found, answer, err := c.app.Apps.ListInstallations(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("installations of the GitHub App: %w", err)
		}
		for _, one := range found {
			all = append(all, installationOf(one))
		}
		if answer.NextPage <= page.Page {
			break
		}
		page.Page = answer.NextPage
	}
	slices.SortFunc(all, func(a, b Installation) int {
		return strings.Compare(strings.ToLower(a.Account), strings.ToLower(b.Account))
	})
	return all, nil
}

func installationOf(found *github.Installation) Installation {
	one := Installation{
		ID: found.GetID(), Account: found.GetAccount().GetLogin(), Organization: found.GetTargetType() == "Organization",
		Suspended: found.SuspendedAt != nil, Permissions: map[string]string{},
	}
	given := found.GetPermissions()
	for name, level := range map[string]string{
		"contents": given.GetContents(), "metadata": given.GetMetadata(), "members": given.GetMembers(),
		"checks": given.GetChecks(), "pull_requests": given.GetPullRequests(),
	} {
		if level != "" {
			one.Permissions[name] = level
		}
	}
	return one
}
