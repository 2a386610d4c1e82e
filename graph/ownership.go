package graph

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// Ownership is the answer to "who owns this, and how do I reach them".
type Ownership struct {
	Entity   *catalog.Entity
	Owner    *catalog.Entity   // nil = nobody is named; may be a placeholder
	Members  []*catalog.Entity // Users of the owning group, by Ref
	OnCall   []catalog.Contact // of the entity, else of the owner, else of the owner's nearest groups that have any
	Runbooks []string          // URLs
	Links    []catalog.Link
	// Suggested are those of [Snapshot.SuggestedOwners]: nobody where the owner is known.
	Suggested []SuggestedOwner
}

// Ownership finds the owner of an entity. An entity without a stated owner has none, whatever it is part of. A Group or
// User without an on-call of its own inherits that of the groups it belongs to. The error is a *NotFoundError.
func (s *Snapshot) Ownership(ref catalog.Ref) (*Ownership, error) {
	a := s.find(ref)
	if a < 0 {
		return nil, s.notFound(string(ref))
	}
	entity := s.entity(a)
	answer := &Ownership{
		Entity: entity, OnCall: s.OnCall(ref), Runbooks: catalog.RunbooksOf(&entity.Descriptor), Links: entity.Links,
		Suggested: s.SuggestedOwners(entity),
	}
	if owner := s.owner(a); owner >= 0 {
		answer.Owner = s.entity(owner)
		answer.Members = s.members(owner)
	}
	return answer, nil
}

// OnCall is that of [Ownership] alone, which costs less than who the members of a large group are.
func (s *Snapshot) OnCall(ref catalog.Ref) []catalog.Contact {
	a := s.find(ref)
	if a < 0 {
		return nil
	}
	if contacts := catalog.OnCallOf(&s.entity(a).Descriptor); len(contacts) > 0 {
		return contacts
	}
	owner := s.owner(a)
	if kind := ref.Kind(); owner < 0 && (kind == "group" || kind == "user") {
		owner = a
	}
	if owner < 0 {
		return nil
	}
	return s.onCallOfOwner(owner)
}

// members lists the Users of a group.
func (s *Snapshot) members(group node) []*catalog.Entity {
	var users []*catalog.Entity
	for edge := range s.relationsTo(group) {
		if edge.Type != catalog.MemberOf || edge.From.Kind() != "user" {
			continue
		}
		if user := s.entity(s.find(edge.From)); len(users) == 0 || users[len(users)-1] != user {
			users = append(users, user)
		}
	}
	return users
}

// onCallOfOwner is the on-call of a Group or User, or of the nearest groups above it that have one: level by level, so
// that groups which contain each other end.
func (s *Snapshot) onCallOfOwner(owner node) []catalog.Contact {
	seen := map[node]bool{owner: true}
	for level := []node{owner}; len(level) > 0; {
		var contacts []catalog.Contact
		var above []node
		for _, a := range level {
			for _, contact := range catalog.OnCallOf(&s.entity(a).Descriptor) {
				if !slices.Contains(contacts, contact) {
					contacts = append(contacts, contact)
				}
			}
			for _, edge := range s.relations.at(a).out {
				if edge.Type != catalog.MemberOf {
					continue
				}
				if b := s.find(edge.To); b >= 0 && !seen[b] {
					seen[b] = true
					above = append(above, b)
				}
			}
		}
		if len(contacts) > 0 {
			return contacts
		}
		slices.SortFunc(above, s.compare)
		level = above
	}
	return nil
}
