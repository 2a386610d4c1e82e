package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is what a catalog file says, as far as failures care.
type document struct {
	Kind     string   `yaml:"kind"`
	Metadata metadata `yaml:"metadata"`
	Spec     spec     `yaml:"spec"`
}

type metadata struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
}

type spec struct {
	Owner          string   `yaml:"owner"`
	System         string   `yaml:"system"`
	Domain         string   `yaml:"domain"`
	SubcomponentOf string   `yaml:"subcomponentOf"`
	SubdomainOf    string   `yaml:"subdomainOf"`
	ProvidesApis   []string `yaml:"providesApis"`
	ConsumesApis   []string `yaml:"consumesApis"`
	DependsOn      []string `yaml:"dependsOn"`
	DependencyOf   []string `yaml:"dependencyOf"`
	Dependencies   []entry  `yaml:"dependencies"`
	Steps          []entry  `yaml:"steps"`
	Parent         string   `yaml:"parent"`
	Children       []string `yaml:"children"`
	Members        []string `yaml:"members"`
	MemberOf       []string `yaml:"memberOf"`
}

// entry is one of `dependencies` or of a journey's `steps`: a bare reference, or a map.
type entry struct{ Ref, Strength, AnyOf, Role string }

func (e *entry) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&e.Ref)
	}
	var fields struct {
		Ref      string `yaml:"ref"`
		Strength string `yaml:"strength"`
		AnyOf    string `yaml:"anyOf"`
		Role     string `yaml:"role"`
	}
	err := n.Decode(&fields)
	e.Ref, e.AnyOf = fields.Ref, fields.AnyOf
	e.Strength, e.Role = strings.ToUpper(fields.Strength), strings.ToUpper(fields.Role)
	return err
}

// Read reads catalog files. Of two documents for one entity the earlier counts, so the files must come in the order of
// their locations. Every document must be valid.
func Read(files ...string) (*Catalog, error) {
	c := &Catalog{Entities: map[string]bool{}}
	described := map[string]bool{}
	for _, file := range files {
		decoder := yaml.NewDecoder(bytes.NewBufferString(file))
		for {
			var d document
			err := decoder.Decode(&d)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("the oracle cannot read the catalog: %w", err)
			}
			self := full(d.Metadata.Name, d.Kind, d.Metadata.Namespace)
			if !described[self] {
				described[self] = true
				c.Entities[self] = true
				c.describe(self, d)
			}
		}
	}
	return c, nil
}

// full completes a reference: [kind:][namespace/]name.
func full(reference, kind, namespace string) string {
	if namespace == "" {
		namespace = "default"
	}
	name := reference
	if i := strings.Index(name, ":"); i >= 0 {
		kind, name = name[:i], name[i+1:]
	}
	if i := strings.Index(name, "/"); i >= 0 {
		namespace, name = name[:i], name[i+1:]
	}
	return strings.ToLower(kind + ":" + namespace + "/" + name)
}

// describe adds the relations that one document states.
func (c *Catalog) describe(self string, d document) {
	ref := func(reference, kind string) string { return full(reference, kind, d.Metadata.Namespace) }
	s := d.Spec
	if s.Owner != "" {
		c.Entities[ref(s.Owner, "group")] = true
	}
	for _, group := range append(append([]string{}, s.Children...), s.MemberOf...) {
		c.Entities[ref(group, "group")] = true
	}
	if s.Parent != "" {
		c.Entities[ref(s.Parent, "group")] = true
	}
	for _, user := range s.Members {
		c.Entities[ref(user, "user")] = true
	}
	for _, whole := range [][2]string{
		{s.System, "system"}, {s.Domain, "domain"}, {s.SubcomponentOf, "component"}, {s.SubdomainOf, "domain"},
	} {
		if whole[0] != "" {
			c.state(Relation{From: self, To: ref(whole[0], whole[1]), Type: "partOf"})
		}
	}
	for _, api := range s.ProvidesApis {
		c.state(Relation{From: self, To: ref(api, "api"), Type: "providesApi"})
	}
	var consumed []string
	for _, api := range s.ConsumesApis {
		consumed = append(consumed, ref(api, "api"))
		c.state(Relation{From: self, To: ref(api, "api"), Type: "consumesApi"})
	}
	for _, target := range s.DependsOn {
		c.state(Relation{From: self, To: ref(target, "component"), Type: "dependsOn"})
	}
	for _, source := range s.DependencyOf {
		c.state(Relation{From: ref(source, "component"), To: self, Type: "dependsOn"})
	}
	for _, e := range append(append([]entry{}, s.Dependencies...), s.Steps...) {
		r := Relation{
			From: self, To: ref(e.Ref, "component"), Type: "dependsOn", Strength: e.Strength, AnyOf: e.AnyOf, Role: e.Role,
		}
		if slices.Contains(consumed, r.To) {
			r.Type = "consumesApi"
		}
		c.state(r)
	}
}

// state adds a declared relation. One that is stated more than once is one relation: what one of them says of any-of
// group counts, of strengths the strictest, and of roles both. A role says how strong it is where no strength does.
func (c *Catalog) state(r Relation) {
	r.Evidence = []Evidence{{Kind: "DECLARED"}}
	if r.Strength == "" {
		r.Strength = map[string]string{"PUBLISH": "HARD", "CONSUME": "ASYNC"}[r.Role]
	}
	for i := range c.Relations {
		old := &c.Relations[i]
		if old.From == r.From && old.To == r.To && old.Type == r.Type {
			if old.AnyOf == "" {
				old.AnyOf = r.AnyOf
			}
			switch {
			case old.Role == "":
				old.Role = r.Role
			case r.Role != "" && r.Role != old.Role:
				old.Role = "PUBLISH_AND_CONSUME"
			}
			if strictness(r.Strength) > strictness(old.Strength) {
				old.Strength = r.Strength
			}
			return
		}
	}
	c.Add(r)
}

func strictness(strength string) int {
	return slices.Index([]string{"", "ASYNC", "SOFT", "HARD"}, strength)
}
