package catalog

import (
	"slices"
	"strings"
)

// The labels that may name the entity of what has them.
const (
	LabelKubernetesID = "backstage.io/kubernetes-id"
	labelAppName      = "app.kubernetes.io/name"
	labelAppInstance  = "app.kubernetes.io/instance"
)

// labelRecord is a label of something observed.
type labelRecord struct {
	labelKey
	place int32 // in the list of the index
}

// labelKey is a label. In a scope, which is the namespace of a cluster, it stands once more where it must be unique there.
type labelKey struct{ scope, key, value string }

// labelIndex finds what has a label.
type labelIndex map[labelKey][]occurrence

// selectorRecord is a Selector. It is found by one of its requirements, which names values; one that has no such
// requirement matches nothing.
type selectorRecord struct {
	Selector
	by int32 // requirement; none
}

// selectorIndex finds selectors by a label that they require.
type selectorIndex map[labelKey][]occurrence

// labelsOf is a label of something observed, with its scope where that counts.
func labelsOf(alias Alias, key, value string) []labelRecord {
	labels := []labelRecord{{labelKey: labelKey{key: key, value: value}}}
	if key == labelAppName {
		labels = append(labels, labelRecord{labelKey: labelKey{scopeOf(alias), key, value}})
	}
	return labels
}

// scopeOf is the world, cluster and namespace of an alias.
func scopeOf(alias Alias) string {
	world, rest := alias.cut()
	if w, ok := splitWorkload(rest); ok && world == WorldKubernetes {
		return world + ":" + w.cluster + "/" + w.namespace
	}
	return world + ":" + likenessOf(alias).namespace
}

// label is the value of a label.
func (c *claimRecord) label(key string) (value string, ok bool) {
	for i := range c.more.labels {
		if l := &c.more.labels[i]; l.key == key {
			return l.value, true
		}
	}
	return "", false
}

// countLabel puts a label into the index, or takes it out. Whether a name is unique in its namespace changes with the
// second that has it.
func (m *Merger) countLabel(c *claimRecord, i int32, in bool) {
	label := &c.more.labels[i]
	list := m.labels[label.labelKey]
	if in {
		label.place = int32(len(list))
		list = append(list, occurrence{c, i})
	}
	if label.scope != "" {
		m.markNamesakes(list)
	}
	if !in {
		var moved bool
		if list, moved = take(list, label.place); moved {
			other := list[label.place]
			other.claim.more.labels[other.index].place = label.place
		}
	}
	keep(m.labels, label.labelKey, list)
}

// markNamesakes marks those that have a label in one namespace, where they are at most two.
func (m *Merger) markNamesakes(list []occurrence) {
	var distinct []int32
	for _, has := range list {
		if !slices.Contains(distinct, has.claim.subject) {
			if distinct = append(distinct, has.claim.subject); len(distinct) > 2 {
				return
			}
		}
	}
	for _, subject := range distinct {
		m.markAlias(^subject)
	}
}

// namesInLabels are the names of entities that the labels of something observed give, in the order to try: its id for
// Backstage, then its name where nothing else in its namespace has that, and otherwise its instance.
func (m *Merger) namesInLabels(c *claimRecord) []string {
	var names []string
	if id, ok := c.label(LabelKubernetesID); ok {
		names = append(names, id)
	}
	for i := range c.more.labels {
		label := &c.more.labels[i]
		if label.scope == "" {
			continue
		}
		another := func(has occurrence) bool { return has.claim.subject != c.subject }
		if !slices.ContainsFunc(m.labels[label.labelKey], another) {
			return append(names, label.value)
		}
	}
	if instance, ok := c.label(labelAppInstance); ok {
		names = append(names, instance)
	}
	return names
}

