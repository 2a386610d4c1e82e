package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// Config says which cluster a Scanner reads, and how it gets there.
type Config struct {
	Cluster string // its name in aliases and Refs; required
	// Context of the kubeconfig; "" = its current one. Kubeconfig is a file; "" = those that kubectl would take.
	Context, Kubeconfig string
	// InCluster takes the service account that this process runs by, in place of a kubeconfig.
	InCluster bool
	// Namespaces are read one by one, so that a Role in each of them suffices; none = all. Those of ExcludeNamespaces are
	// not read.
	Namespaces, ExcludeNamespaces []string
	// ExcludeKinds are kinds that nobody wants to be read, as the API names them: what was made from them goes, and none is
	// missed.
	ExcludeKinds []string
	UserAgent    string     // as the audit log of the API server shows it; "" = orrery
	Logs         *LogConfig // nil = no log is looked at

	timing timing
}

// timing is how long things may take. Tests are less patient.
type timing struct {
	quiet, impatient time.Duration // nothing happens for so long, or so long has passed, before changes are told
	// patience is how long a watch may be broken before its cluster counts as out of reach.
	patience time.Duration
	// stall is how long the first listing may go without any progress.
	stall    time.Duration
	discover time.Duration // between two looks at which kinds the server has
	backoff  time.Duration // the longest pause before a broken watch is tried again
	request  time.Duration // of one request that is no watch
}

func (t *timing) fill() {
	for of, or := range map[*time.Duration]time.Duration{
		&t.quiet: 100 * time.Millisecond, &t.impatient: time.Second, &t.patience: 10 * time.Second, &t.stall: time.Minute,
		&t.discover: time.Minute, &t.backoff: 15 * time.Second, &t.request: time.Minute,
	} {
		if *of == 0 {
			*of = or
		}
	}
}

// Scanner reads one cluster. While it watches it holds what the cluster has, as far as it is needed, in memory; otherwise
// nothing.
type Scanner struct {
	config Config
	logs   *logbook // nil = no log is looked at

	mu   sync.Mutex
	live *watch // that hears of everything now; nil = none
	busy bool   // somebody watches
}

var _ scanners.Watcher = (*Scanner)(nil)

// New checks the configuration. It reads no file and asks nobody: a cluster that cannot be reached is an error of the scan.
func New(config Config) (*Scanner, error) {
	if config.Cluster == "" {
		return nil, errors.New("the cluster has no name")
	}
	if config.InCluster && (config.Context != "" || config.Kubeconfig != "") {
		return nil, errors.New("a cluster is reached either from inside it or by a kubeconfig, not by both")
	}
	for _, names := range [][]string{config.Namespaces, config.ExcludeNamespaces} {
		for _, name := range names {
			if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
				return nil, fmt.Errorf("%q is no name of a namespace: %s", name, wrong[0])
			}
		}
	}
	for _, name := range config.ExcludeKinds {
		if !slices.ContainsFunc(inventory.Resources(), func(r inventory.Resource) bool { return string(r.Kind) == name }) {
			return nil, fmt.Errorf("there is no kind %q to exclude: known are %s", name, kindNames())
		}
	}
	if config.UserAgent == "" {
		config.UserAgent = "orrery"
	}
	config.timing.fill()
	s := &Scanner{config: config}
	if config.Logs != nil {
		logs, err := newLogbook(*config.Logs)
		if err != nil {
			return nil, err
		}
		s.logs = logs
	}
	return s, nil
}

// excludes says whether a kind is not to be read.
func (c *Config) excludes(kind inventory.Kind) bool {
	return slices.Contains(c.ExcludeKinds, string(kind))
}

func kindNames() string {
	var names []string
	for _, resource := range inventory.Resources() {
		names = append(names, string(resource.Kind))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
