package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/scanners"
)

// atOnce is how many requests are under way at most. GitHub bears 100 of all who use the same credential.
const atOnce = 10

// Config says which GitHub is asked, as whom, and how much of its limits may be used.
type Config struct {
	WebURL string // where people see it; "" = https://github.com
	APIURL string // where programs ask it; "" = what belongs to WebURL
	Token  string // of a person or a machine user; "" with App
	App    *App   // instead of Token
	// Reserve is the share of each limit, 0 to 0.9, that is left to others who use the same credential.
	Reserve   float64
	UserAgent string            // "" = orrery
	Transport http.RoundTripper // nil = one like [http.DefaultTransport]
	// Now is the clock by which GitHub's times are read; nil = [time.Now]. What is waited for is waited for by the real one.
	Now     func() time.Time
	Metrics prometheus.Registerer // nil = nobody looks
	Source  string                // the id of the source: a label of its metrics, a field of its log
	Log     zerolog.Logger
}

// App is a GitHub App that signs in by its private key.
type App struct {
	ID             int64
	InstallationID int64  // 0 = that of each owner that is asked for
	PrivateKey     []byte // PEM
}

// Connection asks one GitHub. Its methods may be called from several goroutines.
type Connection struct {
	config            Config
	web, api, graphql *url.URL
	metrics           *metrics
	transport         http.RoundTripper
	slots             chan struct{}
	cache             Cache
	app               *github.Client // as the App itself; nil with a token
	appLimits         *limits        // of the App itself

	mu       sync.Mutex
	owners   map[string]*account // by name in lower case; with a token only ""
	accounts map[int64]*account  // by installation
}

// account is whom GitHub counts requests of: a token, or an installation.
type account struct {
	limits *limits
	client *http.Client
	rest   *github.Client
}

