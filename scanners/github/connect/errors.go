package connect

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// ErrNoGraphQL says that this GitHub does not answer GraphQL, or not to us.
var ErrNoGraphQL = errors.New("GraphQL is not available")

// BudgetError says that no more may be asked for now: a limit is used up as far as it may be, or GitHub asked for a pause
// that is too long to wait for.
type BudgetError struct {
	Resource string    // core, graphql, search; secondary = GitHub's limits of how fast it is asked
	Reset    time.Time // when asking makes sense again
}

// Error implements error.
func (e *BudgetError) Error() string {
	if e.Resource == secondary {
		return fmt.Sprintf("GitHub wants to be asked less often: not before %s", e.Reset.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("the rate limit of GitHub (%s) is used up as far as it may be, until %s",
		e.Resource, e.Reset.UTC().Format(time.RFC3339))
}

// AuthError says that GitHub does not let us in: somebody has to mend that, asking again does not help.
type AuthError struct {
	Status int    // of the answer
	Reason string // what is wrong and what to do, without any credential
}

// Error implements error.
func (e *AuthError) Error() string { return e.Reason }

// QueryErrors are what a GraphQL answer says went wrong; at least one.
type QueryErrors struct{ Errors []QueryError }

// QueryError is one of them.
type QueryError struct {
	Type    string   // NOT_FOUND, FORBIDDEN, …; "" = not said
	Message string   // in one line, of a bounded length
	Path    []string // to the field without an answer; indexes in decimal; none = the whole query
	SAML    bool     // the organisation wants the token to be authorised for its single sign-on
}

// Error implements error.
func (e *QueryErrors) Error() string {
	const shown = 3
	var texts []string
	for _, one := range e.Errors[:min(len(e.Errors), shown)] {
		texts = append(texts, one.Message)
	}
	text := strings.Join(texts, "; ")
	if more := len(e.Errors) - shown; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// AskForLess tells whether a question failed because it was too large to be answered in time (502, 504, a timeout,
// RESOURCE_LIMITS_EXCEEDED): the half of it may be answered. It was sent a second time already where that may help.
func AskForLess(err error) bool {
	var query *QueryErrors
	if errors.As(err, &query) {
		for _, one := range query.Errors {
			switch one.Type {
			case "RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT":
				return true
			}
			// Without a type GitHub says by its message alone that it ran out of time.
			if one.Type == "" && (strings.HasPrefix(one.Message, "Something went wrong while executing your query") ||
				strings.Contains(one.Message, "respond to your request in time")) {
				return true
			}
		}
		return false
	}
	var answered *github.ErrorResponse
	if errors.As(err, &answered) && answered.Response != nil {
		return answered.Response.StatusCode == http.StatusBadGateway || answered.Response.StatusCode == http.StatusGatewayTimeout
	}
	var large *TooLargeError
	return errors.As(err, &large) || errors.Is(err, errAttempt)
}

// Missing says which permission GitHub wants where it refused (403, or 404 where it hides what it has), such as
// "members=read", or a scope of a classic token, such as "read:org"; "" = it does not say, or the error is another.
func Missing(err error) string {
	var answered *github.ErrorResponse
	if !errors.As(err, &answered) || answered.Response == nil ||
		answered.Response.StatusCode != http.StatusForbidden && answered.Response.StatusCode != http.StatusNotFound {
		return ""
	}
	header := answered.Response.Header
	if wanted := header.Get("X-Accepted-GitHub-Permissions"); wanted != "" {
		return message{Message: wanted}.short()
	}
	has := strings.Split(header.Get("X-OAuth-Scopes"), ",")
	for i := range has {
		has[i] = strings.TrimSpace(has[i])
	}
	var wanted []string
	for scope := range strings.SplitSeq(header.Get("X-Accepted-OAuth-Scopes"), ",") {
		scope = strings.TrimSpace(scope)
		if scope == "" {
			continue
		}
		for _, one := range has {
			if one == scope {
				return "" // one of those that are wanted is enough
			}
		}
		wanted = append(wanted, scope)
	}
	return message{Message: strings.Join(wanted, " or ")}.orNothing()
}

func (m message) orNothing() string {
	if m.Message == "" {
		return ""
	}
	return m.short()
}

// certificate tells whether the other side could not show who it is: that does not pass by itself.
func certificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &host)
}
