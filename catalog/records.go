package catalog

// refRecord is all that is known of a Ref.
type refRecord struct {
	ref         Ref
	described   []*claimRecord // claims that describe it, in order of precedence; the first counts
	winner      *claimRecord   // the one that is counted
	contributed []*claimRecord // other claims about it
	reverse     []occurrence   // counted reverse edges whose target it is
	aliases     []int32        // those that stand for it
	uses        int32          // how many records name it by its number
	mentions    int32          // how often counted claims mention it
	order       int32          // place among the Refs of the present change, from 1, once that is known; 0 for others
	place       int32          // among the entities of its name, where it is known
	marks       marks
	known       bool // described, as far as aliases have been told

	entity                  *Entity // nil where nobody mentions it
	row                     []Edge  // from it
	conflict, selfReference *Problem
}

// marks say what of a Ref is to be looked at in the present change.
type marks uint8

const (
	markElection marks = 1 << iota
	markEntity
	markRow
	markUse // nobody names it any more
)

// aliasRecord is all that is said of an alias.
type aliasRecord struct {
	alias    Alias
	subjects []*claimRecord // what was observed by this name
	forward  []occurrence   // edges to it
	reverse  []occurrence   // reverse edges whose target it is
	declared []occurrence   // statements of it by claims about Refs
	stated   []occurrence   // statements of it by claims about other aliases
	further  int32          // how many of stated are by what is not the other half of a pair
	selected []occurrence   // selectors that its labels match: one for each entity, the first few
	uses     int32          // how many records name it by its number
	fresh    int32          // how many of subjects, forward and reverse are not stale

	ref   int32 // what it stands for, where by is not ""
	by    MatchedBy
	place int32 // in the aliases of ref

	class   class
	sole    int32      // of a workload: the number of soleService plus one, as of the last review
	alone   resolution // what resolveAlone found; by is "" where it was not asked
	watched []watch    // what alone depends on
	told    []Problem

	first     occurrence // of forward, by precedence, or nil where that must be looked for
	wasFirst  occurrence // the one that was, while it must be looked for
	changed   bool       // is in Merger.changed
	unsettled bool       // is in Merger.unsettled
}

// resolution is what an alias stands for. by is "" where nothing that counts names the alias.
type resolution struct {
	ref int32
	by  MatchedBy
}

// watch is the name of an entity, with the place of the alias among those that watch it.
type watch struct {
	name  string
	place int32
}

// watcher is an alias, with the place of the name among those that it watches.
type watcher struct{ alias, slot int32 }

// seen says whether something was observed by the name.
func (a *aliasRecord) seen() bool { return len(a.subjects)+len(a.forward)+len(a.reverse) > 0 }

// refID is the number of a Ref for one more use, which [Merger.release] ends.
func (m *Merger) refID(ref Ref) int32 {
	id, ok := m.refIDs[ref]
	if !ok {
		var r *refRecord
		id, r = m.refs.add()
		r.ref = ref
		m.refIDs[ref] = id
	}
	m.refs.at(id).uses++
	return id
}

// aliasID is the same for an alias.
func (m *Merger) aliasID(alias Alias) int32 {
	id, ok := m.aliasIDs[alias]
	if !ok {
		var a *aliasRecord
		id, a = m.aliases.add()
		a.alias, a.class = alias, classOf(alias)
		m.aliasIDs[alias] = id
	}
	m.aliases.at(id).uses++
	return id
}

// subjectID is the number of a subject for one more use.
func (m *Merger) subjectID(subject Subject) (id int32, ok bool) {
	switch {
	case subject.Ref != "":
		return m.refID(subject.Ref), true
	case subject.Alias != "":
		return ^m.aliasID(subject.Alias), true
	}
	return 0, false
}

func (m *Merger) release(subject int32) {
	if subject < 0 {
		a := m.aliases.at(^subject)
		if a.uses--; a.uses == 0 {
			m.markAlias(^subject)
		}
		return
	}
	r := m.refs.at(subject)
	if r.uses--; r.uses == 0 {
		m.mark(subject, markUse)
	}
}

// forgetRef gives the number of a Ref back that nobody names any more.
func (m *Merger) forgetRef(id int32) {
	r := m.refs.at(id)
	if r.uses == 0 && len(r.aliases) == 0 && r.entity == nil {
		delete(m.refIDs, r.ref)
		m.refs.drop(id)
	}
}

// forgetAlias is the same for an alias.
func (m *Merger) forgetAlias(id int32) {
	if a := m.aliases.at(id); a.uses == 0 {
		delete(m.aliasIDs, a.alias)
		m.aliases.drop(id)
	}
}

func (m *Merger) mark(id int32, what marks) {
	r := m.refs.at(id)
	if r.marks == 0 {
		m.touched = append(m.touched, id)
	}
	r.marks |= what
}

// markAlias says that something else is said of an alias.
func (m *Merger) markAlias(id int32) {
	if a := m.aliases.at(id); !a.changed {
		a.changed = true
		m.changed = append(m.changed, id)
	}
}

// unsettle says that an alias must be resolved again.
func (m *Merger) unsettle(id int32) {
	if a := m.aliases.at(id); !a.unsettled {
		a.unsettled = true
		m.unsettled = append(m.unsettled, id)
	}
}

// markSubject marks the present Ref of a subject. That of an alias which becomes another is marked then, too.
func (m *Merger) markSubject(subject int32, what marks) {
	if subject >= 0 {
		m.mark(subject, what)
	} else if a := m.aliases.at(^subject); a.by != "" {
		m.mark(a.ref, what)
	}
}

// refOf is the Ref that a subject stands for. Every subject of a counted claim stands for one once aliases are resolved.
func (m *Merger) refOf(subject int32) int32 {
	if subject >= 0 {
		return subject
	}
	return m.aliases.at(^subject).ref
}
