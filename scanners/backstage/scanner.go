package backstage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners"
)

// Config says which catalog a Scanner imports.
type Config struct {
	// URL is the address of the backend (backend.baseUrl of its configuration), with or without /api/catalog.
	URL   string
	Token string // sent as a bearer token; "" = none
	// Filter narrows the import, each in the form of Backstage's own filters: "kind=component,spec.type=service" wants all
	// of its terms, and an entity is wanted that any one filter fits. None = all entities.
	Filter []string
	CAFile string // PEM file of certificates that are trusted besides those of the system; "" = none

	PageSize     int   // entities asked for at a time, at most 5,000; less, where they are large or slow; 0 = 500
	MaxPageBytes int64 // a larger answer is not read; 0 = 16 MiB
	// MaxEntities is how many entities one scan may list; more is an error, since a part of a listing would remove the rest.
	// 0 = 1,000,000.
	MaxEntities    int
	RequestTimeout time.Duration     // of one answer, its body included; 0 = 2 minutes
	Transport      http.RoundTripper // carries the requests; nil = HTTP, through the proxy of the environment
}

// Scanner imports entities. One entity is one scope, named by its Ref, so that what is wrong with one leaves all others
// as they are, and one that moves to another file keeps its name. It keeps no state between scans: the API has nothing
// that tells what has changed for less than a whole listing costs.
type Scanner struct {
	config Config
	client *client
}

var _ scanners.Scanner = (*Scanner)(nil)

// New checks the configuration and reads the CAFile. It asks nothing: a backend that is not there is an error of the scan.
func New(config Config) (*Scanner, error) {
	base, err := catalogURL(config.URL)
	if err != nil {
		return nil, err
	}
	for _, filter := range config.Filter {
		if strings.TrimSpace(filter) == "" {
			return nil, errors.New("a filter is empty and would fit every entity: remove it")
		}
	}
	if strings.ContainsAny(config.Token, " \t\r\n") {
		return nil, errors.New("the token holds white space: is it the token alone, without the word Bearer?")
	}
	if config.PageSize <= 0 {
		config.PageSize = 500
	}
	config.PageSize = min(config.PageSize, maxPageItems/2)
	if config.MaxPageBytes <= 0 {
		config.MaxPageBytes = 16 << 20
	}
	if config.MaxEntities <= 0 {
		config.MaxEntities = 1_000_000
	}
	if config.RequestTimeout <= 0 {
		config.RequestTimeout = 2 * time.Minute
	}
	if config.Transport == nil {
		if config.Transport, err = transport(config.CAFile); err != nil {
			return nil, err
		}
	}
	return &Scanner{config: config, client: &client{
		base: base, token: config.Token, maxBytes: config.MaxPageBytes, timeout: config.RequestTimeout,
		http: &http.Client{Transport: config.Transport, CheckRedirect: redirect},
	}}, nil
}

// catalogURL is the address of the catalog's API.
func catalogURL(address string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(address))
	switch {
	case address == "":
		return nil, errors.New("the url of the Backstage backend is missing")
	case err != nil, base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		// The address itself is not shown: it may hold a password.
		return nil, errors.New("the url is not one of a Backstage backend: write it like https://backstage.example.com")
	case base.User != nil:
		return nil, errors.New("the url holds a user name or password: give a token instead")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the url has something behind ? or #: write the address of the backend alone")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	if !strings.HasSuffix(base.Path, "/api/catalog") {
		base.Path += "/api/catalog"
	}
	return base, nil
}

// transport is the default one, which trusts the certificates in caFile, too.
func transport(caFile string) (http.RoundTripper, error) {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.MaxResponseHeaderBytes = 1 << 20
	if caFile == "" {
		return own, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
	}
	own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return own, nil
}

// Scan imports all entities that the filters fit.
func (s *Scanner) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	defer s.client.http.CloseIdleConnections()
	run := newRun(s.client.base.String(), sink)
	pages := make(chan []*entity)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		return list(groupCtx, &s.config, s.client, func(page []*entity) error {
			select {
			case pages <- page:
				return nil
			case <-groupCtx.Done():
				return context.Cause(groupCtx)
			}
		})
	})
	group.Go(func() error {
		for page := range pages {
			if err := run.page(groupCtx, page); err != nil {
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	if err == nil {
		err = run.finish(ctx)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, err
}
