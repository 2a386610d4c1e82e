package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	// mostWeight is how much is asked for in one query: a file, or its absence, weighs 1, a head 1, more text more.
	mostWeight = 300
	// textWeight is how many bytes of text weigh as much as another file.
	textWeight = 8 << 10
	// queriesAtOnce are asked at the same time for one owner.
	queriesAtOnce = 4
	// giveUpAfter is how many questions, each the smallest, must fail in a row before no more are asked.
	giveUpAfter = 4
)

// question is a small part of a query, about one repository.
type question struct {
	owner, name string
	branch      string   // whose head is asked for; "" = commit or blob
	commit      string   // that is asked for
	files       []string // there
	blob        string   // that is asked for instead
	size        int64    // of the blob, as far as it is known

	answer answer
	err    error
	heavy  bool // it was too much for GitHub, though it was asked alone
	left   *waiting
}

func (q *question) weight() int { return 1 + len(q.files) + int(min(q.size, 1<<20)/textWeight) }

// answer is what a question came to.
type answer struct {
	commit, tree string // "" = there is no such branch or commit
	files        []fileAnswer
	blob         *blobAnswer // nil = there is none
}

type fileAnswer struct {
	mode int64 // as in Git; 0 = there is no such file
	oid  string
	blob blobAnswer
}

type blobAnswer struct {
	size  int64
	text  string // of the blob
	whole bool   // text is all of it
}

// waiting is a worker that waits for its questions.
type waiting struct {
	open int // of its questions; under the lock of the asker
	done chan struct{}
}

// asker puts the questions of many workers into few queries. It sends one when there is enough for it, or when nobody is at
// work who may still ask. How much is enough, it learns.
type asker struct {
	connection *connect.Connection
	owner      string

	mu       sync.Mutex
	queue    []*question
	weight   int   // of the queue
	enough   int   // to send
	working  int   // workers that do not wait
	sending  int   // queries
	failures int   // of smallest questions, in a row
	stopped  error // why nothing is asked any more

	// Of repositories that are read by REST alone.
	rest                 chan struct{} // has one for each that is begun
	restRead, restFailed int
	restStopped          error
}

var (
	errMissing    = errors.New("GitHub lists it and does not find it: the token may lack the right to read its contents")
	errUnanswered = errors.New("GitHub fails to answer")
)

func newAsker(connection *connect.Connection, owner string) *asker {
	return &asker{connection: connection, owner: owner, enough: mostWeight, rest: make(chan struct{}, restAtOnce)}
}

// enter counts a worker as at work; leave is to be called at its end.
func (a *asker) enter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.working++
}

func (a *asker) leave(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.working--
	a.send(ctx)
}

// ask waits until the questions of a worker are answered, each with an answer or an error of its own.
func (a *asker) ask(ctx context.Context, questions ...*question) {
	if len(questions) == 0 {
		return
	}
	w := &waiting{open: len(questions), done: make(chan struct{})}
	a.mu.Lock()
	for _, q := range questions {
		q.left = w
		a.weight += q.weight()
	}
	a.queue = append(a.queue, questions...)
	a.working--
	a.send(ctx)
	a.mu.Unlock()
	<-w.done
}

const (
	// restAtOnce is how many repositories are begun to be read by REST at the same time.
	restAtOnce = 10
	// hopeless is how many of them must fail, before any was read, for the others to be left: each costs requests.
	hopeless = 50
)

// byREST begins to read a repository by REST alone, unless that is hopeless.
func (a *asker) byREST(begin func() error) error {
	a.rest <- struct{}{}
	defer func() { <-a.rest }()
	a.mu.Lock()
	stopped := a.restStopped
	a.mu.Unlock()
	if stopped != nil {
		return stopped
	}
	err := begin()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.restRead++
	} else if a.restFailed++; a.restRead == 0 && a.restFailed >= hopeless {
		a.restStopped = err
	}
	return err
}

// send sends what there is enough of; under the lock.
func (a *asker) send(ctx context.Context) {
	for len(a.queue) > 0 {
		if err := context.Cause(ctx); err != nil && a.stopped == nil {
			a.stopped = err
		}
		if a.stopped != nil {
			for _, q := range a.queue {
				a.answered(q, a.stopped)
			}
			a.queue, a.weight = nil, 0
			return
		}
		if a.sending == queriesAtOnce || a.weight < a.enough && (a.working > 0 || a.sending > 0) {
			return
		}
		n, weight := 0, 0
		for n < len(a.queue) && (n == 0 || weight+a.queue[n].weight() <= a.enough) {
			weight += a.queue[n].weight()
			n++
		}
		some := a.queue[:n:n]
		a.queue, a.weight = a.queue[n:], a.weight-weight
		a.sending++
		go a.query(ctx, some)
	}
}

// answered lets the worker go on whose last question it was; under the lock.
func (a *asker) answered(q *question, err error) {
	q.err = err
	if q.left.open--; q.left.open == 0 {
		a.working++
		close(q.left.done)
	}
}

// query asks some questions in one query.
func (a *asker) query(ctx context.Context, some []*question) {
	var data map[string]json.RawMessage
	err := a.connection.GraphQL(ctx, a.owner, queryOf(some), nil, &data)
	wrong := make(map[string]error) // by alias
	var partly *connect.QueryErrors
	var spent *connect.BudgetError
	var refused *connect.AuthError
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sending--
	switch {
	case err == nil:
	case ctx.Err() != nil:
		a.stopped = context.Cause(ctx)
	case errors.As(err, &spent), errors.As(err, &refused), errors.Is(err, connect.ErrNoGraphQL):
		a.stopped = err
	case connect.AskForLess(err) && len(some) > 1:
		weight := 0
		for _, q := range some {
			weight += q.weight()
		}
		a.enough = max(1, min(a.enough, weight)/2)
		a.queue, a.weight = append(some, a.queue...), a.weight+weight
		a.send(ctx)
		return
	case errors.As(err, &partly) && !connect.AskForLess(err):
		if byAlias(partly, wrong) {
			err = nil
		} else {
			a.stopped = fmt.Errorf("%w: %w", connect.ErrNoGraphQL, partly)
		}
	default:
		some[0].heavy = len(some) == 1 && connect.AskForLess(err)
		err = fmt.Errorf("%w: %w", errUnanswered, err)
		if a.failures++; a.failures >= giveUpAfter {
			a.stopped = err
			some[0].heavy = false
		}
	}
	if err == nil {
		a.failures = 0
		a.enough = min(mostWeight, a.enough+max(1, a.enough/4))
	}
	for i, q := range some {
		alias := aliasOf(i)
		switch {
		case err != nil && a.stopped != nil:
			a.answered(q, a.stopped)
		case err != nil:
			a.answered(q, err)
		case wrong[alias] != nil:
			a.answered(q, wrong[alias])
		default:
			a.answered(q, q.read(data[alias]))
		}
	}
	a.send(ctx)
}

// byAlias sorts what went wrong by question; false = it concerns the whole query.
func byAlias(partly *connect.QueryErrors, wrong map[string]error) bool {
	for _, one := range partly.Errors {
		switch {
		case len(one.Path) == 0:
			return false
		case one.Type == "NOT_FOUND" && len(one.Path) > 1: // something in the repository is not there
		case one.Type == "NOT_FOUND":
			wrong[one.Path[0]] = errMissing
		case one.SAML:
			wrong[one.Path[0]] = fmt.Errorf("%s: authorise the token for single sign-on", one.Message)
		default:
			wrong[one.Path[0]] = errors.New(one.Message)
		}
	}
	return true
}
