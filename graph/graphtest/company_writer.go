package graphtest

import (
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// described is what one document of a catalog file says about one entity.
type described struct {
	kind, name, title, description string
	annotations                    []annotation
	tags                           []string
	specType, lifecycle            string
	owner                          catalog.Ref
	system, domain                 string
	provides                       string // name of the one API it provides
	definition                     bool   // an API's
	children                       bool   // a Group's, always empty
	email, memberOf                string // of a Group or User
	slo                            bool   // a Journey's
	dependencies                   []dependency
}

type annotation struct{ key, value string }

// writer turns what is described into the text of a file and, in the same pass, into the claims that the text makes, so
// that the two cannot differ. The text is only kept up to the next startFile or until the caller cuts it.
type writer struct {
	text    []byte
	path    string
	line    int32 // of the next line to be written
	ordinal int
}

func newWriter() *writer { return &writer{} }

func (w *writer) startFile(path string) {
	w.text, w.path, w.line, w.ordinal = w.text[:0], path, 1, 0
}

// put writes one line and returns its number.
func (w *writer) put(parts ...string) int32 {
	for _, part := range parts {
		w.text = append(w.text, part...)
	}
	w.text = append(w.text, '\n')
	w.line++
	return w.line - 1
}

func (w *writer) field(key, value string) {
	if value != "" {
		w.put(key, ": ", value)
	}
}

// write appends one document to the file and returns what it claims.
func (w *writer) write(d described) *catalog.Document {
	if w.ordinal > 0 {
		w.put("---")
	}
	ref := catalog.NewRef(d.kind, "", d.name)
	descriptor := &catalog.Descriptor{
		Ref: ref, Kind: d.kind, Namespace: catalog.DefaultNamespace, Name: d.name, Title: d.title, Description: d.description,
		Tags: d.tags, Type: d.specType, Lifecycle: d.lifecycle, Owner: d.owner,
	}
	claim := catalog.Claim{Subject: catalog.Subject{Ref: ref}, Line: w.line, Descriptor: descriptor}
	w.head(d, &claim)
	w.spec(d, &claim)
	document := &catalog.Document{
		ID:      catalog.DocumentID{Source: SourceID, Scope: w.path, Key: string(ref)},
		Ordinal: w.ordinal, Priority: catalog.DefaultPriorityFiles, Location: w.path, Claims: []catalog.Claim{claim},
	}
	w.ordinal++
	return document
}

// slugKey names an entity's repository, which is an alias of it.
const slugKey = "github.com/project-slug"

func (w *writer) head(d described, claim *catalog.Claim) {
	version := "backstage.io/v1alpha1"
	if d.kind == catalog.KindJourney || d.kind == catalog.KindExternal {
		version = "orrery.dev/v1alpha1"
	}
	w.put("apiVersion: ", version)
	w.put("kind: ", d.kind)
	w.put("metadata:")
	w.field("  name", d.name)
	w.field("  title", d.title)
	w.field("  description", d.description)
	if len(d.annotations) > 0 {
		claim.Descriptor.Annotations = make(map[string]string, len(d.annotations))
		w.put("  annotations:")
		for _, a := range d.annotations {
			claim.Descriptor.Annotations[a.key] = a.value
			line := w.put("    ", a.key, `: "`, a.value, `"`)
			if a.key == slugKey {
				alias := catalog.Alias("repo:github.com/" + a.value)
				claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias, Line: line})
			}
		}
	}
	if len(d.tags) > 0 {
		w.put("  tags: [", strings.Join(d.tags, ", "), "]")
	}
}

