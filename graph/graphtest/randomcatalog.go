package graphtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// RandomCatalog writes the text of small catalog files that nobody would write: entities of all kinds that need each
// other in every way the design knows, with cycles, repeated descriptions, self-references, dangling references, several
// namespaces and upper case. Every document is valid. The files are in the order of their locations.
func RandomCatalog(random *rand.Rand) []string {
	c := &randomCatalog{Rand: random}
	size := 1 + c.IntN(5) // of each kind, at most
	for _, kind := range []struct {
		name string
		most int
	}{
		{"Component", 2 * size},
		{"Resource", size},
		{"API", size},
		{"System", 3},
		{"Domain", 3},
		{"Group", 3},
		{"User", 3},
		{"Journey", 2},
		{"Topic", 2},
		{"Machine", 1},
	} {
		for i := range c.IntN(kind.most + 1) {
			c.things = append(c.things, c.thing(kind.name, i))
		}
	}
	if len(c.things) == 0 {
		c.things = append(c.things, c.thing("Component", 0))
	}
	for range 1 + c.IntN(2) {
		c.file = nil
		for _, thing := range c.things {
			if c.chance(0.8) { // what no file describes is a placeholder, what both describe a conflict
				c.describe(thing)
			}
		}
		c.files = append(c.files, strings.Join(c.file, "---\n"))
	}
	return c.files
}

type randomCatalog struct {
	*rand.Rand
	things []thing
	file   []string // its documents so far
	files  []string
}

// thing is one entity that the files describe or only name.
type thing struct{ kind, namespace, name string }

// thing of a kind. A "Topic" is a Resource that messages pass through, a "Machine" is of a custom kind.
func (c *randomCatalog) thing(kind string, i int) thing {
	t := thing{kind: kind, name: fmt.Sprintf("%s%d", strings.ToLower(kind[:1]), i)}
	if kind == "Topic" {
		t.kind = "Resource"
	}
	if c.chance(0.2) {
		t.name = strings.ToUpper(t.name)
	}
	if c.chance(0.25) {
		t.namespace = "shop"
	}
	return t
}

func (c *randomCatalog) chance(p float64) bool { return c.Float64() < p }

// isTopic says whether messages pass through the thing.
func (t thing) isTopic() bool { return strings.HasPrefix(strings.ToLower(t.name), "t") }

// pick draws a thing of one of the kinds; rarely one that no file describes.
func (c *randomCatalog) pick(kinds ...string) (thing, bool) {
	if c.chance(0.05) {
		return thing{kind: kinds[c.IntN(len(kinds))], name: "missing"}, true
	}
	var fit []thing
	for _, t := range c.things {
		for _, kind := range kinds {
			if t.kind == kind {
				fit = append(fit, t)
			}
		}
	}
	if len(fit) == 0 {
		return thing{}, false
	}
	return fit[c.IntN(len(fit))], true
}

// reference writes a reference of from to a thing, as short as the default kind allows or longer, in any case.
func (c *randomCatalog) reference(from, to thing, defaultKind string) string {
	s := to.name
	if namespace := orDefault(to.namespace); namespace != orDefault(from.namespace) || c.chance(0.2) {
		s = namespace + "/" + s
	}
	if to.kind != defaultKind || c.chance(0.2) {
		kind := to.kind
		if c.chance(0.5) {
			kind = strings.ToLower(kind)
		}
		s = kind + ":" + s
	}
	return s
}

