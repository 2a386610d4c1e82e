package catalog

import (
	"iter"
	"slices"
)

// A service of telemetry and the workload or function that runs it are one thing, known by two names: its telemetry states
// by what it is run (k8s:, faas:), or the configuration of the workload states as which service it reports (otel:). What one
// of the two is, the other is as well, by the better of their rules, in the order of [MatchedBy]:
//
//   - A name that an entity claims is that entity's, whatever the other is.
//   - A service is what the workload is, where the rule for that is better than its own; but only of workloads that run
//     no other service that was seen. A workload that many services name (a collector that puts its own name on all that it
//     passes on) would make them all one.
//   - A workload is what its service is, where that rule is as good as its own or better; of several services the best
//     known one, and none where several are equally well known.
//   - A name that something else states as a further one of its own follows that, and has no other half.
//   - Where nobody knows either, they are the entity that is discovered for the service. Only where the service was never
//     seen, but the configuration names it, it is the workload.

// class says which part of such a pair an alias may be.
type class uint8

const (
	classOther class = iota
	classService
	classWorkload
)

func classOf(alias Alias) class {
	switch alias.World() {
	case WorldOTel:
		return classService
	case WorldKubernetes, WorldFunction:
		return classWorkload
	}
	return classOther
}

// isPair says whether two aliases, one of which states the other, are such names.
func (a *aliasRecord) isPair(b *aliasRecord) bool {
	return a.class != classOther && b.class != classOther && a.class != b.class
}

// pairs yields, each at least once, the aliases that state an alias as the other half, or that it states.
func (m *Merger) pairs(a *aliasRecord) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		if a.class == classOther {
			return
		}
		for _, c := range a.subjects {
			for i := range c.aliases {
				if id := c.aliases[i].alias; a.isPair(m.aliases.at(id)) && !yield(id) {
					return
				}
			}
		}
		for _, statement := range a.stated {
			if id := ^statement.claim.subject; a.isPair(m.aliases.at(id)) && !yield(id) {
				return
			}
		}
	}
}

// partners yields those of the pairs that count.
func (m *Merger) partners(a *aliasRecord) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		if a.follows() {
			return
		}
		for id := range m.pairs(a) {
			if !m.aliases.at(id).follows() && !yield(id) {
				return
			}
		}
	}
}

func (m *Merger) hasPartner(a *aliasRecord) bool {
	for range m.partners(a) {
		return true
	}
	return false
}

// follows says whether nobody claims the alias, and something observed states it as a further name of its own.
func (a *aliasRecord) follows() bool { return a.further > 0 && !a.words().claimed }

// soleService is the only service that was seen to run on a workload; none for no one, and for several.
func (m *Merger) soleService(a *aliasRecord) int32 {
	sole := int32(none)
	for id := range m.partners(a) {
		switch {
		case id == sole || !m.aliases.at(id).seen():
		case sole != none:
			return none
		default:
			sole = id
		}
	}
	return sole
}

// touch has an alias, and what it states as further names of its own, resolved again.
func (m *Merger) touch(id int32) {
	m.unsettle(id)
	for _, c := range m.aliases.at(id).subjects {
		for _, stated := range c.aliases {
			m.unsettle(stated.alias)
		}
	}
}

// touchJoined has those resolved again that depend on an alias as its partners, or by them. A workload of many services
// only passes on what matters to each of them: whether it is the only one.
func (m *Merger) touchJoined(id int32) {
	a := m.aliases.at(id)
	switch a.class {
	case classWorkload:
		m.touchWorkload(id)
	case classService:
		for workload := range m.pairs(a) {
			m.touchWorkload(workload)
		}
	}
}

func (m *Merger) touchWorkload(id int32) {
	a := m.aliases.at(id)
	m.touch(id) // with the services that its configuration names
	before, now := a.sole-1, m.soleService(a)
	a.sole = now + 1
	for _, service := range [...]int32{before, now} {
		if service == none {
			continue
		}
		m.touch(service)
		for other := range m.pairs(m.aliases.at(service)) {
			m.touch(other)
		}
	}
}

// joined is what an alias is by all rules but the word of something observed that gives it as a further name.
func (m *Merger) joined(id int32) resolution {
	a := m.aliases.at(id)
	if a.class == classOther || a.words().claimed {
		return m.resolveAlone(id)
	}
	if is, ok := m.joins[id]; ok {
		return is
	}
	var is resolution
	switch {
	case a.class == classWorkload:
		is = m.joinedWorkload(id)
	case a.seen():
		is = m.joinedService(id)
	default:
		is = m.joinedUnseen(a)
	}
	m.joins[id] = is
	return is
}

// joinedService is what a service is that was seen.
func (m *Merger) joinedService(id int32) resolution {
	own, best := m.resolveAlone(id), choice{}
	for workload := range m.partners(m.aliases.at(id)) {
		if m.soleService(m.aliases.at(workload)) == id {
			best.add(m.resolveAlone(workload))
		}
	}
	if is, ok := best.only(); ok && is.by.rank() < own.by.rank() {
		return is
	}
	return own
}

// joinedWorkload is what a workload or function is; by is "" where it was not seen and nothing says what it is.
func (m *Merger) joinedWorkload(id int32) resolution {
	a := m.aliases.at(id)
	own, best := m.resolveAlone(id), choice{}
	for service := range m.partners(a) {
		if m.aliases.at(service).seen() {
			best.add(m.joined(service))
		}
	}
	if is, ok := best.only(); ok && is.by.rank() <= own.by.rank() {
		return is
	}
	if own.by == MatchedByDiscovery && !a.seen() {
		return resolution{}
	}
	return own
}

// joinedUnseen is what a service is that only configuration names: what the workloads are that it reports for.
func (m *Merger) joinedUnseen(a *aliasRecord) resolution {
	var all choice
	for workload := range m.partners(a) {
		is := m.joined(workload)
		if is.by != "" && all.known && all.ref != is.ref {
			return resolution{}
		}
		all.add(is)
	}
	return all.resolution
}

// choice is the best of several resolutions.
type choice struct {
	resolution
	known, several bool // several different entities are equally well known
}

func (c *choice) add(is resolution) {
	switch {
	case is.by == "":
	case !c.known || is.by.rank() < c.by.rank():
		*c = choice{resolution: is, known: true}
	case is.by.rank() == c.by.rank() && is.ref != c.ref:
		c.several = true
	}
}

func (c *choice) only() (is resolution, ok bool) { return c.resolution, c.known && !c.several }

// rank orders the rules, the best first.
func (b MatchedBy) rank() int {
	return slices.Index([]MatchedBy{
		MatchedByDeclaration, MatchedByLabel, MatchedByRewrite, MatchedByNamespaceName, MatchedByName, MatchedByDiscovery,
	}, b)
}
