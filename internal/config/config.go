// Package config reads the configuration file of Orrery, strictly: what it does not know it refuses, with the place and
// what to do about it. One table of settings (settings.go) feeds the decoder, the JSON Schema, the written reference and
// the masked print, so that they cannot disagree.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones of schedules, on machines that have none of their own

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/schedule"
)

// DefaultListen is the address of a server that configures none; queries ask there unless told otherwise.
const DefaultListen = "127.0.0.1:7007"

// DefaultEnvironment is the environment of a source that names none, and of every question that names none.
const DefaultEnvironment = "production"

// The storage engines.
const (
	EngineSQLite = "sqlite" // embedded: one file
	EngineNeo4j  = "neo4j"  // a server or cluster, which several processes may share
)

// The kinds of sources.
const (
	KindFiles     = "files"     // reads folders of catalog files
	KindBackstage = "backstage" // imports the catalog of a running Backstage
	// KindKubernetes reads what runs in a cluster, from its API server or from folders of manifests.
	KindKubernetes = "kubernetes"
	KindProbe      = "probe" // calls the health endpoints of the workloads of a cluster
	// KindOTLP counts traces: those that are sent to it, or recorded ones in files.
	KindOTLP       = "otlp"
	KindPrometheus = "prometheus" // asks a Prometheus for the metrics of service graphs and meshes
	KindJaeger     = "jaeger"     // asks a Jaeger for the dependencies it knows
	KindZipkin     = "zipkin"     // asks a Zipkin for the dependencies it knows
	// KindGitHub reads the repositories and teams of GitHub organisations; KindGit any git repositories.
	KindGitHub = "github"
	KindGit    = "git"
)

// What a source of KindPrometheus asks for.
const (
	MetricsServiceGraph = "service-graph"
	MetricsIstio        = "istio"
)

// maxFileBytes bounds the configuration file; a larger one is not a configuration.
const maxFileBytes = 1 << 20

// Config is a whole configuration, checked, with every default filled in and every path ready to be opened.
type Config struct {
	File     string // as given to Load; "" for Default
	Listen   string // host:port
	Insecure bool   // allows a Listen that other machines can reach
	// Hosts are names by which clients call the server besides that of Listen: that of a proxy in front. Without ports.
	Hosts []string
	// PublicURL is where people find the UI, for links to it; "" = there are none. Without a slash at its end.
	PublicURL string
	Graph     Graph
	// Environments lists other names of an environment by the one that counts, as written. Case does not matter.
	Environments map[string][]string
	Identity     Identity
	Health       Health
	Tracing      Tracing
	Sources      []Source // ids are unique, and so are the names of live clusters

	shown map[string]string // masked text by field, where it differs from the value
}

// Graph says where the catalog is kept.
type Graph struct {
	Engine string
	Path   string // of EngineSQLite: its file
	// URI is that of the server or cluster of EngineNeo4j, without user name and password.
	URI                string
	Username, Password string // of EngineNeo4j; "" = it asks for none
	Database           string // of EngineNeo4j
	LabelPrefix        string // of EngineNeo4j: before every label, constraint and index that Orrery makes; "" = none
	// History is how long past states and recorded changes are kept, counted from the newest change.
	History time.Duration
}

// Place says where the catalog is, for messages.
func (g Graph) Place() string {
	if g.Engine != EngineNeo4j {
		return g.Path
	}
	place := g.URI + " (database " + g.Database
	if g.LabelPrefix != "" {
		place += ", label prefix " + g.LabelPrefix
	}
	return place + ")"
}

// Identity says who is meant by a name that another world gave.
type Identity struct {
	Rewrites []Rewrite // tried in order
}

// Rewrite makes the name of an entity of an alias.
type Rewrite struct {
	Match   string // regular expression of the whole alias
	Replace string // Ref with $1 and so on for the groups of Match
}

