package onboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/codeowners"
)

// drafter is one call of New.
type drafter struct {
	ctx        context.Context //nolint:containedctx // it lives as long as one call of New
	tree       *tree
	options    Options
	asked      Catalog // nil = nobody
	repository string  // host/owner/name; "" = unknown
	stated     Value   // the name that build files at the root state
	single     bool    // the repository is one component, described or not
	components []*component
	resources  []*Document
	apis       []*Document
	compose    composition
	runs       running
	owners     *codeowners.File // nil = there is none
	ownersAt   string           // its name
	groups     []Known
	notes      []string
}

func (d *drafter) note(format string, args ...any) {
	text := oneLine(fmt.Sprintf(format, args...), 2*maxReason)
	if !slices.Contains(d.notes, text) {
		d.notes = append(d.notes, text)
	}
}

// whole is the repository, of which the files may be a folder.
func (d *drafter) whole() fs.FS {
	if d.options.Whole != nil {
		return d.options.Whole
	}
	return d.tree.fs
}

// catalogFile is a name of catalog files, as Backstage and Orrery look for them.
var catalogFile = regexp.MustCompile(`(?i)^catalog-info[^/]*\.(ya?ml|json)$`)

func (d *drafter) draft() (*Draft, error) {
	draft := &Draft{}
	for _, file := range d.tree.files {
		if catalogFile.MatchString(path.Base(file)) && (!d.options.Anew || path.Dir(file) != ".") {
			draft.Existing = append(draft.Existing, file)
		}
	}
	atRoot := slices.ContainsFunc(draft.Existing, func(file string) bool { return path.Dir(file) == "." })
	if d.repository = strings.Trim(d.options.Repository, "/"); d.repository == "" {
		d.repository = d.remote()
	}
	draft.Repository = d.repository
	if atRoot {
		return draft, ErrDescribed
	}
	d.compose = d.readCompose()
	d.runs = d.readManifests()
	d.readOwners()
	all := d.units()
	if len(all) > 0 && all[0].dir == "." {
		d.stated = firstName(all[0])
	}
	chosen := d.services(all)
	d.single = len(chosen) == 1
	chosen = d.undescribed(chosen, draft.Existing)
	d.name(chosen)
	if err := d.identify(); err != nil {
		return nil, err
	}
	for _, c := range d.components {
		d.describe(c)
		if err := errors.Join(d.own(c.Document, c.Folder), d.joinSystem(c)); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(d.findAPIs(), d.findNeeds()); err != nil {
		return nil, err
	}
	d.gather(draft)
	return draft, nil
}

// undescribed leaves out what a catalog file in its folder, or above, describes.
func (d *drafter) undescribed(chosen []*unit, existing []string) []*unit {
	return slices.DeleteFunc(chosen, func(u *unit) bool {
		return slices.ContainsFunc(existing, func(file string) bool {
			// With one unit for all of the repository, files below the root describe parts of it.
			return u.dir == path.Dir(file) || below(u.dir, path.Dir(file)) || u.dir == "." && d.single
		})
	})
}

// gather puts the documents in the order of the file.
func (d *drafter) gather(draft *Draft) {
	if len(draft.Existing) > 0 {
		location := Document{
			Kind: catalog.KindLocation, Folder: ".",
			Name: Value{Text: legal(d.repositoryName().Text + "-catalog"), Reason: "a name for this list of files"},
		}
		for _, file := range draft.Existing {
			location.Targets = append(location.Targets, Value{Text: "./" + file, Reason: "a catalog file that the repository has"})
		}
		draft.Documents = append(draft.Documents, location)
	}
	for _, c := range d.components {
		for _, need := range c.needs {
			c.DependsOn = append(c.DependsOn, *need)
		}
		slices.SortFunc(c.DependsOn, func(a, b Dependency) int { return strings.Compare(a.Text, b.Text) })
		draft.Documents = append(draft.Documents, *c.Document)
	}
	for _, list := range [][]*Document{d.apis, d.resources} {
		slices.SortFunc(list, func(a, b *Document) int { return strings.Compare(a.Name.Text, b.Name.Text) })
		for _, document := range list {
			draft.Documents = append(draft.Documents, *document)
		}
	}
	if d.tree.cut {
		d.note("the repository has more than %d files: what lies behind them was not looked at", maxEntries)
	}
	if d.tree.reads <= 0 {
		d.note("more files were there than are opened for a draft: some were judged by their names")
	}
	draft.Notes = d.notes
}

// describe fills in what the files say of a component.
func (d *drafter) describe(c *component) {
	c.Type = c.unit.sort()
	if w := d.runs.of(c); w != nil && c.Type.Ask {
		c.Type = Value{Text: "service", Reason: "it runs as " + w.words()}
	}
	for _, tag := range c.unit.tags() {
		tag.Text = legalTag(tag.Text)
		c.Tags = append(c.Tags, tag)
	}
	d.titles(c)
	c.Lifecycle = Value{Text: "production", Reason: "say how far it is: experimental, production or deprecated", Ask: true}
	if w := d.runs.of(c); w != nil {
		c.Lifecycle = Value{Text: "production", Reason: "it is deployed as " + w.words()}
	}
	if part := d.runs.partOf(c); part.Text != "" {
		c.System = part
	}
	d.annotate(c)
}

// joinSystem keeps only a system that the catalog has, where it is asked: one that nobody describes is a guess too many.
func (d *drafter) joinSystem(c *component) error {
	if d.asked == nil || c.System.Text == "" {
		return nil
	}
	k, err := d.asked.Find(d.ctx, "system:"+c.System.Text)
	if err != nil || k.described() {
		return err
	}
	d.note("%s may be part of a system %s (%s), which the catalog does not know", c.Name.Text, c.System.Text, c.System.Reason)
	c.System = Value{}
	return nil
}

// heading is that of a page in Markdown.
var (
	heading  = regexp.MustCompile(`^#\s+(.+?)\s*#*$`)
	markup   = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)|<[^>]*>|\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)`)
	linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// readmes are names of the page that people read first. Nobody changes them.
var readmes = []string{"README.md", "README.markdown", "readme.md", "Readme.md"}

// titles takes the title and the description from build files, and from the README.
func (d *drafter) titles(c *component) {
	if len(c.unit.texts) > 0 {
		c.Description = c.unit.texts[0]
	}
	var readme string
	for _, name := range readmes {
		if file := path.Join(c.Folder, name); d.tree.has[file] && readme == "" {
			readme = file
		}
	}
	if readme == "" {
		return
	}
	title, text := firstWords(string(d.tree.content(readme)))
	if title != "" && legal(title) != c.Name.Text {
		c.Title = Value{Text: title, Reason: "the heading of " + readme}
	}
	if c.Description.Text == "" && text != "" {
		c.Description = Value{Text: text, Reason: "the beginning of " + readme}
	}
}

// firstWords are the heading and the first paragraph of a page.
func firstWords(page string) (title, text string) {
	var paragraph []string
	fenced := false
	for i, line := range strings.Split(page, "\n") {
		if i > 200 {
			break
		}
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			if said := stated(paragraph); said != "" {
				return oneLine(title, maxTitle), oneLine(said, maxDescription)
			}
			fenced, paragraph = !fenced, nil
			continue
		}
		if fenced {
			continue
		}
		plain := strings.TrimSpace(linkText.ReplaceAllString(markup.ReplaceAllString(line, ""), "$1"))
		plain = strings.Map(func(r rune) rune {
			if r == '*' || r == '`' {
				return -1
			}
			return r
		}, plain)
		m := heading.FindStringSubmatch(plain)
		switch {
		case m != nil && title == "" && len(paragraph) == 0:
			title = m[1]
		case strings.HasPrefix(line, "#") && len(paragraph) == 0 && title != "":
			// a section: its first words may still say what it is
		case plain == "" || strings.HasPrefix(plain, "#") || strings.HasPrefix(plain, "|") || strings.HasPrefix(plain, "---") ||
			strings.HasPrefix(plain, "- ") || strings.HasPrefix(plain, "> ") || strings.HasPrefix(plain, "["):
			if said := stated(paragraph); said != "" {
				return oneLine(title, maxTitle), oneLine(said, maxDescription)
			}
			paragraph = nil
		default:
			paragraph = append(paragraph, plain)
		}
	}
	return oneLine(title, maxTitle), oneLine(stated(paragraph), maxDescription)
}

// stated is what a paragraph says, without a last sentence that only leads to what follows it.
func stated(paragraph []string) string {
	text := strings.Join(paragraph, " ")
	if !strings.HasSuffix(text, ":") {
		return text
	}
	return text[:strings.LastIndex(text, ". ")+1]
}
