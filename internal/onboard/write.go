package onboard

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// YAML is the file: its documents with a comment for each value. Equal drafts give equal bytes.
func (d *Draft) YAML() []byte {
	var b strings.Builder
	for _, line := range d.head() {
		b.WriteString("# " + oneLine(line, 4*maxReason) + "\n")
	}
	for i := range d.Documents {
		b.WriteString("---\n")
		for _, line := range d.Documents[i].Head {
			b.WriteString("# " + oneLine(line, 2*maxReason) + "\n")
		}
		encoder := yaml.NewEncoder(&b)
		encoder.SetIndent(2)
		// Maps of texts encode without fail.
		_ = encoder.Encode(d.Documents[i].node())
		_ = encoder.Close()
	}
	return []byte(b.String())
}

func (d *Draft) head() []string {
	lines := []string{
		"Drafted from the files of this repository, and from what was seen running where a catalog was asked. Each guess has its",
		"reason behind it: correct what is wrong, then take the comments out. `orrery validate` checks the result.",
	}
	if questions := len(d.Questions()); questions > 0 {
		lines = append(lines, "What could not be found out is marked with a question mark.")
	}
	components := 0
	for i := range d.Documents {
		if d.Documents[i].Kind == catalog.KindComponent {
			components++
		}
	}
	if components > 1 {
		lines = append(lines, "Each document may as well stand in a catalog-info.yaml of its own, named in the targets of a Location here.")
	}
	return lines
}

// tree is what a YAML map is made of, in order.
type branch struct{ yaml.Node }

func newBranch() *branch { return &branch{yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}} }

// oldBool are words that YAML 1.1 reads as true and false.
var oldBool = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off)$`)

func scalar(text string) *yaml.Node {
	var n yaml.Node
	n.SetString(text)
	n.Style = 0
	n.Tag = "!!str"
	if oldBool.MatchString(text) {
		n.Style = yaml.DoubleQuotedStyle // older readers take them for something else
	}
	return &n
}

// comment makes a value's reason one that stands behind it.
func comment(v *Value) string {
	reason := oneLine(v.Reason, maxReason)
	switch {
	case reason == "":
		return ""
	case v.Ask:
		return "# ? " + reason
	}
	return "# " + reason
}

func (b *branch) put(key string, value *yaml.Node) {
	b.Content = append(b.Content, scalar(key), value)
}

func (b *branch) value(key string, v *Value) {
	if v.Text == "" {
		return
	}
	n := scalar(v.Text)
	n.LineComment = comment(v)
	b.put(key, n)
}

func (b *branch) list(key string, values []Value) {
	if len(values) == 0 {
		return
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range values {
		n := scalar(values[i].Text)
		n.LineComment = comment(&values[i])
		list.Content = append(list.Content, n)
	}
	b.put(key, list)
}

func (b *branch) branch(key string, inner *branch) {
	if len(inner.Content) > 0 {
		b.put(key, &inner.Node)
	}
}

// node is the document as YAML, in the order in which people write these files.
func (d *Document) node() *yaml.Node {
	root, metadata, spec := newBranch(), newBranch(), newBranch()
	root.put("apiVersion", scalar("backstage.io/v1alpha1"))
	root.put("kind", scalar(d.Kind))
	metadata.value("name", &d.Name)
	metadata.value("title", &d.Title)
	metadata.value("description", &d.Description)
	annotations := newBranch()
	for i := range d.Annotations {
		annotations.value(d.Annotations[i].Key, &d.Annotations[i].Value)
	}
	metadata.branch("annotations", annotations)
	metadata.list("tags", d.Tags)
	if len(d.Links) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for i := range d.Links {
			link := newBranch()
			link.value("url", &d.Links[i].URL)
			link.value("title", &Value{Text: d.Links[i].Title})
			link.value("type", &Value{Text: d.Links[i].Type})
			list.Content = append(list.Content, &link.Node)
		}
		metadata.put("links", list)
	}
	root.branch("metadata", metadata)
	spec.value("type", &d.Type)
	spec.value("lifecycle", &d.Lifecycle)
	spec.value("owner", &d.Owner)
	spec.value("system", &d.System)
	spec.list("providesApis", d.ProvidesAPIs)
	spec.list("consumesApis", d.ConsumesAPIs)
	var plain []Value
	detailed := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range d.DependsOn {
		n := &d.DependsOn[i]
		if n.field() == "spec.dependsOn" {
			plain = append(plain, n.Value)
			continue
		}
		entry := newBranch()
		entry.value("ref", &n.Value)
		entry.value("strength", &Value{Text: strings.ToLower(n.Strength.String())})
		role := strings.ToLower(n.Role.String())
		if n.Role != catalog.PublishAndConsume {
			entry.value("role", &Value{Text: role})
			detailed.Content = append(detailed.Content, &entry.Node)
			continue
		}
		for _, one := range []string{"publish", "consume"} { // each side is an entry of its own
			side := newBranch()
			side.value("ref", &n.Value)
			side.value("role", &Value{Text: one})
			detailed.Content = append(detailed.Content, &side.Node)
		}
	}
	spec.list("dependsOn", plain)
	if len(detailed.Content) > 0 {
		spec.put("dependencies", detailed)
	}
	if d.Definition.Text != "" {
		definition := newBranch()
		definition.value("$text", &d.Definition)
		spec.branch("definition", definition)
	}
	spec.list("targets", d.Targets)
	root.branch("spec", spec)
	return &root.Node
}
