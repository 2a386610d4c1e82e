package descriptor

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// shape is what a field of spec must look like. Those from dependencyList on are Orrery's own: Backstage lets anything
// pass there, so a wrong value is a warning.
type shape uint8

const (
	text1          shape = iota // a text that is not empty
	bulk                        // the same, never stored and never looked into
	reference                   // a text that names an entity
	references                  // a list of them
	looseRefs                   // what Backstage honours without checking: a reference or a list, compound ones included
	profile                     // how a person or team shows itself
	texts                       // a list of texts that are not empty
	presence                    // required or optional
	remotes                     // a list of maps with type and url
	dependencyList              // a list of references and maps with ref, strength ...
	objective                   // a map with availability and window
	capacity                    // a map with requestsPerSecond
)

// field is one field of spec. The table of a kind drives the checks, the spelling hints and the JSON Schema.
type field struct {
	name     string
	shape    shape
	required bool
	about    string

	// Of references:
	relation    catalog.RelationType
	reverse     bool     // the target relates to this entity
	defaultKind string   // of a reference without one; "" = it must be written
	also        []string // other kinds that the field is meant for
}

// kind is what is known of one kind of entity.
type kind struct {
	name     string
	versions []string // the apiVersions under which it is known
	about    string
	noSpec   bool // spec may be left out
	fields   []field
}

var (
	backstageVersions = []string{"backstage.io/v1alpha1", "backstage.io/v1beta1"}
	orreryVersions    = []string{"orrery.dev/v1alpha1"}
)

func must(f field) field {
	f.required = true
	return f
}

var (
	ownerField = field{
		name: "owner", shape: reference, relation: catalog.OwnedBy, defaultKind: catalog.KindGroup,
		also: []string{catalog.KindUser}, about: "The group or user that answers for it.",
	}
	systemField = field{
		name: "system", shape: reference, relation: catalog.PartOf, defaultKind: catalog.KindSystem,
		about: "The system it is a part of.",
	}
	typeField      = field{name: "type", shape: text1, about: "What sort of thing it is, in words of your own, such as service."}
	lifecycleField = field{name: "lifecycle", shape: text1, about: "How far it is, in words of your own, such as production."}
	dependsOnField = field{
		name: "dependsOn", shape: references, relation: catalog.DependsOn,
		about: "Entities it needs, each with its kind, such as resource:orders-db.",
	}
	dependencyOfField = field{
		name: "dependencyOf", shape: looseRefs, relation: catalog.DependsOn, reverse: true,
		about: "Entities that need it, each with its kind.",
	}
	profileField = field{name: "profile", shape: profile, about: "How it shows itself to people."}

	// Beside the Backstage fields, on every kind that can need something.
	dependenciesField = field{
		name: "dependencies", shape: dependencyList, relation: catalog.DependsOn,
		about: "Entities it needs, with what is known about how. An entry here wins over the same target in dependsOn or consumesApis.",
	}
	sloField      = field{name: "slo", shape: objective, about: "The availability it promises."}
	capacityField = field{name: "capacity", shape: capacity, about: "The load it is built for."}
)

