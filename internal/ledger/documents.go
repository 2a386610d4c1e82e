package ledger

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// caller is what one document is about: a service in an environment.
type caller struct {
	environment string
	alias       catalog.Alias
	flows       map[traffic.FlowKey]bool
	services    map[traffic.ServiceKey]bool
	changed     bool
}

// scopeOf names the scope of a caller. A scope that ends in a slash would stand for others.
func scopeOf(environment string, alias catalog.Alias) string {
	scope := url.PathEscape(environment) + "/" + string(alias)
	if strings.HasSuffix(scope, "/") {
		scope += "."
	}
	return scope
}

// caller is the one of a key, with a place for it.
func (s *source) caller(written string, alias catalog.Alias) *caller {
	environment := s.ledger.environment(s, written)
	scope := scopeOf(environment, alias)
	c := s.callers[scope]
	if c == nil {
		c = &caller{
			environment: environment, alias: alias, flows: make(map[traffic.FlowKey]bool), services: make(map[traffic.ServiceKey]bool),
		}
		s.callers[scope] = c
	}
	return c
}

// said is what a document says of something, apart from when it was seen last.
type said struct {
	phase    phase
	place    string
	protocol string
	entry    catalog.Entry
	aliases  int // a change of their number is one of them: they are only ever added
}

// noteFlow takes note of a flow that was counted anew.
func (s *source) noteFlow(key traffic.FlowKey, at *flow) {
	c := s.caller(key.Environment, key.From)
	at.phase = s.phase(&at.kept)
	if now := (said{phase: at.phase, place: at.place, protocol: at.protocol}); at.said != now || !c.flows[key] {
		at.said, c.flows[key], c.changed = now, true, true
	}
}

// forgetFlow takes note that nothing is held of a flow.
func (s *source) forgetFlow(key traffic.FlowKey) {
	if c := s.caller(key.Environment, key.From); c.flows[key] {
		delete(c.flows, key)
		c.changed = true
	}
}

func (s *source) noteService(key traffic.ServiceKey, at *service) {
	c := s.caller(key.Environment, key.Alias)
	at.phase = s.phase(&at.kept)
	if now := (said{phase: at.phase, place: at.place, entry: at.entry, aliases: len(at.aliases)}); at.said != now || !c.services[key] {
		at.said, c.services[key], c.changed = now, true, true
	}
}

func (s *source) forgetService(key traffic.ServiceKey) {
	if c := s.caller(key.Environment, key.Alias); c.services[key] {
		delete(c.services, key)
		c.changed = true
	}
}

// phase says how old something is, counted from the newest of the source.
func (s *source) phase(of *kept) phase {
	age := time.Duration(0)
	if of.ages && of.last > 0 && of.last < s.newest {
		age = s.newest.Time().Sub(of.last.Time())
	}
	switch {
	case age > s.config.RemoveAfter:
		return gone
	case age > s.config.StaleAfter:
		return stale
	}
	return fresh
}

// sweep looks at all ages, where the newest has gone on.
func (s *source) sweep() {
	if s.swept == s.newest {
		return
	}
	s.swept = s.newest
	for key, at := range s.flows {
		if at.phase != s.phase(&at.kept) {
			s.noteFlow(key, at)
		}
	}
	for key, at := range s.services {
		if at.phase != s.phase(&at.kept) {
			s.noteService(key, at)
		}
	}
}

// hearing is somebody who hears of scopes that change.
type hearing struct {
	signal chan struct{} // has one when there is something to take
	scopes map[string]bool
}

// tellChanges tells those who hear of them which scopes have changed.
func (s *source) tellChanges() {
	s.sweep()
	for scope, c := range s.callers {
		if !c.changed {
			continue
		}
		c.changed = false
		for h := range s.heard {
			h.scopes[scope] = true
		}
		if len(c.flows) == 0 && len(c.services) == 0 {
			delete(s.callers, scope)
		}
	}
	for h := range s.heard {
		if len(h.scopes) > 0 {
			h.wake()
		}
	}
}