// New checks the configuration. It sends nothing.
func New(config Config) (*Connection, error) {
	config.Token = strings.TrimSpace(config.Token) // files of secrets end with a line break
	if strings.ContainsFunc(config.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token of GitHub has characters that no token has: copy it again")
	}
	if (config.Token == "") == (config.App == nil) {
		return nil, errors.New("GitHub is asked with a token or as a GitHub App: give one of them")
	}
	if config.Reserve < 0 || config.Reserve > 0.9 {
		return nil, fmt.Errorf("the reserve is a share from 0 to 0.9, not %g", config.Reserve)
	}
	web, api, err := addresses(config.WebURL, config.APIURL)
	if err != nil {
		return nil, err
	}
	if config.UserAgent == "" {
		config.UserAgent = "orrery"
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	transport := config.Transport
	if transport == nil {
		transport = http.DefaultTransport
		if own, ok := transport.(*http.Transport); ok {
			own = own.Clone()
			own.MaxIdleConnsPerHost = atOnce
			transport = own
		}
	}
	config.Log = config.Log.With().Str("source", config.Source).Logger()
	metrics, err := newMetrics(config.Metrics, config.Source, config.Log)
	if err != nil {
		return nil, err
	}
	c := &Connection{
		config: config, web: web, api: api, graphql: graphqlOf(api), metrics: metrics,
		transport: counted{metrics, strings.TrimSuffix(api.Path, "/"), whole{transport}},
		slots:     make(chan struct{}, atOnce), owners: map[string]*account{}, accounts: map[int64]*account{},
	}
	if config.App == nil {
		c.owners[""] = c.account("token", fixed(config.Token))
		return c, nil
	}
	// A slot of its own: whoever waits for a token that is renewed holds one of the others.
	c.appLimits = c.newLimits("app", make(chan struct{}, 1))
	signed, err := newProven(config.App, config.Now, c.transport)
	if err != nil {
		return nil, err
	}
	c.app = c.client(c.httpClient(signed, c.appLimits))
	return c, nil
}

// addresses are where people and programs find the GitHub.
func addresses(webURL, apiURL string) (web, api *url.URL, err error) {
	if webURL == "" {
		webURL = "https://github.com"
	}
	if web, err = address(webURL); err != nil {
		return nil, nil, err
	}
	if apiURL == "" {
		switch host := strings.ToLower(web.Host); {
		case host == "github.com" || host == "www.github.com":
			apiURL = "https://api.github.com"
		case strings.HasSuffix(host, ".ghe.com"):
			apiURL = web.Scheme + "://api." + host
		default:
			apiURL = strings.TrimSuffix(web.String(), "/") + "/api/v3"
		}
	}
	if api, err = address(apiURL); err != nil {
		return nil, nil, err
	}
	api.Path = strings.TrimSuffix(api.Path, "/") + "/"
	return web, api, nil
}

func address(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil ||
		parsed.RawQuery != "" || parsed.Fragment != "" {
		return nil, errors.New("an address of GitHub is not one like https://github.example.com")
	}
	parsed.Path = strings.TrimSuffix(parsed.Path, "/")
	return parsed, nil
}

func (c *Connection) newLimits(account string, slots chan struct{}) *limits {
	return &limits{
		reserve: c.config.Reserve, now: c.config.Now, metrics: c.metrics, account: account, slots: slots, budgets: map[string]*budget{},
	}
}

func (c *Connection) account(name string, credential credential) *account {
	a := &account{limits: c.newLimits(name, c.slots)}
	a.client = c.httpClient(signed{credential, c.api, c.transport}, a.limits)
	a.rest = c.client(a.client)
	return a
}

// httpClient is the way of a request, from the one who asks to the one who signs it. Redirects are followed within the API
// only (a repository was renamed): nobody else learns what is asked.
func (c *Connection) httpClient(signed http.RoundTripper, limits *limits) *http.Client {
	return &http.Client{
		Transport: conditional{&c.cache, patient{c.metrics, limited{limits, signed}}},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > 5 || !sameHost(request.URL, c.api) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

func (c *Connection) client(over *http.Client) *github.Client {
	client := github.NewClient(over)
	client.BaseURL, client.UploadURL, client.UserAgent = c.api, c.api, c.config.UserAgent
	return client
}

// Host is the host of the web address, with its port where that is not the usual one: the first part of the names of
// scopes, such as github.com.
func (c *Connection) Host() string {
	host := strings.ToLower(c.web.Host)
	if c.web.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// WebURL is the web address without a slash at its end.
func (c *Connection) WebURL() string { return c.web.String() }

// REST gives a client that acts for an owner (an organisation or a user): with an App as its installation there, with a
// token as always. Its calls fail with [*BudgetError] and [*AuthError] (by [errors.As]) and with the errors of go-github for
// all else.
func (c *Connection) REST(ctx context.Context, owner string) (*github.Client, error) {
	a, err := c.accountOf(ctx, owner)
	if err != nil {
		return nil, err
	}
	return a.rest, nil
}

// accountOf is who acts for an owner.
func (c *Connection) accountOf(ctx context.Context, owner string) (*account, error) {
	key := ""
	if c.app != nil && c.config.App.InstallationID == 0 {
		key = strings.ToLower(owner)
	}
	c.mu.Lock()
	known := c.owners[key]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := c.installedAt(ctx, owner)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id, name := found.GetID(), found.GetAccount().GetLogin()
	a := c.accounts[id]
	if a == nil {
		a = c.account(name, &installation{
			id: id, owner: name, app: c.app, now: c.config.Now, gone: func() { c.forget(id) }, turn: make(chan struct{}, 1),
		})
		c.accounts[id] = a
	}
	c.owners[key] = a
	return a, nil
}

// forget lets go of an installation that is gone: there may be another one at the same owner.
func (c *Connection) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := c.accounts[id]
	delete(c.accounts, id)
	for owner, a := range c.owners {
		if a == gone {
			delete(c.owners, owner)
		}
	}
}

// Budgets are as the last answers told them, by name; see [scanners.Budgeted]. Where an App has several installations, the
// name says at which owner: core (acme).
func (c *Connection) Budgets() []scanners.Budget {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []scanners.Budget
	if c.app == nil {
		return c.owners[""].limits.list(all, false)
	}
	for _, a := range c.accounts {
		all = a.limits.list(all, len(c.accounts) > 1)
	}
	slices.SortFunc(all, func(a, b scanners.Budget) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Begin begins a scan: what [Connection.Budgets] say was used counts from here.
func (c *Connection) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.owners {
		a.limits.begin()
	}
}

// IsApp says whether an App asks, and not a person or a machine user by a token.
func (c *Connection) IsApp() bool { return c.config.App != nil }

// Cache is what conditional requests of this connection rest on.
func (c *Connection) Cache() *Cache { return &c.cache }
