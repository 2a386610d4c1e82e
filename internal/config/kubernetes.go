package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// logFields are what a line of a log should say.
var logFields = [...]string{"timestamp", "level", "message", "correlation"}

// watchedSchedule is how often all of a watched cluster is reported, from memory: so that one in which nothing happens does
// not look like one that is no longer heard of.
const watchedSchedule = "@every 5m"

// settleKubernetes fills in what the settings of clusters give when nothing is written.
func settleKubernetes(d *decoder, c *Config) {
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.Kind != KindKubernetes {
			continue
		}
		at := index("sources", i)
		if s.Cluster == "" && d.lines[at+".cluster"] == 0 {
			s.Cluster = s.ID
		}
		if s.Live() && d.lines[at+".watch"] == 0 {
			s.Watch = true
		}
		if s.Live() && s.Watch && d.lines[at+".schedule"] == 0 {
			s.Schedule = watchedSchedule
		}
		if !s.Live() && d.lines[at+".priority"] == 0 {
			s.Priority = catalog.DefaultPriorityManifests
		}
	}
}

// validateKubernetes holds the rules between the settings of clusters. live has the line of each live cluster that came
// before, by name.
func validateKubernetes(d *decoder, at string, s Source, live map[string]int) {
	if s.Kind != KindKubernetes {
		return
	}
	if !wellFormedID.MatchString(s.Cluster) {
		d.fail(d.lines[at+".cluster"], at+".cluster", d.written(at+".cluster", s.Cluster)+" is no name of a cluster", idRule)
	}
	only := func(name, of, instead string) {
		if line := d.lines[at+"."+name]; line > 0 {
			d.fail(line, at+"."+name, "is for "+of, "remove it, or "+instead)
		}
	}
	if !s.Live() {
		for _, name := range []string{"context", "kubeconfig", "inCluster", "namespaces", "excludeNamespaces", "excludeKinds", "logFormat", "logFields"} {
			only(name, "a live cluster, and this source reads manifests", "remove paths")
		}
		return
	}
	for _, name := range []string{"include", "exclude"} {
		only(name, "manifests, and this source reads a live cluster", "give paths")
	}
	if s.InCluster {
		for _, name := range []string{"context", "kubeconfig"} {
			only(name, "a cluster that is reached from outside", "remove inCluster")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.LogFields)) {
		if field := field(at+".logFields", name); !slices.Contains(logFields[:], name) {
			d.fail(d.lines[field], field, quoted(name)+" is nothing that a line of a log should say", nearest(name, logFields[:]))
		}
	}
	if len(s.LogFields) > 0 && s.LogFormat == "" {
		only("logFields", "sources that look at logs", "give logFormat")
	}
	line := d.lines[at]
	if first, taken := live[s.Cluster]; taken {
		d.fail(line, at, fmt.Sprintf("the cluster %s is read by the source of line %d already", quoted(s.Cluster), first),
			"give one of them another name by cluster:")
		return
	}
	live[s.Cluster] = line
}
