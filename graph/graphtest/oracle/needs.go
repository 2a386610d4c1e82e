package oracle

import (
	"regexp"
	"strings"
)

// workloadName is cluster.kind.name, in which the name of a cluster may hold dots.
var workloadName = regexp.MustCompile(`^workload:[^/]*/.+?\.(deployment|statefulset|daemonset|replicaset|pod|job|cronjob)\.`)

// need is "from needs to".
type need struct {
	from, to string
	strength string // HARD, SOFT, ASYNC
	group    string // "" = plain; groups of different rules have different names
	counts   bool   // its evidence is asked for; a need that does not count stays a member of its group
	via      string // the topic by which a consumer needs a producer
}

// needs derives what needs what in the environment that is asked for, sentence by sentence.
func (c *Catalog) needs(q Question) []need {
	var all []need
	for _, r := range c.Relations {
		if !inEnvironment(r, q) {
			continue
		}
		counts := evident(r, q)
		stated := r.Strength
		if stated == "" {
			stated = "HARD"
			if r.Role == "CONSUME" {
				stated = "ASYNC"
			}
		}
		if learned := behaves(r, q); q.Behaves && learned != "" {
			stated = learned
		}
		group := ""
		if r.AnyOf != "" {
			group = "stated " + r.AnyOf
		}
		switch r.Type {
		case "dependsOn", "consumesApi":
			all = append(all, need{r.From, r.To, stated, group, counts, ""})
		case "providesApi": // an API needs any of its providers
			all = append(all, need{r.To, r.From, "HARD", "providers", counts, ""})
		case "partOf": // a whole needs any of its parts
			all = append(all, need{r.To, r.From, "HARD", "parts", counts, ""})
		case "runsOn":
			switch {
			case strings.HasPrefix(r.To, "workload:"): // any of its long-running workloads
				if controller := workloadName.FindStringSubmatch(r.To); controller == nil || !strings.HasSuffix(controller[1], "job") {
					all = append(all, need{r.From, r.To, "HARD", "workloads", counts, ""})
				}
			case strings.HasPrefix(r.To, "node:"): // a workload needs any of its nodes
				all = append(all, need{r.From, r.To, "HARD", "nodes", counts, ""})
			default: // a node needs its zone and its cluster
				all = append(all, need{r.From, r.To, "HARD", "", counts, ""})
			}
		}
	}
	// A consumer needs each producer of its topic.
	for _, consumer := range c.Relations {
		for _, producer := range c.Relations {
			if strings.Contains(consumer.Role, "CONSUME") && strings.Contains(producer.Role, "PUBLISH") && consumer.To == producer.To &&
				inEnvironment(consumer, q) && inEnvironment(producer, q) {
				counts := evident(consumer, q) && evident(producer, q)
				all = append(all, need{consumer.From, producer.From, "ASYNC", "", counts, consumer.To})
			}
		}
	}
	var left []need
	for _, n := range all {
		if !removed(n.from, n.to, q) {
			left = append(left, n)
		}
	}
	for _, a := range q.Add {
		n := need{from: a.From, to: a.To, strength: a.Strength, counts: true}
		if n.strength == "" {
			n.strength = "HARD"
		}
		if a.AnyOf != "" {
			n.group = "stated " + a.AnyOf
		}
		left = append(left, n)
	}
	for i := range left {
		if left[i].from == left[i].to {
			left[i].counts = false // a relation to itself carries no failure
		}
	}
	return left
}

func inEnvironment(r Relation, q Question) bool {
	return r.Environment == "" || r.Environment == asked(q)
}

func asked(q Question) string {
	if q.Environment == "" {
		return "production"
	}
	return q.Environment
}

func evident(r Relation, q Question) bool {
	for _, e := range r.Evidence {
		if e.Stale && e.Kind == "OBSERVED" && r.Type != "runsOn" && !q.IncludeStale {
			continue // traffic that was not seen for long
		}
		if (e.Kind != "DECLARED" || r.Type == "runsOn") && e.Environment != "" && e.Environment != asked(q) {
			continue // seen, or running, elsewhere
		}
		if len(q.Evidence) == 0 {
			return true
		}
		for _, kind := range q.Evidence {
			if kind == e.Kind {
				return true
			}
		}
	}
	return false
}

// behaves is the strength that the traffic of a relation tells: of the requests in which the call failed, at least ten, how
// many more failed than of the others?
func behaves(r Relation, q Question) string {
	var all Together
	for _, e := range r.Evidence {
		if e.Environment == "" || e.Environment == asked(q) {
			all.Both, all.Call = all.Both+e.Together.Both, all.Call+e.Together.Call
			all.Request, all.None = all.Request+e.Together.Request, all.None+e.Together.None
		}
	}
	failed, others := all.Both+all.Call, all.Request+all.None
	if failed < 10 {
		return ""
	}
	more, of := all.Both*others-all.Request*failed, failed*others
	if others == 0 {
		more, of = all.Both, failed
	}
	switch {
	case 2*more >= of:
		return "HARD"
	case 5*more <= of:
		return "SOFT"
	}
	return ""
}

func removed(from, to string, q Question) bool {
	for _, pair := range q.Remove {
		if pair[0] == from && pair[1] == to {
			return true
		}
	}
	return false
}
