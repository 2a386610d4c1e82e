package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
)

// Policy is what a company asks for. The zero value of a field means its default; see [DefaultPolicy].
type Policy struct {
	Disabled   []string                    // ids of checks that are not made
	Severities map[string]catalog.Severity // of the findings of a check, by id
	// LivenessPaths, ReadinessPaths and StartupPaths are globs of the endpoints that the convention names, by purpose.
	LivenessPaths, ReadinessPaths, StartupPaths []string
	// DependencyPaths are globs of endpoints that are known to look at what a service needs.
	DependencyPaths []string
	// Replicas are the least numbers of replicas by tier; at 0 of what has no tier. Negative = as many as it likes.
	Replicas [maxTier + 1]int
	// SlowStart is how long a first check must be put off to tell that a container starts slowly.
	SlowStart time.Duration
	// SlowImages are globs of images that start slowly, without registry, tag and digest, or with the path before them.
	SlowImages []string
	Exemptions []Exemption
	// ProbedClusters are those of which Orrery calls the health endpoints itself, LogClusters those of which it samples logs.
	ProbedClusters, LogClusters []string
}

const maxTier = 4 // the least critical

// DefaultPolicy is that of somebody who configured none.
func DefaultPolicy() Policy {
	return Policy{
		LivenessPaths:  []string{"/livez", "/healthz"},
		ReadinessPaths: []string{"/readyz", "/healthz"},
		StartupPaths:   []string{"/startupz", "/livez", "/readyz", "/healthz"},
		DependencyPaths: []string{
			"/ready", "/readyz", "/readiness", "/{health,healthz,-,_,.well-known,api/health,actuator/health,q/health}/{ready,readiness}",
			"/actuator/health", "/manage/health", "/management/health", "/q/health",
		},
		Replicas:  [maxTier + 1]int{1, 2, 2, 1, 1},
		SlowStart: 30 * time.Second,
		SlowImages: []string{
			"elasticsearch", "opensearch", "cassandra", "keycloak", "sonarqube", "jenkins", "confluence", "jira-software", "neo4j",
			"solr", "wildfly", "gitlab-{ce,ee}", "nexus3",
		},
	}
}

// orDefaults fills in what is not said.
func (p Policy) orDefaults() Policy {
	defaults := DefaultPolicy()
	for _, list := range []struct {
		into *[]string
		from []string
	}{
		{&p.LivenessPaths, defaults.LivenessPaths},
		{&p.ReadinessPaths, defaults.ReadinessPaths},
		{&p.StartupPaths, defaults.StartupPaths},
		{&p.DependencyPaths, defaults.DependencyPaths},
		{&p.SlowImages, defaults.SlowImages},
	} {
		if len(*list.into) == 0 {
			*list.into = list.from
		}
	}
	for tier, least := range p.Replicas {
		if least == 0 {
			p.Replicas[tier] = defaults.Replicas[tier]
		}
	}
	if p.SlowStart == 0 {
		p.SlowStart = defaults.SlowStart
	}
	return p
}

// check says what is wrong in a policy.
func (p Policy) check() error {
	known := func(id string) bool {
		return slices.ContainsFunc(Checks(), func(c *Check) bool { return c.ID == id })
	}
	for _, id := range p.Disabled {
		if !known(id) {
			return fmt.Errorf("there is no check %q", id)
		}
	}
	for id := range p.Severities {
		if !known(id) {
			return fmt.Errorf("there is no check %q", id)
		}
	}
	globs := slices.Concat(p.LivenessPaths, p.ReadinessPaths, p.StartupPaths, p.DependencyPaths, p.SlowImages)
	for _, e := range p.Exemptions {
		if !known(e.Check) {
			return fmt.Errorf("there is no check %q to be exempted from", e.Check)
		}
		if e.Reason == "" {
			return fmt.Errorf("an exemption from %s has no reason", e.Check)
		}
		globs = append(globs, e.Ref, e.Workload, e.Container)
	}
	for _, glob := range globs {
		if !doublestar.ValidatePattern(glob) {
			return fmt.Errorf("%q is no glob", glob)
		}
	}
	return nil
}

// fits says whether any of the globs, which are well-formed, matches.
func fits(globs []string, text string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool { return doublestar.MatchUnvalidated(glob, text) })
}

// paths are those of the convention for a purpose.
func (p *Policy) paths(purpose purpose) []string {
	switch purpose {
	case liveness:
		return p.LivenessPaths
	case readiness:
		return p.ReadinessPaths
	default:
		return p.StartupPaths
	}
}