func orDefault(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

// references writes up to most of them to things of the kinds, as a flow sequence.
func (c *randomCatalog) references(from thing, most int, defaultKind string, kinds ...string) string {
	var written []string
	for range c.IntN(most + 1) {
		if to, ok := c.pick(kinds...); ok {
			written = append(written, c.reference(from, to, defaultKind))
		}
	}
	return "[" + strings.Join(written, ", ") + "]"
}

// Kinds that one can depend on, and that one can be a part of what depends.
var needable = []string{
	"Component", "Component", "Resource", "Resource", "API", "System", "Domain", "Journey", "Machine",
}

func (c *randomCatalog) describe(t thing) {
	var b strings.Builder
	version := "backstage.io/v1alpha1"
	if t.kind == "Journey" || t.kind == "Machine" {
		version = "orrery.dev/v1alpha1"
	}
	fmt.Fprintf(&b, "apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", version, t.kind, t.name)
	if t.namespace != "" {
		fmt.Fprintf(&b, "  namespace: %s\n", t.namespace)
	}
	if c.chance(0.3) {
		fmt.Fprintf(&b, "  annotations: {orrery.dev/tier: \"%d\"}\n", c.IntN(6))
	}
	b.WriteString("spec:\n  type: t\n")
	line := func(field, value string) { fmt.Fprintf(&b, "  %s: %s\n", field, value) }
	one := func(field string, probability float64, kind string) {
		if to, ok := c.pick(kind); ok && c.chance(probability) {
			line(field, c.reference(t, to, kind))
		}
	}
	if t.kind != "Group" && t.kind != "User" {
		line("lifecycle", "production")
		if owner, ok := c.pick("Group", "User"); ok {
			line("owner", c.reference(t, owner, "Group"))
		} else {
			line("owner", "nobody")
		}
	}
	switch t.kind {
	case "Component":
		one("system", 0.5, "System")
		one("subcomponentOf", 0.3, "Component")
		line("providesApis", c.references(t, 2, "API", "API"))
	case "API":
		one("system", 0.3, "System")
		line("definition", "text")
	case "Resource", "Machine":
		one("system", 0.3, "System")
	case "System":
		one("domain", 0.6, "Domain")
	case "Domain":
		one("subdomainOf", 0.5, "Domain")
	case "Group":
		one("parent", 0.3, "Group")
		line("children", c.references(t, 2, "Group", "Group"))
		line("members", c.references(t, 2, "User", "User"))
		c.file = append(c.file, b.String())
		return
	case "User":
		line("memberOf", c.references(t, 2, "Group", "Group"))
		c.file = append(c.file, b.String())
		return
	}
	c.describeNeeds(t, &b)
	c.file = append(c.file, b.String())
}

// describeNeeds writes what an entity needs. A target may stand in dependencies and in another field, too.
func (c *randomCatalog) describeNeeds(t thing, b *strings.Builder) {
	line := func(field, value string) { fmt.Fprintf(b, "  %s: %s\n", field, value) }
	if t.kind == "Component" {
		line("consumesApis", c.references(t, 2, "API", "API"))
	}
	if t.kind == "Component" || t.kind == "Resource" || t.kind == "Machine" {
		line("dependsOn", c.references(t, 3, "", "Component", "Resource", "System", "Machine"))
		line("dependencyOf", c.references(t, 1, "", "Component", "Resource", "Machine"))
	}
	entries := map[thing]bool{}
	for _, field := range []string{"dependencies", "steps"} {
		if field == "steps" && t.kind != "Journey" {
			continue
		}
		var written []string
		for range 1 + c.IntN(3) {
			if to, ok := c.pick(needable...); ok && !entries[to] {
				entries[to] = true
				written = append(written, c.entry(t, to)...)
			}
		}
		if len(written) == 0 { // a journey without steps is refused
			written = append(written, "component:nothing")
		}
		line(field, "["+strings.Join(written, ", ")+"]")
	}
}

// entry writes one or two entries to the same target; two of a topic may be its two sides.
func (c *randomCatalog) entry(from, to thing) []string {
	ref := c.reference(from, to, "")
	if c.chance(0.2) {
		return []string{ref}
	}
	fields := "ref: " + ref
	if c.chance(0.3) {
		fields += fmt.Sprintf(", anyOf: g%d", c.IntN(2))
	}
	if to.isTopic() && c.chance(0.3) {
		written := []string{"{" + fields + ", role: publish}", "{" + fields + ", role: consume, strength: soft}"}
		if c.chance(0.5) {
			written[1] = "{" + fields + ", role: consume}"
		}
		if c.chance(0.5) {
			written[0], written[1] = written[1], written[0]
		}
		return written
	}
	if to.isTopic() && c.chance(0.8) {
		fields += ", role: " + []string{"publish", "consume"}[c.IntN(2)]
	}
	if c.chance(0.5) {
		return []string{"{" + fields + "}"}
	}
	var written []string
	for range 1 + c.IntN(10)/9 { // twice: the stricter counts
		strength := []string{"hard", "soft", "async", "Soft", "HARD"}[c.IntN(5)]
		written = append(written, "{"+fields+", strength: "+strength+"}")
	}
	return written
}