// Source is one configured place that data comes from.
type Source struct {
	ID, Kind    string
	Environment string
	Priority    int      // of its descriptors; the higher wins
	Paths       []string // folders or files: of KindFiles at least one; of KindKubernetes none for a live cluster, of KindOTLP none where it listens
	// Include and Exclude are globs on paths inside the folders; none = every file.
	Include, Exclude []string
	URL, Token       string   // of KindBackstage: of its backend; of those that are asked for traffic; Token "" = none
	Filter           []string // of KindBackstage: as its API takes them; none = every entity
	CAFile           string   // for URL; "" = none
	Cluster          string   // of KindKubernetes: its name in aliases; of KindProbe: whose workloads are called
	Networks         []string // of KindProbe: prefixes of the only addresses that are called; none = see the package probe
	Context          string   // of a live cluster: that of the kubeconfig; "" = its current one
	Kubeconfig       string   // of a live cluster; "" = as kubectl finds it
	InCluster        bool     // a live cluster: the one that this process runs in, by its service account
	// Namespaces of a live cluster that are read, none = all, and those that are not.
	Namespaces, ExcludeNamespaces []string
	ExcludeKinds                  []string // of a live cluster: kinds of objects that are not read
	// LogFormat is what containers of a live cluster should log, json or logfmt; "" = no log is looked at.
	LogFormat               string
	LogFields               map[string][]string // names of the fields of a log line besides those that are known, by what they say
	GRPC, HTTP              string              // of KindOTLP: where it listens; "" = not
	TLS                     TLS                 // of KindOTLP, where it listens
	Settle                  time.Duration       // of KindOTLP: how long a trace may be silent before it is counted
	Memory, MaxRequest      Bytes               // of KindOTLP
	Multiplier              int                 // of KindOTLP: what a span stands for that does not tell, at least 1
	Metrics                 []string            // of KindPrometheus: the Metrics constants
	Username, Password      string              // of KindPrometheus; "" = none
	Lookback                time.Duration       // how far back a source is asked that counts by itself
	StaleAfter, RemoveAfter time.Duration       // of traffic, counted from the newest of the source
	Schedule                string              // as schedule.Parse reads it; "" = scanned once, at the start
	Timezone                string              // of the fields of Schedule: an IANA name; "" = UTC
	Jitter                  time.Duration       // less than this put off, to spread the sources
	Timeout                 time.Duration       // of one scan
	Watch                   bool                // scanned as it changes
	Organization            string              // of KindGitHub: see AllOrganizations
	Organizations, Users    []string            // of KindGitHub
	APIURL                  string              // of KindGitHub; "" = it follows from URL, which is "" for GitHub.com
	App                     GitHubApp           // of KindGitHub, in place of Token
	Remotes                 []string            // of KindGit: as git clone takes them
	// Repositories and ExcludeRepositories of KindGitHub are globs on their names; none = all, and none.
	Repositories, ExcludeRepositories []string
	Topics, Visibility                []string // of KindGitHub: a repository must have one; none = any
	Archived, Forks                   bool     // of KindGitHub: those, too
	Branch                            string   // of repositories; "" = the default one of each
	CatalogFiles                      []string // of repositories: paths and globs; none = by the kind
	Teams                             bool     // of KindGitHub: read as groups and users
	Namespace                         string   // of those; "" = default, or the organisation's name where there are several
	Reserve                           int      // of KindGitHub: percent of each rate limit that are left to others
	WebhookSecret                     string   // of KindGitHub; "" = no webhook is taken
	Checks                            string   // of KindGitHub: which pull requests are checked; "" = none
	Proposals                         int      // of KindGitHub: pull requests that are opened a day at most
	Cache                             string   // of KindGit: a folder
}

// Lookup finds the value of an environment variable, as os.LookupEnv does.
type Lookup = func(name string) (string, bool)

// Default is the configuration of somebody who wrote none: the local server, no sources.
func Default() *Config {
	c, err := Parse("", nil, func(string) (string, bool) { return "", false })
	if err != nil {
		// The defaults come from the table in this package and a test holds that they pass.
		return &Config{Listen: DefaultListen}
	}
	return c
}

// Load reads a file. What is wrong in it comes as [Errors]; what keeps it from being read wraps an fs error.
func Load(file string, lookup Lookup) (*Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(file, data, lookup)
}

// Parse reads the content of a file. Relative paths in it start from the file's folder. The error is [Errors].
func Parse(file string, data []byte, lookup Lookup) (*Config, error) {
	d := &decoder{file: file, dir: filepath.Dir(file), lookup: lookup, shown: map[string]string{}, lines: map[string]int{}}
	c := &Config{File: file}
	if root, ok := d.document(data); ok {
		decodeMapping(d, root, "", rootSettings(), c)
		settleKubernetes(d, c)
		settleTraffic(c)
		validate(d, c)
	}
	if len(d.errs) > 0 {
		slices.SortStableFunc(d.errs, func(a, b *Error) int { return a.Line - b.Line })
		return nil, d.errs
	}
	c.shown = d.shown
	return c, nil
}

// MergeOptions are those that the configuration makes.
func (c *Config) MergeOptions() catalog.MergeOptions {
	options := catalog.MergeOptions{Environments: make(map[string]string)}
	for name, others := range c.Environments {
		for _, other := range others {
			options.Environments[strings.ToLower(other)] = strings.ToLower(name)
		}
	}
	for _, rewrite := range c.Identity.Rewrites {
		if rule, err := rewrite.rule(); err == nil { // Parse has refused the others
			options.Rewrites = append(options.Rewrites, rule)
		}
	}
	return options
}

// Live says whether the source is a cluster that is asked by its API server.
func (s Source) Live() bool { return s.Kind == KindKubernetes && len(s.Paths) == 0 }

// Times are when the source is scanned again; nil = never by itself. Parse has refused what cannot be read.
func (s Source) Times() (*schedule.Schedule, error) {
	if s.Schedule == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return nil, err
	}
	return schedule.Parse(s.Schedule, zone, s.ID, s.Jitter)
}

// document is the root mapping of the only YAML document; an empty file is an empty mapping.
func (d *decoder) document(data []byte) (*yaml.Node, bool) {
	if len(data) > maxFileBytes {
		d.fail(0, "", fmt.Sprintf("the file is larger than %d bytes", maxFileBytes), "is it the right file?")
		return nil, false
	}
	stream := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	switch err := stream.Decode(&document); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}, true
	case err != nil:
		line, message := yamlError(err)
		d.fail(line, "", "not valid YAML: "+message, "")
		return nil, false
	}
	if err := stream.Decode(&second); !errors.Is(err, io.EOF) {
		line := second.Line
		if err != nil {
			line, _ = yamlError(err)
		}
		d.fail(line, "", "there is more than one YAML document", "remove the --- and what follows it")
		return nil, false
	}
	root := document.Content[0]
	if isNull(root) {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}, true
	}
	return root, true
}