// countSelector puts a selector into the index, or takes it out, and marks what it matches.
func (m *Merger) countSelector(c *claimRecord, i int32, in bool) {
	selector := &c.more.selectors[i]
	if in {
		selector.by = m.rarest(selector)
	}
	if selector.by == none {
		return
	}
	required := &selector.Requirements[selector.by]
	for _, value := range required.Values {
		key := labelKey{key: required.Key, value: value}
		list := m.selectors[key]
		if in {
			list = append(list, occurrence{c, i})
		} else {
			list = without(list, occurrence{c, i})
		}
		keep(m.selectors, key, list)
		for _, has := range m.labels[key] {
			if selector.matches(has.claim, m.aliases.at(^has.claim.subject).alias) {
				m.markAlias(^has.claim.subject)
			}
		}
	}
}

// rarest is the requirement by which to find a selector: that which the fewest share. It makes no difference to what
// the selector matches.
func (m *Merger) rarest(selector *selectorRecord) int32 {
	best, fewest := int32(none), 0
	for i := range selector.Requirements {
		required := &selector.Requirements[i]
		if required.Not || len(required.Values) == 0 {
			continue
		}
		sharing := 0
		for _, value := range required.Values {
			key := labelKey{key: required.Key, value: value}
			sharing += len(m.selectors[key]) + len(m.labels[key])
		}
		if best == none || sharing < fewest {
			best, fewest = int32(i), sharing
		}
	}
	return best
}

// maxSelectors bounds how many entities a workload remembers that select it, and so how many problems that makes.
const maxSelectors = 20

// selectorsOf finds the selectors that match what was observed by a name: the first by precedence, one of each entity.
func (m *Merger) selectorsOf(a *aliasRecord) (first []occurrence) {
	for _, c := range a.subjects {
		if c.more == nil {
			continue
		}
		for i := range c.more.labels {
			label := &c.more.labels[i]
			if label.scope != "" {
				continue
			}
			for _, s := range m.selectors[label.labelKey] {
				if s.claim.more.selectors[s.index].matches(c, a.alias) {
					first = addSelector(first, s)
				}
			}
		}
	}
	return first
}

// addSelector adds to a list that is in order and is kept to maxSelectors.
func addSelector(list []occurrence, s occurrence) []occurrence {
	if len(list) == maxSelectors && compareOccurrences(s, list[maxSelectors-1]) >= 0 {
		return list
	}
	same := slices.IndexFunc(list, func(other occurrence) bool { return other.claim.subject == s.claim.subject })
	if same >= 0 {
		if compareOccurrences(s, list[same]) >= 0 {
			return list
		}
		list = slices.Delete(list, same, same+1)
	}
	at, _ := slices.BinarySearchFunc(list, s, compareOccurrences)
	list = slices.Insert(list, at, s)
	return list[:min(len(list), maxSelectors)]
}

// matches says whether the selector matches the labels of something observed by a name.
func (s *Selector) matches(c *claimRecord, alias Alias) bool {
	if s.Namespace != "" && s.Namespace != likenessOf(alias).namespace {
		return false
	}
	for i := range s.Requirements {
		required := &s.Requirements[i]
		value, holds := c.label(required.Key)
		if len(required.Values) > 0 {
			holds = holds && slices.Contains(required.Values, value)
		}
		if holds == required.Not {
			return false
		}
	}
	return true
}

// String writes the selector as Kubernetes does.
func (s Selector) String() string {
	parts := make([]string, len(s.Requirements))
	for i, required := range s.Requirements {
		switch {
		case len(required.Values) == 0 && required.Not:
			parts[i] = "!" + required.Key
		case len(required.Values) == 0:
			parts[i] = required.Key
		case len(required.Values) == 1 && required.Not:
			parts[i] = required.Key + "!=" + required.Values[0]
		case len(required.Values) == 1:
			parts[i] = required.Key + "=" + required.Values[0]
		case required.Not:
			parts[i] = required.Key + " notin (" + strings.Join(required.Values, ",") + ")"
		default:
			parts[i] = required.Key + " in (" + strings.Join(required.Values, ",") + ")"
		}
	}
	text := strings.Join(parts, ",")
	if s.Namespace != "" {
		text += " in namespace " + s.Namespace
	}
	return text
}
