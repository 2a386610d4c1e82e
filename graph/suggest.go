package graph

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// The annotations by which a Group or User says whom it stands for on GitHub: organisation/slug, and a login.
const (
	annotationTeam  = "github.com/team-slug"
	annotationLogin = "github.com/user-login"
)

// kindGitHub is the kind of sources that may import teams.
const kindGitHub = "github"

// SuggestedOwner is somebody who may answer for an entity, by what only hints at it. It is no ownership, and counts as
// none anywhere.
type SuggestedOwner struct {
	catalog.OwnerHint
	Ref    catalog.Ref     // of the Group or User that the name means; "" = the catalog has none, or several
	Entity *catalog.Entity // of Ref
}

// SuggestedOwners are those of an entity, the likelier first, each once: where nobody is named as its owner, or nobody
// describes who is.
func (s *Snapshot) SuggestedOwners(entity *catalog.Entity) []SuggestedOwner {
	if len(entity.OwnerHints) == 0 || !entity.IsOwnable() || !s.lacksOwner(entity) {
		return nil
	}
	suggested := make([]SuggestedOwner, 0, len(entity.OwnerHints))
	for _, hint := range entity.OwnerHints {
		made := SuggestedOwner{OwnerHint: hint}
		if made.Entity = s.byHandle(hint.Name); made.Entity != nil {
			made.Ref = made.Entity.Ref
		}
		again := slices.ContainsFunc(suggested, func(other SuggestedOwner) bool {
			return other.Name == made.Name || made.Ref != "" && other.Ref == made.Ref
		})
		if !again {
			suggested = append(suggested, made)
		}
	}
	return suggested
}

// lacksOwner says whether nobody is named as the owner, or nobody describes who is.
func (s *Snapshot) lacksOwner(entity *catalog.Entity) bool {
	if entity.Owner == "" {
		return true
	}
	owner := s.Lookup(entity.Owner)
	return owner == nil || owner.Placeholder
}

// byHandle is the one Group or User that is meant where somebody writes @organisation/team, @login or an e-mail address;
// nil where there is none, or several. Who states the name goes before who only has a name like it, and what people
// wrote before what was imported.
func (s *Snapshot) byHandle(written string) *catalog.Entity {
	handle := strings.ToLower(written)
	var fits []*catalog.Entity
	for a := range s.claimants(s.handles, handle) {
		if entity := s.entity(a); slices.Contains(slices.Collect(handlesOf(entity)), handle) {
			fits = append(fits, entity)
		}
	}
	if login, ok := strings.CutPrefix(handle, "@"); ok && len(fits) == 0 {
		if organization, slug, isTeam := strings.Cut(login, "/"); isTeam {
			fits = s.calledAs("group", slug, annotationTeam)
			fits = prefer(fits, func(e *catalog.Entity) bool { return e.Ref.Namespace() == organization })
		} else {
			fits = s.calledAs("user", login, annotationLogin)
		}
	}
	fits = prefer(fits, func(e *catalog.Entity) bool { return !s.isImported(e) })
	if len(fits) != 1 {
		return nil
	}
	return fits[0]
}

// calledAs lists the described entities of a kind and name that do not say by the annotation that they are somebody else.
func (s *Snapshot) calledAs(kind, name, annotation string) []*catalog.Entity {
	var called []*catalog.Entity
	s.byName.Ascend(named{name, at(catalog.Ref(kind + ":"))}, func(n named) bool {
		if n.name != name || n.entity.Ref.Kind() != kind {
			return false
		}
		if !n.entity.Placeholder && n.entity.Annotations[annotation] == "" {
			called = append(called, n.entity)
		}
		return true
	})
	return called
}

// TeamsImported says whether a source tells which teams there are, so that a Group which nobody describes is none.
func (s *Snapshot) TeamsImported() bool {
	return slices.ContainsFunc(s.sources, func(source Source) bool { return source.Kind == kindGitHub && s.teams[source.ID] > 0 })
}

// isImported says whether an entity was told by what lists teams and people, and written by nobody into a file.
func (s *Snapshot) isImported(e *catalog.Entity) bool {
	return e.Origin != nil && e.Origin.Version == nil && slices.ContainsFunc(s.sources, func(source Source) bool {
		return source.ID == e.Origin.Source && source.Kind == kindGitHub
	})
}

// handlesOf yields the names, in lower case, by which a Group or User may be written of outside the catalog, some maybe
// twice. e may be nil.
func handlesOf(e *catalog.Entity) iter.Seq[string] {
	return func(yield func(string) bool) {
		if e == nil {
			return
		}
		var stated string
		switch e.Ref.Kind() {
		case "group":
			stated = e.Annotations[annotationTeam]
		case "user":
			stated = e.Annotations[annotationLogin]
		default:
			return
		}
		if stated != "" && !yield("@"+strings.ToLower(stated)) {
			return
		}
		if e.Profile != nil && e.Profile.Email != "" {
			yield(strings.ToLower(e.Profile.Email))
		}
	}
}

// teamSource is the source that lists an entity as a team, rather than finding it in a file; "" = it is none. e may be nil.
func teamSource(e *catalog.Entity) string {
	if e == nil || e.Ref.Kind() != "group" || e.Origin == nil || e.Origin.Version != nil || e.Annotations[annotationTeam] == "" {
		return ""
	}
	return e.Origin.Source
}

// countTeams adds to the numbers of teams by source. That of "" means nothing.
func (e *edit) countTeams(more map[string]int) {
	delete(more, "")
	if len(more) == 0 {
		return
	}
	e.teams = maps.Clone(e.teams)
	if e.teams == nil {
		e.teams = make(map[string]int)
	}
	for source, count := range more {
		e.teams[source] += count
	}
}
