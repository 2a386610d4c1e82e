package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/db"

	"github.com/orrery-catalog/orrery/graph"
)

// ErrCredentials says that the server does not take the user name and password. While it lasts, the server is asked
// again only every half minute, because it locks accounts that fail too often.
var ErrCredentials = errors.New("the Neo4j server refuses the user name or password")

// ErrOldServer says that the server is older than Neo4j 5. Nothing in it was changed.
var ErrOldServer = errors.New("the Neo4j server is too old")

// ErrNewerScheme says that a newer Orrery wrote the database. Nothing in it was changed.
var ErrNewerScheme = errors.New("the store was written by a newer Orrery")

// ErrForeignData says that nodes of somebody else have labels that a new store would use. Nothing in the database was changed.
var ErrForeignData = errors.New("the labels of the store are used by other data")

// errAgain says that a commit of another process is under way: it is whole, or its lock is free, in a moment.
var errAgain = errors.New("a commit is under way")

// errSlow is why a call was broken off that its caller still wants.
var errSlow = errors.New("it did not answer in time")

// Codes of the server (https://neo4j.com/docs/status-codes/5/errors/all-errors/) that mean something to this package.
const (
	codeUnauthorized     = "Neo.ClientError.Security.Unauthorized"
	codeRateLimit        = "Neo.ClientError.Security.AuthenticationRateLimit"
	codeExpired          = "Neo.ClientError.Security.CredentialsExpired"
	codeForbidden        = "Neo.ClientError.Security.Forbidden"
	codeNoDatabase       = "Neo.ClientError.Database.DatabaseNotFound"
	codeNoEntity         = "Neo.ClientError.Statement.EntityNotFound"
	codeTerminated       = "Neo.ClientError.Transaction.Terminated"
	codeLockStopped      = "Neo.ClientError.Transaction.LockClientStopped"
	codeNoTransaction    = "Neo.ClientError.Transaction.TransactionNotFound"
	codeTimedOut         = "Neo.ClientError.Transaction.TransactionTimedOut"
	codeBookmarkInvalid  = "Neo.ClientError.Transaction.InvalidBookmark"
	codeBookmarkMixture  = "Neo.ClientError.Transaction.InvalidBookmarkMixture"
	codeBookmarkTimeout  = "Neo.TransientError.Transaction.BookmarkTimeout"
	codeRuleExists       = "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists"
	codeConstraintExists = "Neo.ClientError.Schema.ConstraintAlreadyExists"
	codeProcedureFailed  = "Neo.ClientError.Procedure.ProcedureCallFailed"
	codeIndexExists      = "Neo.ClientError.Schema.IndexAlreadyExists"
)

// driverError is an error that came from the driver: of the server, of the connection, or of a context.
type driverError struct{ error }

// Unwrap gives the error as the driver gave it.
func (e driverError) Unwrap() error { return e.error }

// fromDriver marks an error of the driver; nil stays nil.
func fromDriver(err error) error {
	if err == nil {
		return nil
	}
	return driverError{err}
}

