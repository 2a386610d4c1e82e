package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

// Health says what health checks ask for. What is not said is as [health.DefaultPolicy] has it.
type Health struct {
	Disable          []string // ids of checks
	Errors, Warnings []string // ids of checks whose findings are of this severity
	LivenessPaths    []string // globs, as the other paths
	ReadinessPaths   []string
	StartupPaths     []string
	DependencyPaths  []string
	Replicas         Replicas
	SlowStart        time.Duration // 0 = the default
	SlowImages       []string      // globs
	Exemptions       []Exemption
}

// Replicas are the least numbers by tier; 0 = the default.
type Replicas struct{ Tier1, Tier2, Tier3, Tier4, NoTier int }

// Exemption excuses findings of a check.
type Exemption struct {
	Check                    string // id
	Ref, Workload, Container string // globs; "" = any
	Reason                   string
	Expires                  string // the last day on which it counts, as 2026-12-31; "" = never
	Line                     int    // where it is written
}

const maxReplicas = 1000

func checkIDs() []string {
	var ids []string
	for _, check := range health.Checks() {
		ids = append(ids, check.ID)
	}
	return ids
}

func healthSettings() []setting[Health] {
	defaults := health.DefaultPolicy()
	globs := func(purpose string, paths []string) string {
		return "Globs of the endpoints " + purpose + "; without it " + strings.Join(paths, ", ") + "."
	}
	return []setting[Health]{
		{
			name: "disable", into: func(h *Health) any { return &h.Disable }, choices: checkIDs(), noun: "check",
			help: "Checks that are not made, by id: orrery health --list-checks lists them.",
		},
		{
			name: "errors", into: func(h *Health) any { return &h.Errors }, choices: checkIDs(), noun: "check",
			help: "Checks whose findings are all of severity ERROR.",
		},
		{
			name: "warnings", into: func(h *Health) any { return &h.Warnings }, choices: checkIDs(), noun: "check",
			help: "Checks whose findings are all of severity WARNING.",
		},
		{
			name: "livenessPaths", into: func(h *Health) any { return &h.LivenessPaths },
			help: globs("that liveness probes should ask by convention", defaults.LivenessPaths),
		},
		{
			name: "readinessPaths", into: func(h *Health) any { return &h.ReadinessPaths },
			help: globs("that readiness probes should ask by convention", defaults.ReadinessPaths),
		},
		{
			name: "startupPaths", into: func(h *Health) any { return &h.StartupPaths },
			help: globs("that startup probes should ask by convention", defaults.StartupPaths),
		},
		{
			name: "dependencyPaths", into: func(h *Health) any { return &h.DependencyPaths },
			help: globs("that look at dependencies, which liveness must not ask", defaults.DependencyPaths),
		},
		{
			name: "replicas", into: func(h *Health) any { return &h.Replicas },
			help: "The least numbers of replicas by tier, 1 to 1000.",
		},
		{
			name: "slowStart", into: func(h *Health) any { return &h.SlowStart }, least: time.Second, most: day,
			help: fmt.Sprintf("A container that puts its first check off by this or more counts as starting slowly; without it %s.", shownDuration(defaults.SlowStart)),
		},
		{
			name: "slowImages", into: func(h *Health) any { return &h.SlowImages },
			help: "Globs of images that start slowly, by name without registry, tag and digest; without it " + strings.Join(defaults.SlowImages, ", ") + ".",
		},
		{
			name: "exemptions", into: func(h *Health) any { return &h.Exemptions },
			help: "Findings that are excused. An exemption covers what all its globs match.",
		},
	}
}

func replicasSettings() []setting[Replicas] {
	defaults := health.DefaultPolicy().Replicas
	least := func(tier int, of string) string {
		return fmt.Sprintf("Of workloads %s; without it %d.", of, defaults[tier])
	}
	return []setting[Replicas]{
		{name: "tier1", into: func(r *Replicas) any { return &r.Tier1 }, help: least(1, "of tier 1")},
		{name: "tier2", into: func(r *Replicas) any { return &r.Tier2 }, help: least(2, "of tier 2")},
		{name: "tier3", into: func(r *Replicas) any { return &r.Tier3 }, help: least(3, "of tier 3")},
		{name: "tier4", into: func(r *Replicas) any { return &r.Tier4 }, help: least(4, "of tier 4")},
		{name: "noTier", into: func(r *Replicas) any { return &r.NoTier }, help: least(0, "without a tier")},
	}
}

func exemptionSettings() []setting[Exemption] {
	return []setting[Exemption]{
		{
			name: "check", into: func(e *Exemption) any { return &e.Check }, required: true, choices: checkIDs(), noun: "check",
			help: "The id of the check, as orrery health --list-checks has it.",
		},
		{
			name: "ref", into: func(e *Exemption) any { return &e.Ref },
			help: "Glob of entities, such as component:shop/*.",
		},
		{
			name: "workload", into: func(e *Exemption) any { return &e.Workload },
			help: "Glob of workloads by namespace/name, such as legacy/*.",
		},
		{
			name: "container", into: func(e *Exemption) any { return &e.Container },
			help: "Glob of names of containers, such as istio-proxy.",
		},
		{
			name: "reason", into: func(e *Exemption) any { return &e.Reason }, required: true,
			help: "Why; it is shown with every finding that is excused.",
		},
		{
			name: "expires", into: func(e *Exemption) any { return &e.Expires },
			help: "The last day (UTC) on which it counts, in quotes as '2026-12-31'; without it, it counts for ever.",
		},
	}
}

