// Package codeowners reads CODEOWNERS files: who answers for what lies in a folder of a repository, as GitHub decides it, and
// with the sections of GitLab.
package codeowners

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/hmarr/codeowners"

	"github.com/orrery-catalog/orrery/catalog"
)

// Limits of a file. The first is GitHub's own; beyond the others a file would cost more memory than a suggestion is worth.
const (
	MaxBytes       = 3 << 20
	maxLine        = 16 << 10
	maxRules       = 100_000
	maxPatternText = 256 << 10 // of patterns that are no plain paths, and so are compiled
	maxSections    = 1000
	maxProblems    = 10
	maxOwners      = 20 // of a folder
)

// CodeInvalid is the code of problems in CODEOWNERS files.
const CodeInvalid = "invalid-codeowners"

// Places are where the file of a repository may be, in the order in which hosts look: the first that is there counts, even
// if it is empty.
func Places() []string {
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}
}

// Repository is the folder whose owners a file states, where it lies in one of the places; ok = it has the name of one.
func Repository(file string) (folder string, ok bool) {
	if path.Base(file) != "CODEOWNERS" {
		return "", false
	}
	folder = path.Dir(file)
	switch path.Base(folder) {
	case ".github", "docs", ".gitlab":
		folder = path.Dir(folder)
	}
	return folder, true
}

// File is a CODEOWNERS file that was read. It may be used by several goroutines.
type File struct {
	sections []section // at least one; the first has no name
}

// section is a part of a file in which the last rule that fits counts. GitHub knows only one.
type section struct {
	name   string
	owners []string // of rules that name none
	rules  []rule
}

type rule struct {
	codeowners.Rule
	line  int
	apart bool // what fits is taken out of the section
}

// Owner is somebody whom a rule names.
type Owner struct {
	Name    string // @org/team, @login or an e-mail address
	Line    int    // of the rule; 1-based
	Pattern string
	Section string // of GitLab; "" = none
}

// Parse reads a file. Lines that are not understood are left out, as GitHub does, and told: severity, line, code, message and fix of
// each problem are set.
func Parse(data []byte) (*File, []catalog.Problem) {
	p := parser{file: &File{sections: []section{{}}}, named: make(map[string]int)}
	if len(data) > MaxBytes {
		p.problem(0, fmt.Sprintf("this file is larger than %d bytes, so that GitHub does not use it, and it was not read", MaxBytes),
			"join patterns, or name owners of folders instead of files")
		return p.file, p.problems
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if !p.line(n, line) {
			break
		}
	}
	if more := p.found - maxProblems; more > 0 {
		p.problems = append(p.problems, problem(0, fmt.Sprintf("%d more lines were not understood", more), "mend them"))
	}
	return p.file, p.problems
}

type parser struct {
	file     *File
	at       int            // the section
	named    map[string]int // sections by name in lower case
	rules    int
	text     int
	problems []catalog.Problem
	found    int
}

// line reads one; false = no more are read.
func (p *parser) line(n int, line string) bool {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	switch {
	case line == "" || line[0] == '#':
		return true
	case len(line) > maxLine:
		p.problem(n, "this line is too long and was left out", "name a team instead of its members")
		return true
	}
	if name, owners, ok := header(line); ok {
		return p.header(n, name, owners)
	}
	rest, apart := line, false
	if p.at > 0 { // GitHub has neither sections nor exclusions
		rest, apart = strings.CutPrefix(line, "!")
	}
	parsed, err := parse(rest)
	if err != nil {
		p.problem(n, "this line was left out: "+err.Error(), "write a pattern, then @organisation/team, @login or an e-mail address, with spaces between them")
		return true
	}
	p.rules++
	if !plain(parsed.RawPattern()) {
		p.text += len(parsed.RawPattern())
	}
	if p.rules > maxRules || p.text > maxPatternText {
		return p.tooMany(n)
	}
	s := &p.file.sections[p.at]
	s.rules = append(s.rules, rule{parsed, n, apart})
	return true
}

func (p *parser) tooMany(n int) bool {
	p.problem(n, "this file has more patterns than are read: those from here on were left out", "name owners of folders instead of files")
	return false
}

