package connect

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoGraphQL says that this GitHub does not answer GraphQL, or not to us.
var ErrNoGraphQL = errors.New("GraphQL is not available")

// BudgetError says that no more may be asked for now: a limit is used up as far as it may be, or GitHub asked for a pause
// that is too long to wait for.
type BudgetError struct {
	Resource string    // core, graphql, …; "secondary" = GitHub's limits of how fast it is asked
	Reset    time.Time // when asking makes sense again
}

// Error implements error.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("the rate limit of GitHub (%s) is used up until %s", e.Resource, e.Reset.UTC().Format(time.RFC3339))
}

// AuthError says that GitHub does not let us in: somebody has to mend that, asking again does not help.
type AuthError struct {
	Status int    // of the answer; 0 = there was none
	Reason string // what is wrong and what to do, without any credential
}

// Error implements error.
func (e *AuthError) Error() string { return e.Reason }

// QueryErrors are what a GraphQL answer says went wrong.
type QueryErrors struct{ Errors []QueryError }

// QueryError is one of them.
type QueryError struct {
	Type    string   // NOT_FOUND, FORBIDDEN, …; "" = not said
	Message string   //
	Path    []string // to the field without an answer; indexes in decimal; none = the whole query
	SAML    bool     // the organisation wants the token to be authorised for its single sign-on
}

// Error implements error.
func (e *QueryErrors) Error() string {
	var b strings.Builder
	for i, one := range e.Errors {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(e.Errors)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one.Message)
	}
	return b.String()
}

// AskForLess tells whether a question failed because it was too large to be answered in time (502, 504, a timeout,
// RESOURCE_LIMITS_EXCEEDED): the half of it may be answered.
func AskForLess(err error) bool { return false }

// Missing says which permission GitHub wants where it refused (403, or 404 where it hides what it has), such as "members:
// read"; "" = it does not say, or the error is another.
func Missing(err error) string { return "" }