// validateHealth holds what a single value does not show.
func validateHealth(d *decoder, h *Health) {
	where := map[string]string{} // by check → the list that it is on
	for _, list := range []struct {
		name string
		ids  []string
	}{{"disable", h.Disable}, {"errors", h.Errors}, {"warnings", h.Warnings}} {
		for i, id := range list.ids {
			at := index("health."+list.name, i)
			if first, twice := where[id]; twice {
				d.fail(d.lines[at], at, quoted(id)+" is listed in "+first+" already", "name each check once")
			}
			where[id] = list.name
		}
	}
	for name, globs := range map[string][]string{
		"livenessPaths": h.LivenessPaths, "readinessPaths": h.ReadinessPaths, "startupPaths": h.StartupPaths,
		"dependencyPaths": h.DependencyPaths, "slowImages": h.SlowImages,
	} {
		for i, glob := range globs {
			at := index("health."+name, i)
			if !doublestar.ValidatePattern(glob) {
				d.fail(d.lines[at], at, d.written(at, glob)+" is no glob", "check its brackets and braces")
			} else if name != "slowImages" && !strings.HasPrefix(glob, "/") && !strings.HasPrefix(glob, "{") && !strings.HasPrefix(glob, "**") {
				d.fail(d.lines[at], at, d.written(at, glob)+" does not begin with /, as every path does", "write /"+glob)
			}
		}
	}
	for _, s := range replicasSettings() {
		at := field("health.replicas", s.name)
		if n, ok := s.into(&h.Replicas).(*int); ok && d.lines[at] > 0 && (*n < 1 || *n > maxReplicas) {
			d.fail(d.lines[at], at, fmt.Sprintf("must be from 1 to %d, not %d", maxReplicas, *n), "")
		}
	}
	for i := range h.Exemptions {
		validateExemption(d, index("health.exemptions", i), &h.Exemptions[i])
	}
}

func validateExemption(d *decoder, at string, e *Exemption) {
	e.Line = d.lines[at]
	if e.Ref == "" && e.Workload == "" && e.Container == "" {
		d.fail(e.Line, at, "excuses everything", "give ref, workload or container; or list the check under disable")
	}
	for name, glob := range map[string]string{"ref": e.Ref, "workload": e.Workload, "container": e.Container} {
		if at := field(at, name); !doublestar.ValidatePattern(glob) {
			d.fail(d.lines[at], at, d.written(at, glob)+" is no glob", "check its brackets and braces")
		}
	}
	if at := field(at, "ref"); e.Ref != "" && !strings.Contains(e.Ref, "/") {
		d.fail(d.lines[at], at, d.written(at, e.Ref)+" fits no entity", "write it whole, for example component:default/"+e.Ref)
	}
	if at := field(at, "workload"); e.Workload != "" && !strings.Contains(e.Workload, "/") {
		d.fail(d.lines[at], at, d.written(at, e.Workload)+" fits no workload", "write namespace/name, for example */"+e.Workload)
	}
	if _, err := e.until(); err != nil {
		at := field(at, "expires")
		d.fail(d.lines[at], at, d.written(at, e.Expires)+" is no day", "write it like '2026-12-31'")
	}
}

// until is the first moment at which an exemption counts no more; zero = never.
func (e *Exemption) until() (time.Time, error) {
	if e.Expires == "" {
		return time.Time{}, nil
	}
	last, err := time.Parse(time.DateOnly, e.Expires)
	return last.AddDate(0, 0, 1), err
}

// HealthPolicy is the policy that the configuration makes.
func (c *Config) HealthPolicy() health.Policy {
	h := &c.Health
	p := health.Policy{
		Disabled: h.Disable, Severities: make(map[string]catalog.Severity),
		LivenessPaths: h.LivenessPaths, ReadinessPaths: h.ReadinessPaths, StartupPaths: h.StartupPaths,
		DependencyPaths: h.DependencyPaths, SlowImages: h.SlowImages, SlowStart: h.SlowStart,
	}
	p.Replicas = [...]int{h.Replicas.NoTier, h.Replicas.Tier1, h.Replicas.Tier2, h.Replicas.Tier3, h.Replicas.Tier4}
	for _, id := range h.Errors {
		p.Severities[id] = catalog.Error
	}
	for _, id := range h.Warnings {
		p.Severities[id] = catalog.Warning
	}
	for _, e := range h.Exemptions {
		until, err := e.until()
		if err != nil {
			continue // Parse has refused it
		}
		p.Exemptions = append(p.Exemptions, health.Exemption{
			Check: e.Check, Ref: e.Ref, Workload: e.Workload, Container: e.Container, Reason: e.Reason, Expires: until,
			Location: c.File, Line: int32(e.Line),
		})
	}
	for _, s := range c.Sources {
		if s.Kind == KindProbe && !slices.Contains(p.ProbedClusters, s.Cluster) {
			p.ProbedClusters = append(p.ProbedClusters, s.Cluster)
		}
		if s.LogFormat != "" && !slices.Contains(p.LogClusters, s.Cluster) {
			p.LogClusters = append(p.LogClusters, s.Cluster)
		}
	}
	return p
}