// plain says whether a pattern is compared as it is, and so costs no more than its text.
func plain(pattern string) bool { return pattern[0] == '/' && !strings.ContainsAny(pattern, `*?\`) }

var errNothing = errors.New("a pattern that fits nothing")

// parse reads a rule.
func parse(line string) (codeowners.Rule, error) {
	rules, err := codeowners.ParseFile(strings.NewReader(line), codeowners.WithOwnerMatchers([]codeowners.OwnerMatcher{
		codeowners.OwnerMatchFunc(ownerOf),
	}))
	switch {
	case err != nil:
		text := strings.TrimPrefix(err.Error(), "line 1: ")
		return codeowners.Rule{}, errors.New(text)
	case len(rules) != 1 || strings.Trim(rules[0].RawPattern(), "/") == "":
		return codeowners.Rule{}, errNothing
	}
	return rules[0], nil
}

var (
	// Of GitLab's, names of users may have dots, groups lie in groups, and @@ goes before a role.
	handle = regexp.MustCompile(`\A@@?[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*\z`)
	email  = regexp.MustCompile(`\A[^@\s/]+@[^@\s/]+\z`)
)

// ownerOf takes an owner as it is written.
func ownerOf(text string) (codeowners.Owner, error) {
	if handle.MatchString(text) || email.MatchString(text) {
		return codeowners.Owner{Value: text}, nil
	}
	return codeowners.Owner{}, codeowners.ErrNoMatch
}

// A section of GitLab: ^ (optional), [its name], [how many approvals] and the owners of rules without any.
var sectionHeader = regexp.MustCompile(`\A\^?\[([^\[\]]+)\](?:\[\d+\])?(?:\s+(.*))?\z`)

func header(line string) (name, owners string, ok bool) {
	found := sectionHeader.FindStringSubmatch(line)
	if found == nil {
		return "", "", false
	}
	return strings.TrimSpace(found[1]), found[2], true
}

// header begins a section, or goes on with one of the same name; false = no more are read.
func (p *parser) header(n int, name, owners string) bool {
	key := strings.ToLower(name)
	at, ok := p.named[key]
	if !ok {
		at = len(p.file.sections)
		p.file.sections = append(p.file.sections, section{name: name})
		p.named[key] = at
	}
	p.at = at
	if p.rules++; p.rules > maxRules || at > maxSections {
		return p.tooMany(n)
	}
	if owners == "" {
		return true
	}
	parsed, err := parse("* " + owners)
	if err != nil {
		p.problem(n, "the owners of this section were left out: "+err.Error(), "write @group, @login or an e-mail address, with spaces between them")
		return true
	}
	if s := &p.file.sections[p.at]; len(s.owners) == 0 { // the first that names any counts
		s.owners = namesOf(parsed)
	}
	return true
}

func namesOf(r codeowners.Rule) []string {
	var names []string
	for _, owner := range r.Owners {
		names = append(names, owner.Value)
	}
	return names
}

func (p *parser) problem(line int, message, fix string) {
	if p.found++; p.found <= maxProblems {
		p.problems = append(p.problems, problem(line, message, fix))
	}
}

func problem(line int, message, fix string) catalog.Problem {
	return catalog.Problem{Line: int32(line), Severity: catalog.Warning, Code: CodeInvalid, Message: message, Fix: fix} //nolint:gosec // at most 3 million
}

// Owners are those of what lies in a folder of the repository ("." = its own), in the order of the file: of any file
// there, not of the one that describes it, since who keeps catalog files need not keep what they describe. None = nobody is
// named.
func (f *File) Owners(folder string) []Owner {
	// A name that no pattern means.
	file := path.Join(folder, "\x00any")
	var owners []Owner
	for i := range f.sections {
		s := &f.sections[i]
		r := s.last(file)
		if r == nil || r.apart {
			continue
		}
		names := namesOf(r.Rule)
		if len(names) == 0 {
			names = s.owners
		}
		for _, name := range names {
			if len(owners) == maxOwners {
				return owners
			}
			owners = append(owners, Owner{Name: name, Line: r.line, Pattern: r.RawPattern(), Section: s.name})
		}
	}
	return owners
}

// last is the last rule that fits; nil = none does.
func (s *section) last(file string) *rule {
	for i := len(s.rules) - 1; i >= 0; i-- {
		if fits, err := s.rules[i].Match(file); err == nil && fits {
			return &s.rules[i]
		}
	}
	return nil
}

// Hints are the owners of a folder as what a claim says of them; location is that of the file.
func (f *File) Hints(folder, location string) []catalog.OwnerHint {
	var hints []catalog.OwnerHint
	for _, owner := range f.Owners(folder) {
		reason := "CODEOWNERS names it for " + owner.Pattern
		if owner.Section != "" {
			reason += " in the section " + owner.Section
		}
		hints = append(hints, catalog.OwnerHint{
			Name: owner.Name, Location: location, Line: int32(owner.Line), Reason: reason, //nolint:gosec // at most 3 million
		})
	}
	return hints
}
