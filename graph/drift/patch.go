package drift

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// Patch is what to write into a catalog file.
type Patch struct {
	// Location is the file, a path or URL; "" where there is none yet. Line is where the entity begins, or the entry that is
	// to change; 0 = unknown.
	Location string
	Line     int32
	Action   Action
	Version  *catalog.Version // of the file; nil = it is in no version control that is known

	write func() string // made when asked for: of thousands of findings a page shows few
}

// YAML has the shape of the file, and holds only what is to change. It ends in a line break.
func (p *Patch) YAML() string { return p.write() }

// Action says what to do with the YAML of a Patch.
type Action string

// The actions.
const (
	Add    Action = "ADD"    // put in what it holds, beside what is there
	Change Action = "CHANGE" // make the entry of that ref be so
	Remove Action = "REMOVE" // take out the entry of that ref
	Create Action = "CREATE" // a new file
)

// Text is the patch for people: what to do and where, then the YAML.
func (p *Patch) Text() string {
	where := cmp.Or(p.Location, "a new catalog-info.yaml")
	if p.Line > 0 {
		where += fmt.Sprintf(":%d", p.Line)
	}
	what := map[Action]string{
		Add: "add", Change: "change the entry", Remove: "remove the entry", Create: "write, with the right owner,",
	}[p.Action]
	return "# " + where + ": " + what + "\n" + p.YAML()
}

// dependency is an entry of spec.dependencies.
type dependency struct {
	Ref      string `yaml:"ref"`
	Strength string `yaml:"strength,omitempty"`
	Role     string `yaml:"role,omitempty"`
	Fallback string `yaml:"fallback,omitempty"`
}

// under is the YAML of an entry of a list of the spec, with a comment behind its first line.
func under(field string, entry any, comment string) string {
	var item yaml.Node
	if err := item.Encode(entry); err != nil {
		return ""
	}
	item.LineComment = comment
	if item.Kind == yaml.MappingNode && comment != "" {
		item.LineComment = ""
		item.Content[1].LineComment = comment
	}
	document := map[string]any{"spec": map[string]any{field: []*yaml.Node{&item}}}
	return encode(document)
}

func encode(value any) string {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if encoder.Encode(value) != nil || encoder.Close() != nil {
		return "" // texts and maps of them encode without fail
	}
	return b.String()
}

// addDependency is the entry that declares what was seen.
func (f *finder) addDependency(entity *catalog.Entity, edge *catalog.Edge, seen *measured) *Patch {
	entry := dependency{Ref: string(edge.To)}
	switch {
	case edge.Role != catalog.NoRole && edge.Role != catalog.PublishAndConsume:
		entry.Role = strings.ToLower(edge.Role.String())
	case edge.Strength == catalog.Async:
		entry.Strength = "async"
	case seen.Together.Behaves() == catalog.Soft:
		entry.Strength = "soft"
	}
	comment := ""
	if !seen.First.IsZero() {
		comment = fmt.Sprintf("seen since %s: %s", seen.First.UTC().Format("2006-01-02"), amount(seen.Requests, "request", "requests"))
	}
	return at(entity, 0, Add, func() string { return under("dependencies", entry, comment) })
}

// removeDependency names the entries that declare an edge.
func (f *finder) removeDependency(entity *catalog.Entity, edge *catalog.Edge) *Patch {
	field := "dependsOn"
	if edge.Type == catalog.ConsumesAPI {
		field = "consumesApis"
	}
	i := slices.IndexFunc(edge.Evidence, func(e catalog.Evidence) bool { return e.Kind == catalog.Declared })
	declared := &edge.Evidence[i]
	if entity.Origin == nil || declared.Origin == nil || declared.Origin.Location != entity.Origin.Location {
		return nil // the other side says so, in a file that is not the entity's
	}
	if edge.Details != nil && *edge.Details != (catalog.EdgeDetails{Protocol: edge.Details.Protocol}) || edge.AnyOf != "" || edge.Role != catalog.NoRole {
		return at(entity, declared.Line, Remove, func() string { return under("dependencies", dependency{Ref: string(edge.To)}, "") })
	}
	return at(entity, declared.Line, Remove, func() string { return under(field, string(edge.To), "") })
}

// changeStrength is the entry that states the strength that traffic shows.
func (f *finder) changeStrength(entity *catalog.Entity, edge *catalog.Edge, behaves catalog.Strength) *Patch {
	entry := dependency{Ref: string(edge.To), Strength: strings.ToLower(behaves.String())}
	if behaves == catalog.Soft {
		entry.Fallback = "say what happens without it"
	}
	i := slices.IndexFunc(edge.Evidence, func(e catalog.Evidence) bool { return e.Kind == catalog.Declared })
	return at(entity, edge.Evidence[i].Line, Change, func() string { return under("dependencies", entry, "") })
}

// anyOwner stands where a person has to write who it is.
const anyOwner = "group:default/which-team"

// declare is the file, or the field, that gives something an owner: who is suggested, where the catalog has them.
func (f *finder) declare(entity *catalog.Entity) *Patch {
	owner := anyOwner
	if who := f.suggested(entity); who != nil {
		owner = string(who.Ref)
	}
	if entity.Origin != nil && !entity.Discovered && !entity.Placeholder && !entity.Found {
		return at(entity, entity.Line, Add, func() string { return ownerField(owner) })
	}
	return &Patch{Action: Create, write: func() string { return newFile(entity) }}
}

// newFile is the catalog file of what has none.
func newFile(entity *catalog.Entity) string {
	kind := entity.Kind
	fallback := "service"
	switch entity.Ref.Kind() {
	case "component":
	case "resource":
		fallback = "database"
		if slices.ContainsFunc(entity.Aliases, func(a catalog.EntityAlias) bool { return a.Alias.World() == catalog.WorldTopic }) {
			fallback = "topic"
		}
	default:
		kind = catalog.KindComponent // a workload, say, is what a component runs on
	}
	metadata := yaml.Node{Kind: yaml.MappingNode}
	put := func(into *yaml.Node, key string, value any) {
		var k, v yaml.Node
		if k.Encode(key) == nil && v.Encode(value) == nil {
			into.Content = append(into.Content, &k, &v)
		}
	}
	put(&metadata, "name", entity.Ref.Name())
	if namespace := entity.Ref.Namespace(); namespace != catalog.DefaultNamespace {
		put(&metadata, "namespace", namespace)
	}
	if len(entity.Aliases) > 0 {
		var aliases []string
		for _, alias := range entity.Aliases {
			aliases = append(aliases, string(alias.Alias))
		}
		put(&metadata, "annotations", map[string]string{"orrery.dev/aliases": strings.Join(aliases, ", ")})
	}
	spec := yaml.Node{Kind: yaml.MappingNode}
	put(&spec, "type", fallback)
	if kind == catalog.KindComponent {
		put(&spec, "lifecycle", "production")
	}
	put(&spec, "owner", anyOwner)
	document := yaml.Node{Kind: yaml.MappingNode}
	put(&document, "apiVersion", "backstage.io/v1alpha1")
	put(&document, "kind", kind)
	put(&document, "metadata", &metadata)
	put(&document, "spec", &spec)
	return encode(&document)
}

func at(entity *catalog.Entity, line int32, action Action, write func() string) *Patch {
	if entity.Origin == nil {
		return nil
	}
	return &Patch{
		Location: entity.Origin.Location, Line: cmp.Or(line, entity.Line), Action: action, Version: entity.Origin.Version, write: write,
	}
}
