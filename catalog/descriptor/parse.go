// Package descriptor reads catalog-info files: bytes become the claims of [catalog.Document], or problems that say what
// is wrong, where, and what to do about it.
//
// What is accepted, refused and related follows Backstage's own parser, policies, kind schemas and relation emitter,
// with differences on purpose where those hurt their users: every document stands alone, a bare name in dependsOn is
// taken for a component, custom kinds are kept, templates are set aside. One table of fields for each kind drives the
// checks, the spelling hints and the published JSON Schema, so that the three cannot disagree.
//
// The package does no I/O, never panics and keeps no state.
package descriptor

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// DefaultMaxBytes is the size above which a file is refused unread.
const DefaultMaxBytes = 5 << 20

// Options say where a file is from and how far reading may go.
type Options struct {
	// Location is the path or URL of the file. It is shown in problems, and its last element decides whether the file is
	// meant as a catalog file even when its content is too broken to tell.
	Location string
	// Read returns a file that a placeholder ($text, $json, $yaml) names, relative to this one as written. The caller
	// confines it to the root that the file is from. nil = placeholders stand for something that cannot be looked into.
	// It is called only for fields whose content counts, never for absolute URLs.
	Read func(relative string) ([]byte, error)
	// MaxBytes is the largest file that is read; 0 = [DefaultMaxBytes].
	MaxBytes int
	// Certain says that every document is an entity (as another catalog answers them), so that none is left out as
	// something else, or set aside as a template.
	Certain bool
}

// Result is what one file says.
type Result struct {
	// Documents are those meant as catalog entities, in the order of the file; others in the same file are left out.
	Documents []Parsed
	// NotCatalog says that the file holds nothing that looks like an entity. It is none of ours: there are no problems.
	NotCatalog bool
}

// Parsed is one document of a file, accepted or not. What is wrong with the file as a whole comes as one Parsed with
// nothing but problems.
type Parsed struct {
	// Index counts the documents of the file that hold anything, entities or not, from 0.
	Index int
	// Document holds the claims, Location, Ordinal and Problems; nil where the document was refused or set aside. Nobody
	// else keeps it.
	Document *catalog.Document
	// Ref is whom the document describes, also where it was refused; "" where that could not be told.
	Ref catalog.Ref
	// Problems are ordered by line. One ERROR or more means that Document is nil; the slice is that of Document otherwise.
	Problems []catalog.Problem
	// Template says that the document was set aside: it is the draft of an entity, to be filled in by a scaffolder.
	Template bool
	// Location is set on an accepted entity of kind Location.
	Location *LocationSpec
}

// LocationSpec is what an entity of kind Location points to.
type LocationSpec struct {
	Type     string // "url", "file" ...; "" = that of the file it stands in
	Targets  []Target
	Optional bool // a missing target is no problem
}

// Target is one target of a Location as written: a URL or a path relative to the file, where * and ** may stand.
type Target struct {
	Target string
	Line   int32
	Field  string // path in the document, e.g. "spec.targets[2]"
}

// Parse reads every document of one file. It never fails as a whole: each document stands alone. Equal input gives
// equal output.
func Parse(data []byte, options Options) Result {
	named := isCatalogName(options.Location)
	if !named && !options.Certain && !declaresCatalog(data) {
		return Result{NotCatalog: true}
	}
	f := &file{options: options, named: named, budget: placeholderBudget}
	if limit := f.maxBytes(); len(data) > limit {
		return Result{Documents: []Parsed{{Problems: []catalog.Problem{{
			Location: options.Location, Severity: catalog.Error, Code: CodeTooLarge,
			Message: fmt.Sprintf("the file has %d bytes; files over %d bytes are not read", len(data), limit),
			Fix:     "split it into several files, and move bulk such as API definitions into files of their own",
		}}}}}
	}
	return f.parse(data)
}

// file is one call of Parse.
type file struct {
	options Options
	named   bool // the file is called catalog-info
	budget  int  // bytes that placeholders may still read
}

func (f *file) maxBytes() int {
	if f.options.MaxBytes > 0 {
		return f.options.MaxBytes
	}
	return DefaultMaxBytes
}

// maxStray is how many documents without any key are looked at; a file of thousands tells nobody more.
const maxStray = 100

// candidate is a document between reading and judging.
type candidate struct {
	text   text
	root   *yaml.Node // nil where the YAML is broken
	dollar bool       // there may be placeholders
	err    *yamlError
	index  int
	claim  claimStrength
}

func (f *file) parse(data []byte) Result {
	var candidates []candidate
	ours := f.named
	stray, index := 0, 0
	for _, t := range split(data) {
		if bytes.IndexByte(t.bytes, ':') < 0 { // no map, so no entity
			if stray++; stray > maxStray {
				index++
				continue
			}
		}
		root, dollar, err := decode(t)
		if root == nil && err == nil {
			continue // empty or null
		}
		c := candidate{text: t, root: root, dollar: dollar, err: err, index: index}
		index++
		c.claim = f.classify(c)
		ours = ours || c.claim == certain
		candidates = append(candidates, c)
	}
	var result Result
	for _, c := range candidates {
		if c.claim == certain || c.claim == likely && ours {
			result.Documents = append(result.Documents, f.document(c))
		}
	}
	result.NotCatalog = len(result.Documents) == 0
	return result
}

// document judges one document that is meant as an entity.
func (f *file) document(c candidate) Parsed {
	d := &document{file: f, line: c.text.line}
	parsed := Parsed{Index: c.index}
	switch {
	case c.err != nil:
		d.fail(c.err.line, "", c.err.code, c.err.message, c.err.fix)
	case c.root.Kind != yaml.MappingNode:
		d.fail(c.root.Line, "", CodeNotAMap, "the document is "+describe(c.root)+", not a map",
			"an entity starts with apiVersion, kind, metadata and spec")
	default:
		if c.dollar {
			d.placeholders = findPlaceholders(c.root)
		}
		d.read(c.root)
	}
	if c.text.repaired {
		d.warn(0, "", CodeInvalidUTF8, "the document holds bytes that are not UTF-8; they are read as "+"\uFFFD",
			"save the file in UTF-8")
	}
	parsed.Ref = d.ref
	for i := range d.problems {
		d.problems[i].Ref = d.ref
	}
	sortProblems(d.problems)
	if d.refused {
		if !f.options.Certain && isTemplate(c.text.bytes, f.options.Location) {
			parsed.Template = true
			parsed.Problems = []catalog.Problem{d.setAside()}
			return parsed
		}
		parsed.Problems = d.problems
		return parsed
	}
	parsed.Problems = d.problems
	parsed.Location = d.location
	parsed.Document = &catalog.Document{
		Location: f.options.Location, Ordinal: c.index, Problems: d.problems,
		Claims: []catalog.Claim{{
			Subject: catalog.Subject{Ref: d.ref}, Line: d.at(c.root.Line),
			Descriptor: &d.descriptor, Aliases: d.aliases, Edges: d.edges, Selectors: d.selectors(),
		}},
	}
	return parsed
}

// setAside tells in one warning that the document is a template, and the first reason why it is no entity as it stands.
func (d *document) setAside() catalog.Problem {
	first := d.problems[0]
	for _, problem := range d.problems {
		if problem.Severity == catalog.Error {
			first = problem
			break
		}
	}
	return catalog.Problem{
		Location: d.file.options.Location, Line: first.Line, Severity: catalog.Warning, Code: CodeTemplate,
		Message: "this is a template and was set aside: " + first.Message,
		Fix:     "nothing, if a scaffolder fills it in; otherwise mend the field",
	}
}
