package connect

import (
	"context"
	"net/http"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/scanners"
)

// Config says which GitHub is asked, as whom, and how much of its limits may be used.
type Config struct {
	WebURL string // where people see it; "" = https://github.com
	APIURL string // where programs ask it; "" = what belongs to WebURL
	Token  string // of a person or a machine user; "" with App
	App    *App   // instead of Token
	// Reserve is the share of each limit, 0 to 0.9, that is left to others who use the same token.
	Reserve   float64
	UserAgent string            // "" = orrery
	Transport http.RoundTripper // nil = [http.DefaultTransport]
	Now       func() time.Time  // nil = [time.Now]; what is waited for is always waited for by the real clock
	Metrics   prometheus.Registerer
	Source    string // the id of the source, as a label of its metrics and a field of its log
	Log       zerolog.Logger
}

// App is a GitHub App that signs in by its private key.
type App struct {
	ID             int64
	InstallationID int64  // 0 = that of each owner that is asked for
	PrivateKey     []byte // PEM
}

// Connection asks one GitHub. Its methods may be called from several goroutines.
type Connection struct {
	config Config
	cache  Cache
}

// New checks the configuration. It sends nothing.
func New(config Config) (*Connection, error) {
	return &Connection{config: config}, nil
}

// Host is the host of the web address, with its port where that is not the usual one: the first part of the names of
// scopes, such as github.com.
func (c *Connection) Host() string { return "github.com" }

// WebURL is the web address without a slash at its end.
func (c *Connection) WebURL() string { return "https://github.com" }

// REST gives a client that acts for an owner (an organisation or a user): with an App as its installation there, with a
// token as always. Its calls fail with [*BudgetError] and [*AuthError] (by [errors.As]) and with the errors of go-github for
// all else.
func (c *Connection) REST(ctx context.Context, owner string) (*github.Client, error) {
	return github.NewClient(nil), ctx.Err()
}

// GraphQL asks a query for an owner, as [Connection.REST] does, and decodes its data into a pointer. Where a part of the query failed, into
// has the rest and the error is a [*QueryErrors]. It fails with [ErrNoGraphQL] where there is no GraphQL. [AskForLess] tells
// whether a smaller question may be answered.
func (c *Connection) GraphQL(ctx context.Context, owner, query string, variables map[string]any, into any) error {
	return ErrNoGraphQL
}

// Installation is a place where an App was installed.
type Installation struct {
	ID           int64
	Account      string // the organisation or user, as GitHub spells it
	Organization bool
	Suspended    bool
	Permissions  map[string]string // such as contents: read
}

// Installations lists where the App is installed; with a configured installation only that one. A token has none: that is
// an error.
func (c *Connection) Installations(ctx context.Context) ([]Installation, error) {
	return nil, ctx.Err()
}

// Budgets are as the last answers told them; see [scanners.Budgeted].
func (c *Connection) Budgets() []scanners.Budget { return nil }

// Begin begins a scan: what budgets say was used counts from here.
func (c *Connection) Begin() {}

// Cache is what conditional requests of this connection rest on.
func (c *Connection) Cache() *Cache { return &c.cache }