func (w *writer) spec(d described, claim *catalog.Claim) {
	edges := make([]catalog.EdgeClaim, 0, len(d.dependencies)+3)
	relate := func(kind catalog.RelationType, target catalog.Ref, line int32) {
		edges = append(edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: target}, Type: kind, Evidence: catalog.Declared, Line: line,
		})
	}
	w.put("spec:")
	w.field("  type", d.specType)
	w.field("  lifecycle", d.lifecycle)
	if d.owner != "" {
		relate(catalog.OwnedBy, d.owner, w.put("  owner: ", string(d.owner)))
	} else if d.kind == catalog.KindComponent || d.kind == catalog.KindAPI || d.kind == catalog.KindResource {
		// Backstage wants an owner; nobody's team is one that nobody describes.
		claim.Descriptor.Owner = catalog.NewRef(catalog.KindGroup, "", "nobody")
		relate(catalog.OwnedBy, claim.Descriptor.Owner, w.put("  owner: nobody"))
	}
	if d.system != "" {
		relate(catalog.PartOf, catalog.NewRef(catalog.KindSystem, "", d.system), w.put("  system: ", d.system))
	}
	if d.domain != "" {
		relate(catalog.PartOf, catalog.NewRef(catalog.KindDomain, "", d.domain), w.put("  domain: ", d.domain))
	}
	if d.email != "" {
		claim.Descriptor.Profile = &catalog.Profile{Email: d.email}
		w.put("  profile:")
		w.field("    email", d.email)
	}
	if d.children {
		w.put("  children: []")
	}
	if d.memberOf != "" {
		relate(catalog.MemberOf, catalog.NewRef(catalog.KindGroup, "", d.memberOf), w.put("  memberOf: [", d.memberOf, "]"))
	}
	if d.slo {
		claim.Descriptor.SLO = &catalog.SLO{Availability: 99.9, Window: 30 * 24 * time.Hour}
		w.put("  slo: {availability: 99.9, window: 30d}")
	}
	if d.definition {
		w.put(`  definition: "openapi: 3.1.0"`)
	}
	if d.provides != "" {
		w.put("  providesApis:")
		relate(catalog.ProvidesAPI, catalog.NewRef(catalog.KindAPI, "", d.provides), w.put("    - ", d.provides))
	}
	claim.Edges = append(edges, w.dependencies(d)...)
}

// dependencies writes the three lists that a dependency can be stated in.
func (w *writer) dependencies(d described) []catalog.EdgeClaim {
	claims := make([]catalog.EdgeClaim, 0, len(d.dependencies))
	list := func(title string, belongs func(dependency) bool, write func(dependency) catalog.EdgeClaim) {
		if !slices.ContainsFunc(d.dependencies, belongs) {
			return
		}
		w.put("  ", title, ":")
		for _, dependency := range d.dependencies {
			if belongs(dependency) {
				claims = append(claims, write(dependency))
			}
		}
	}
	plain := func(d dependency) bool { return d.strength == catalog.Unstated && d.role == catalog.NoRole }
	isAPI := func(d dependency) bool { return d.target.Kind() == "api" }
	if d.kind != catalog.KindJourney {
		list("consumesApis", func(d dependency) bool { return plain(d) && isAPI(d) }, func(d dependency) catalog.EdgeClaim {
			return edgeTo(d, catalog.ConsumesAPI, w.put("    - ", d.target.Name()))
		})
		list("dependsOn", func(d dependency) bool { return plain(d) && !isAPI(d) }, func(d dependency) catalog.EdgeClaim {
			return edgeTo(d, catalog.DependsOn, w.put("    - ", string(d.target)))
		})
	}
	title := "dependencies"
	if d.kind == catalog.KindJourney {
		title, plain = "steps", func(dependency) bool { return false }
	}
	list(title, func(d dependency) bool { return !plain(d) }, func(d dependency) catalog.EdgeClaim {
		edge := edgeTo(d, catalog.DependsOn, w.putDetailed(d))
		edge.Detailed = true
		return edge
	})
	return claims
}

func (w *writer) putDetailed(d dependency) int32 {
	parts := []string{"    - {ref: \"", string(d.target), `"`}
	if d.strength != catalog.Unstated {
		parts = append(parts, ", strength: ", strings.ToLower(d.strength.String()))
	}
	if d.role != catalog.NoRole {
		parts = append(parts, ", role: ", strings.ToLower(d.role.String()))
	}
	if d.anyOf != "" {
		parts = append(parts, ", anyOf: ", d.anyOf)
	}
	if d.fallback != "" {
		parts = append(parts, ", fallback: ", d.fallback)
	}
	return w.put(append(parts, "}")...)
}

func edgeTo(d dependency, kind catalog.RelationType, line int32) catalog.EdgeClaim {
	return catalog.EdgeClaim{
		Target: catalog.Subject{Ref: d.target}, Type: kind, Evidence: catalog.Declared, Line: line,
		Strength: d.strength, Role: d.role, AnyOf: d.anyOf, Fallback: d.fallback,
	}
}