func (h *hearing) wake() {
	select {
	case h.signal <- struct{}{}:
	default: // there is one already
	}
}

// scope is what the source says about a caller now; ok is false where that is nothing.
func (s *source) scope(name string, c *caller) (scope scanners.Scope, ok bool) {
	claim := catalog.Claim{Subject: catalog.Subject{Alias: c.alias}}
	var seen kept // of all of it
	for key := range c.services {
		at := s.services[key]
		if at == nil || at.phase == gone {
			continue
		}
		seen.unite(&at.kept)
		claim.Entry = max(claim.Entry, at.entry)
		for _, alias := range at.aliases {
			if !slices.ContainsFunc(claim.Aliases, func(a catalog.AliasClaim) bool { return a.Alias == alias }) && alias != c.alias {
				claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias})
			}
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(c.flows), traffic.FlowKey.Compare) {
		at := s.flows[key]
		if at == nil || at.phase == gone {
			continue
		}
		seen.unite(&at.kept)
		said := edge(key, at)
		if key.Way == traffic.Receive && s.calls(c, key, at.phase) {
			said.Strength = catalog.Unstated // to call it is the stricter need
		}
		claim.Edges = append(claim.Edges, said)
	}
	if !seen.held {
		return scanners.Scope{Name: name}, false
	}
	if seen.phase == stale {
		claim.Stale, claim.LastSeen = true, seen.last
	}
	slices.SortFunc(claim.Aliases, func(a, b catalog.AliasClaim) int { return strings.Compare(string(a.Alias), string(b.Alias)) })
	return scanners.Scope{Name: name, Documents: []*catalog.Document{{
		Environment: c.environment, Location: seen.place, Claims: []catalog.Claim{claim},
	}}}, true
}

// calls says whether a caller also calls who it gets messages from, as freshly.
func (s *source) calls(c *caller, received traffic.FlowKey, phase phase) bool {
	received.Way = traffic.Call
	if _, there := c.flows[received]; !there {
		return false
	}
	at := s.flows[received]
	return at != nil && at.phase >= phase
}

func (k *kept) unite(other *kept) {
	k.place = together(k.held, k.place, other.place)
	k.held = true
	k.phase = max(k.phase, other.phase)
	k.last = max(k.last, other.last)
}

// edge is what a document says of a flow.
func edge(key traffic.FlowKey, at *flow) catalog.EdgeClaim {
	claim := catalog.EdgeClaim{
		Target: catalog.Subject{Alias: key.To}, Type: catalog.DependsOn, Evidence: catalog.Observed, Protocol: at.protocol, Flow: at.id,
	}
	switch key.Way {
	case traffic.Call:
	case traffic.Publish:
		claim.Role = catalog.Publish
	case traffic.Consume:
		claim.Role = catalog.Consume
	case traffic.Receive:
		claim.Strength = catalog.Async
	}
	if at.phase == stale {
		claim.Stale, claim.LastSeen = true, at.last
	}
	return claim
}

// scopes are those of the names, or all, sorted. Of those that a source says nothing about there is none.
func (s *source) scopes(names []string) []scanners.Scope {
	asked := make(map[string]*caller)
	if names == nil {
		asked = s.callers
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "/") {
			if c := s.callers[name]; c != nil {
				asked[name] = c
			}
			continue
		}
		for scope, c := range s.callers {
			if strings.HasPrefix(scope, name) {
				asked[scope] = c
			}
		}
	}
	var scopes []scanners.Scope
	for name, c := range asked {
		if scope, ok := s.scope(name, c); ok {
			scopes = append(scopes, scope)
		}
	}
	slices.SortFunc(scopes, func(a, b scanners.Scope) int { return cmp.Compare(a.Name, b.Name) })
	return scopes
}
