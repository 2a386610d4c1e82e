package catalog_test

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// A service of telemetry and what runs it, by the rules of joined.go, read once more.

func oracleIsService(alias catalog.Alias) bool { return strings.HasPrefix(string(alias), "otel:") }

func oracleIsPair(a, b catalog.Alias) bool {
	runs := func(alias catalog.Alias) bool {
		return strings.HasPrefix(string(alias), "k8s:") || strings.HasPrefix(string(alias), "faas:")
	}
	return oracleIsService(a) && runs(b) || oracleIsService(b) && runs(a)
}

// seen says whether something was observed by the name.
func (o *oracle) seen(alias catalog.Alias) bool {
	is := catalog.Subject{Alias: alias}
	return slices.ContainsFunc(o.counted, func(s statement) bool {
		return s.claim.Subject == is || slices.ContainsFunc(s.claim.Edges, func(e catalog.EdgeClaim) bool { return e.Target == is })
	})
}

// partners lists the other halves of an alias, each once.
func (o *oracle) partners(alias catalog.Alias) []catalog.Alias {
	var all []catalog.Alias
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			if s.claim.Subject.Ref != "" || !oracleIsPair(s.claim.Subject.Alias, stated.Alias) {
				continue
			}
			switch alias {
			case s.claim.Subject.Alias:
				all = append(all, stated.Alias)
			case stated.Alias:
				all = append(all, s.claim.Subject.Alias)
			}
		}
	}
	all = slices.DeleteFunc(all, o.follows)
	if o.follows(alias) {
		return nil
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// follows says whether the alias is only a further name of something.
func (o *oracle) follows(alias catalog.Alias) bool {
	return len(o.declarers(alias)) == 0 && o.isOtherName(alias)
}

// oracleRules are those of identity, the best first.
var oracleRules = []catalog.MatchedBy{"DECLARATION", "LABEL", "REWRITE", "NAMESPACE_NAME", "NAME", "DISCOVERY"}

type oracleMatch struct {
	ref catalog.Ref
	by  catalog.MatchedBy
}

// best is what those say that are known by the best rule, as long as they all say the same.
func oracleBest(all []oracleMatch) (best oracleMatch, rank int) {
	for rank, rule := range oracleRules {
		var refs []catalog.Ref
		for _, is := range all {
			if is.by == rule && !slices.Contains(refs, is.ref) {
				refs = append(refs, is.ref)
			}
		}
		switch len(refs) {
		case 0:
			continue
		case 1:
			return oracleMatch{refs[0], rule}, rank
		}
		break
	}
	return oracleMatch{}, len(oracleRules)
}

func (o *oracle) joined(alias catalog.Alias) oracleMatch {
	var own oracleMatch
	own.ref, own.by = o.resolveAlone(alias)
	partners := o.partners(alias)
	if len(o.declarers(alias)) > 0 || len(partners) == 0 {
		return own
	}
	rank := slices.Index(oracleRules, own.by)
	var others []oracleMatch
	switch {
	case !oracleIsService(alias):
		for _, service := range partners {
			if o.seen(service) {
				others = append(others, o.joined(service))
			}
		}
		if best, at := oracleBest(others); at <= rank {
			return best
		}
		if own.by == catalog.MatchedByDiscovery && !o.seen(alias) {
			return oracleMatch{}
		}
		return own
	case o.seen(alias):
		for _, workload := range partners {
			services := slices.DeleteFunc(o.partners(workload), func(a catalog.Alias) bool { return !o.seen(a) })
			if len(services) == 1 {
				ref, by := o.resolveAlone(workload)
				others = append(others, oracleMatch{ref, by})
			}
		}
		if best, at := oracleBest(others); at < rank {
			return best
		}
		return own
	}
	for _, workload := range partners {
		if is := o.joined(workload); is.by != "" {
			others = append(others, is)
		}
	}
	for _, other := range others {
		if other.ref != others[0].ref {
			return oracleMatch{}
		}
	}
	best, _ := oracleBest(others)
	return best
}