// code is that of the server's error; "" where the error is none.
func code(err error) string {
	var failure *db.Neo4jError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// refused says whether the server does not take the name and password.
func refused(err error) bool {
	switch code(err) {
	case codeUnauthorized, codeRateLimit, codeExpired:
		return true
	}
	return false
}

// disconnected says whether the connection, and no answer of the server, is what failed.
func disconnected(err error) bool {
	var (
		driver    driverError
		usage     *neo4j.UsageError
		feature   *db.FeatureNotSupportedError
		protocol  *db.ProtocolError
		unsuited  *db.UnsupportedTypeError
		noSuccess = errors.As(err, &usage) || errors.As(err, &feature) || errors.As(err, &protocol) || errors.As(err, &unsuited)
	)
	return errors.As(err, &driver) && code(err) == "" && !noSuccess
}

// repeatable says whether the same transaction may well succeed if it is run again in a moment.
func repeatable(err error) bool {
	var failure *db.Neo4jError
	switch {
	case errors.Is(err, errAgain), disconnected(err), strangeBookmark(err):
		return true
	case !errors.As(err, &failure):
		return false
	}
	switch failure.Code {
	case codeNoEntity, codeTerminated, codeLockStopped, codeNoTransaction:
		return true
	}
	return failure.IsRetriable()
}

// timedOut says whether the server has ended the transaction because it took too long.
func timedOut(err error) bool {
	return strings.HasPrefix(code(err), codeTimedOut) // also TransactionTimedOutClientConfiguration
}

// strangeBookmark says whether the database has never heard of what this process saw in it: another one stands in its
// place, or an older copy.
func strangeBookmark(err error) bool {
	switch code(err) {
	case codeBookmarkInvalid, codeBookmarkMixture, codeBookmarkTimeout:
		return true
	}
	return false
}

// passes says whether an error of this package may be gone later, without anybody changing the configuration.
func passes(err error) bool {
	return errors.Is(err, graph.ErrUnavailable) && !errors.Is(err, ErrCredentials)
}

// explain turns an error of the driver into one of the contract that says what to do. ctx is that of the caller. Errors
// that are not of the driver come back as they are.
func (s *Store) explain(ctx context.Context, err error) error {
	switch driver := new(driverError); {
	case err == nil, errors.Is(err, graph.ErrUnavailable):
		return err
	case s.life.Err() != nil:
		return graph.ErrClosed // whatever closing under the call's feet gave
	case ctx.Err() != nil && (errors.As(err, driver) || errors.Is(err, errAgain)):
		return context.Cause(ctx)
	}
	say := func(what string) error { return fmt.Errorf("%w: %s: %w", graph.ErrUnavailable, what, err) }
	switch c := code(err); {
	case errors.Is(err, errAgain):
		return say("another process is writing into " + place(s.config) + " and does not end")
	case c == codeRateLimit: // maybe with the right password, where others tried wrong ones
		return fmt.Errorf("%w: %w (user %q at %s): it takes no login of this user for some seconds, after too many wrong ones: check username and password, and try again: %w",
			graph.ErrUnavailable, ErrCredentials, s.config.Username, s.config.URI, err)
	case refused(err):
		return fmt.Errorf("%w: %w (user %q at %s): check username and password: %w", graph.ErrUnavailable, ErrCredentials,
			s.config.Username, s.config.URI, err)
	case c == codeNoDatabase:
		return say("the database " + s.config.Database + " is not there, or is stopped, at " + s.config.URI + ": check its name and its state")
	case c == codeForbidden:
		return say(fmt.Sprintf("the user %q may not do this in the database %s at %s: give it the right to read, write and make constraints and indexes",
			s.config.Username, s.config.Database, s.config.URI))
	case timedOut(err):
		return say("the Neo4j server at " + s.config.URI + " is too slow now")
	case strings.HasPrefix(c, "Neo.TransientError.General.OutOfMemory"), c == "Neo.TransientError.General.MemoryPoolOutOfMemoryError":
		return say("the Neo4j server at " + s.config.URI + " is short of memory")
	case c == "Neo.DatabaseError.Transaction.TransactionLogError", c == "Neo.DatabaseError.Transaction.TransactionCommitFailed",
		c == "Neo.TransientError.General.DatabaseUnavailable", strings.HasPrefix(c, "Neo.ClientError.General.WriteOnReadOnly"):
		return say("the Neo4j server at " + s.config.URI + " cannot write now: look at its disk and its log")
	case c != "" && (repeatable(err) || strings.HasPrefix(c, "Neo.DatabaseError.")):
		return say("the Neo4j server at " + s.config.URI + " cannot do this now")
	case disconnected(err), errors.Is(err, errSlow):
		return say("the Neo4j server at " + s.config.URI + " does not answer")
	}
	return err
}

// retryCredentials is how long the server is left alone after it refused them: it locks an account for some seconds
// after three failures.
const retryCredentials = 30 * time.Second

// guard keeps a wrong password from being tried over and over.
type guard struct {
	mu      sync.Mutex
	refusal error     // GUARDED_BY(mu): the last one
	until   time.Time // GUARDED_BY(mu)
}

// open is the refusal as long as the server must be left alone.
func (g *guard) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.until) {
		return g.refusal
	}
	return nil
}

func (g *guard) note(err error) {
	if !refused(err) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusal, g.until = err, time.Now().Add(retryCredentials)
}
