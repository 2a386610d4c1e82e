package onboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// FileName is that of the drafted file, at the root of the repository.
const FileName = "catalog-info.yaml"

// Options say what is known of a repository besides its files.
type Options struct {
	// Repository is host/owner/name as its host spells it, such as github.com/Acme/checkout; "" = what .git/config says,
	// where that is among the files.
	Repository string
	// Folder is what the folder with the files is called, for a repository that nothing else names; "" = unknown.
	Folder string
	// Whole is the repository where the files are a folder of it, and Path that folder, with slashes. CODEOWNERS and
	// .git/config are looked for there. nil = the files are all of the repository.
	Whole fs.FS
	Path  string
	// Anew drafts also where there is a catalog file at the root of the files, which the draft is to replace.
	Anew bool
	// Runs are entities of which it is known that they run what the repository holds, where that is one component.
	Runs []catalog.Ref
	// Catalog is asked who owns, runs and needs what; nil = nobody is asked.
	Catalog Catalog
	// MaxReads is how many files are opened at most; 0 = 400. Others are judged by their names.
	MaxReads int
}

// Draft is a file to be: one document, or several where the repository holds several services.
type Draft struct {
	Repository string // as in [Options]; "" = unknown
	Documents  []Document
	// Existing are the catalog files that the repository has, sorted. What they describe is not drafted anew.
	Existing []string
	// Notes are what the reader should know besides, such as names that were taken.
	Notes []string
}

// Document is one entity to be. Values without a text are left out.
type Document struct {
	Kind         string
	Name         Value
	Title        Value
	Description  Value
	Annotations  []Pair
	Tags         []Value
	Links        []Link
	Type         Value
	Lifecycle    Value
	Owner        Value
	System       Value
	Definition   Value // of an API: a path relative to the file
	ProvidesAPIs []Value
	ConsumesAPIs []Value
	DependsOn    []Dependency
	Targets      []Value // of a Location
	Folder       string  // that it was found in, "." for the root
	Head         []string
}

// Value is a text with the reason why it stands there.
type Value struct {
	Text   string `json:"value"`
	Reason string `json:"reason"`
	// Ask says that it could not be found out and the owner has to say.
	Ask bool `json:"ask"`
}

// Pair is an annotation.
type Pair struct {
	Key string
	Value
}

// Link is a place where more can be read.
type Link struct {
	URL Value
	// Title is for people, Type a word such as repository.
	Title, Type string
}

// Dependency is what an entity needs: its text is a ref.
type Dependency struct {
	Value
	// Strength and Role are as in spec.dependencies; with neither it stands in dependsOn, which others read as well.
	Strength catalog.Strength
	Role     catalog.Role
}

// ErrDescribed says that the repository has catalog files, and that nothing in it lacks one.
var ErrDescribed = errors.New("the repository is described by catalog files already")

// New drafts the file for a repository. It reads what [Options] allow, and stops with the error of a file that should be
// readable and is not, or of the catalog. [ErrDescribed] comes with a Draft that only has Existing.
func New(ctx context.Context, repository fs.FS, options Options) (*Draft, error) {
	t, err := list(ctx, repository, options.MaxReads)
	if err != nil {
		return nil, fmt.Errorf("list the repository: %w", err)
	}
	if err := t.prepare(); err != nil {
		return nil, fmt.Errorf("read the repository: %w", err)
	}
	d := &drafter{ctx: ctx, tree: t, options: options, asked: options.Catalog}
	draft, err := d.draft()
	if err == nil {
		err = t.err
	}
	if err != nil {
		return draft, err
	}
	return draft, nil
}

// Ref is that of a document in the default namespace.
func (d *Document) Ref() catalog.Ref { return catalog.NewRef(d.Kind, "", d.Name.Text) }

// Values goes through what stands in a document, with the names of the fields as in the file.
func (d *Document) Values() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		one := func(field string, v Value) bool { return v.Text == "" || yield(field, v) }
		several := func(field string, values []Value) bool {
			for _, v := range values {
				if !yield(field, v) {
					return false
				}
			}
			return true
		}
		if !one("metadata.name", d.Name) || !one("metadata.title", d.Title) || !one("metadata.description", d.Description) {
			return
		}
		for _, a := range d.Annotations {
			if !yield("metadata.annotations."+a.Key, a.Value) {
				return
			}
		}
		if !several("metadata.tags", d.Tags) {
			return
		}
		for _, l := range d.Links {
			if !yield("metadata.links", l.URL) {
				return
			}
		}
		if !one("spec.type", d.Type) || !one("spec.lifecycle", d.Lifecycle) || !one("spec.owner", d.Owner) ||
			!one("spec.system", d.System) || !one("spec.definition", d.Definition) ||
			!several("spec.providesApis", d.ProvidesAPIs) || !several("spec.consumesApis", d.ConsumesAPIs) {
			return
		}
		for _, need := range d.DependsOn {
			if !yield(need.field(), need.Value) {
				return
			}
		}
		several("spec.targets", d.Targets)
	}
}

func (n *Dependency) field() string {
	if n.Role != catalog.NoRole || n.Strength != catalog.Unstated {
		return "spec.dependencies"
	}
	return "spec.dependsOn"
}

// Questions are what the owner has to say, each as "field of ref: what to do".
func (d *Draft) Questions() []string {
	var questions []string
	for i := range d.Documents {
		for field, v := range d.Documents[i].Values() {
			if v.Ask {
				questions = append(questions, fmt.Sprintf("%s of %s: %s", strings.TrimPrefix(field, "spec."), d.Documents[i].Ref(), v.Reason))
			}
		}
	}
	return questions
}
