package connect

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// credential is what lets somebody in. A bearer token, for now or for ever.
type credential interface {
	// token is the one that is good now.
	token(ctx context.Context) (string, error)
	// refused says that a token was not accepted, and tells whether another may be.
	refused(token string) bool
	// name says in a sentence what it is.
	name() string
}

// fixed is a token that somebody configured.
type fixed string

func (f fixed) token(context.Context) (string, error) { return string(f), nil }

func (fixed) refused(string) bool { return false }

func (fixed) name() string { return "the token" }

// signed adds the credential, for GitHub's own host and no other, and a new one where the old was not accepted.
type signed struct {
	credential credential
	api        *url.URL
	next       http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t signed) RoundTrip(request *http.Request) (*http.Response, error) {
	if !sameHost(request.URL, t.api) {
		return nil, fmt.Errorf("not sent: %s is not the host of the API", request.URL.Host)
	}
	for try := 1; ; try++ {
		token, err := t.credential.token(request.Context())
		if err != nil {
			return nil, err
		}
		again, err := rewound(request)
		if err != nil {
			return nil, err
		}
		again.Header.Set("Authorization", "Bearer "+token)
		answer, err := t.next.RoundTrip(again)
		if err != nil {
			return nil, err
		}
		answer.Request = request // the one without the credential
		if answer.StatusCode != http.StatusUnauthorized || !t.credential.refused(token) || try > 1 {
			if err := admitted(answer, t.credential.name(), "it may have expired or been revoked; configure a valid one"); err != nil {
				return nil, err
			}
			return answer, nil
		}
	}
}

func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Host, b.Host) && a.Scheme == b.Scheme
}

// admitted gives an *AuthError where GitHub let nobody in, which says who was not, and how a credential is mended. What is
// merely not permitted is an answer like any other.
func admitted(answer *http.Response, who, mend string) error {
	if answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
		return nil
	}
	said, err := messageOf(answer)
	if err != nil {
		return err
	}
	lower := strings.ToLower(said.Message)
	reason := ""
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		reason = fmt.Sprintf("GitHub does not accept %s (%s): %s", who, said.short(), mend)
	case strings.Contains(lower, "suspended"):
		reason = fmt.Sprintf("GitHub does not let %s in (%s): somebody who owns the account has to lift that", who, said.short())
	case strings.HasPrefix(answer.Header.Get("X-GitHub-SSO"), "required"):
		reason = fmt.Sprintf("the organisation wants %s to be authorised for its single sign-on: do so in the settings of the token", who)
	case strings.Contains(lower, "ip allow list"):
		reason = fmt.Sprintf("the organisation does not let this address in (%s): add it to its list of allowed addresses", said.short())
	default:
		return nil
	}
	return &AuthError{Status: answer.StatusCode, Reason: reason}
}

// short is the message in one line of a bounded length.
func (m message) short() string {
	line := strings.Join(strings.Fields(m.Message), " ")
	if runes := []rune(line); len(runes) > 200 {
		line = string(runes[:200]) + "…"
	}
	if line == "" {
		return "it does not say why"
	}
	return line
}