// kinds is the table of all kinds that have rules of their own.
var kinds = []kind{
	{
		name: catalog.KindComponent, versions: backstageVersions, about: "A piece of software, such as a service or a library.",
		fields: []field{
			must(typeField), must(lifecycleField), must(ownerField), systemField,
			{
				name: "subcomponentOf", shape: reference, relation: catalog.PartOf, defaultKind: catalog.KindComponent,
				about: "The component it is a part of.",
			},
			{
				name: "providesApis", shape: references, relation: catalog.ProvidesAPI, defaultKind: catalog.KindAPI,
				about: "APIs it serves.",
			},
			{
				name: "consumesApis", shape: references, relation: catalog.ConsumesAPI, defaultKind: catalog.KindAPI,
				about: "APIs it calls.",
			},
			dependsOnField, dependencyOfField, dependenciesField, sloField, capacityField,
		},
	},
	{
		name: catalog.KindAPI, versions: backstageVersions, about: "An interface that components provide and consume.",
		fields: []field{
			must(typeField), must(lifecycleField), must(ownerField), systemField,
			must(field{name: "definition", shape: bulk, about: "The definition, in the format that type names. Usually $text: ./openapi.yaml."}),
			{name: "remotes", shape: remotes, about: "Where an API of type mcp-server is reached; it takes the place of definition."},
			dependenciesField, sloField, capacityField,
		},
	},
	{
		name: catalog.KindResource, versions: backstageVersions, about: "Infrastructure that components need, such as a database.",
		fields: []field{
			must(typeField), must(ownerField), systemField, dependsOnField, dependencyOfField,
			dependenciesField, sloField, capacityField,
		},
	},
	{
		name: catalog.KindSystem, versions: backstageVersions, about: "Components, APIs and resources that belong together.",
		fields: []field{
			must(ownerField),
			{
				name: "domain", shape: reference, relation: catalog.PartOf, defaultKind: catalog.KindDomain,
				about: "The domain it is a part of.",
			},
			typeField, dependenciesField, sloField, capacityField,
		},
	},
	{
		name: catalog.KindDomain, versions: backstageVersions, about: "Systems that serve one part of the business.",
		fields: []field{
			must(ownerField),
			{
				name: "subdomainOf", shape: reference, relation: catalog.PartOf, defaultKind: catalog.KindDomain,
				about: "The domain it is a part of.",
			},
			typeField, dependenciesField, sloField, capacityField,
		},
	},
	{
		name: catalog.KindGroup, versions: backstageVersions, about: "A team, or another unit of people.",
		fields: []field{
			must(typeField), profileField,
			{
				name: "parent", shape: reference, relation: catalog.MemberOf, defaultKind: catalog.KindGroup,
				about: "The group above it.",
			},
			must(field{
				name: "children", shape: references, relation: catalog.MemberOf, reverse: true,
				defaultKind: catalog.KindGroup, about: "The groups right below it; [] for none.",
			}),
			{
				name: "members", shape: references, relation: catalog.MemberOf, reverse: true, defaultKind: catalog.KindUser,
				about: "The users in it.",
			},
		},
	},
	{
		name: catalog.KindUser, versions: backstageVersions, about: "A person.",
		fields: []field{
			profileField,
			must(field{
				name: "memberOf", shape: references, relation: catalog.MemberOf, defaultKind: catalog.KindGroup,
				about: "The groups the person is in; [] for none.",
			}),
		},
	},
	{
		name: catalog.KindLocation, versions: backstageVersions, about: "A pointer to other catalog files.",
		fields: []field{
			{name: "type", shape: text1, about: "url or file; without it, that of the file it stands in."},
			{name: "target", shape: text1, about: "A URL, or a path relative to this file; * and ** may stand in it."},
			{name: "targets", shape: texts, about: "Several of them."},
			{name: "presence", shape: presence, about: "Whether the target must exist: required (default) or optional."},
		},
	},
	{
		name: catalog.KindJourney, versions: orreryVersions, about: "A critical flow of the users through the services.",
		fields: []field{
			ownerField, typeField, lifecycleField,
			must(field{
				name: "steps", shape: dependencyList, relation: catalog.DependsOn,
				about: "What the flow needs, in order. Each step takes every field of dependencies.",
			}),
			dependenciesField, sloField, capacityField,
		},
	},
}

// customKind is how an entity of any other kind is read. Nothing is required, since nobody said so.
var customKind = kind{
	noSpec: true,
	fields: []field{
		typeField, lifecycleField, ownerField, systemField, dependsOnField, dependencyOfField, dependenciesField,
		sloField, capacityField,
	},
}

// knownElsewhere are custom kinds that nobody needs to be told about.
var knownElsewhere = []string{
	"scaffolder.backstage.io/Template", "backstage.io/AiResource", "orrery.dev/" + catalog.KindWorkload,
	"orrery.dev/" + catalog.KindNode, "orrery.dev/" + catalog.KindZone, "orrery.dev/" + catalog.KindCluster,
	"orrery.dev/" + catalog.KindExternal,
}

// kindByName finds a kind that has rules; nil for any other. Upper and lower case count.
func kindByName(name string) *kind {
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	return nil
}

func (k *kind) field(name string) *field {
	for i := range k.fields {
		if k.fields[i].name == name {
			return &k.fields[i]
		}
	}
	return nil
}

// kind finds the rules for the document, or nil after saying why there are none.
func (d *document) kind(apiVersion, name *yaml.Node) *kind {
	if known := kindByName(name.Value); known != nil {
		if !slices.Contains(known.versions, apiVersion.Value) {
			d.fail(apiVersion.Line, "apiVersion", CodeUnknownAPIVersion,
				fmt.Sprintf("the kind %s is not known in apiVersion %s", known.name, quote(apiVersion.Value)),
				"write apiVersion: "+known.versions[0])
			return nil
		}
		return known
	}
	if near := nearest(name.Value, kindNames()); near != "" {
		d.fail(name.Line, "kind", CodeUnknownKind, fmt.Sprintf("the kind %s is not known", quote(name.Value)),
			"write kind: "+near)
		return nil
	}
	group, _, _ := strings.Cut(apiVersion.Value, "/")
	if !slices.Contains(knownElsewhere, group+"/"+name.Value) {
		d.warn(name.Line, "kind", CodeUnknownKind,
			fmt.Sprintf("the kind %s has no rules; it is kept as a custom kind", quote(name.Value)),
			"nothing, if the kind is yours; otherwise use one of "+strings.Join(kindNames(), ", "))
	}
	return &customKind
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].name
	}
	return names
}

// isSpecField says whether any kind has a field of that name below spec, other than the words that mean something
// everywhere.
func isSpecField(name string) bool {
	for i := range kinds {
		if kinds[i].field(name) != nil {
			return name != "type" && name != "profile" && name != "target" && name != "targets"
		}
	}
	return false
}
