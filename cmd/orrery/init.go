package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/internal/onboard"
)

func (p *program) initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Draft a catalog-info.yaml for a repository",
		Long: "Draft a catalog-info.yaml for the repository in DIR (default: the current folder) and write it there. Names, types and\n" +
			"languages come from build files, the owner from CODEOWNERS, dependencies from manifests, compose files, charts and\n" +
			"examples of variables. Each guess has its reason as a comment; what could not be found out is marked with a question\n" +
			"mark. A catalog is asked for the groups there are, for names that are taken, and for what was seen in traffic: the one\n" +
			"that is named, else the local server where it answers, unless --offline is given.\n\n" +
			"Where the repository has a catalog file already, nothing is written and the exit status is 1.",
		Example: "  orrery init\n  orrery init services/checkout --output -\n  orrery init --server https://orrery.example.com",
		Args:    arguments(0, 1, "one DIR at most"),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.GroupID = groupRun
	flags := cmd.Flags()
	// A draft is about now.
	_ = flags.MarkHidden("at")
	o := &initOptions{}
	flags.BoolVar(&o.force, "force", false, "write the file also where there is one, in its place")
	flags.BoolVar(&o.offline, "offline", false, "ask no catalog")
	flags.StringVar(&o.output, "output", "", "write to this `file` instead, - is the standard output")
	flags.BoolVar(&o.stdout, "stdout", false, "the same as --output -")
	flags.StringVar(&o.repository, "repository", "", "where the repository is, as `host/owner/name` (default: the remote in .git/config)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.dir = "."
		if len(args) > 0 {
			o.dir = args[0]
		}
		return p.init(cmd.Context(), d, o, *format)
	}
	return cmd
}

type initOptions struct {
	dir, output, repository string
	force, offline, stdout  bool
}

// initialised is the answer of `init`.
type initialised struct {
	File      *string      `json:"file"` // that was written; null = none was
	Asked     *string      `json:"asked"`
	Written   bool         `json:"written"`
	Existing  []string     `json:"existing"`
	Entities  []initEntity `json:"entities"`
	Questions []string     `json:"questions"`
	Notes     []string     `json:"notes"`
	YAML      string       `json:"yaml"`
}

type initEntity struct {
	Ref    string      `json:"ref"`
	Folder string      `json:"folder"`
	Fields []initField `json:"fields"`
}

type initField struct {
	Field string `json:"field"`
	onboard.Value
}

func (p *program) init(ctx context.Context, d *data, o *initOptions, format string) error {
	switch {
	case o.offline && (len(d.catalog) > 0 || d.config != "" || d.server != ""):
		return usagef("--offline asks no catalog: leave it out, or --catalog, --config and --server")
	case d.at != "":
		return usagef("init drafts from what is there now: leave out --at")
	case o.stdout && o.output != "" && o.output != "-":
		return usagef("use only one of --stdout and --output")
	}
	toStdout := o.stdout || o.output == "-"
	place, err := openRepository(o.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s: name the one that the repository is in", o.dir)
	case err != nil:
		return fmt.Errorf("%w: name the folder that the repository is in", err)
	}
	defer place.close()
	options := place.options
	options.Repository, options.Anew = repositoryArgument(o.repository), o.force
	draft, asked, err := p.draft(ctx, d, o, place.files, options)
	if err != nil && !errors.Is(err, onboard.ErrDescribed) {
		return err
	}
	target := o.output
	if target == "" {
		target = filepath.Join(o.dir, onboard.FileName)
	}
	answer := newInitialised(draft, asked)
	if errors.Is(err, onboard.ErrDescribed) {
		return p.refuse(answer, o.dir, format)
	}
	content := draft.YAML()
	if !toStdout {
		if err := writeDraft(target, content, o.force); errors.Is(err, fs.ErrExist) {
			answer.Existing = []string{target}
			return p.refuse(answer, "", format)
		} else if err != nil {
			return fmt.Errorf("%s cannot be written: %w", target, err)
		}
		answer.File, answer.Written = &target, true
	}
	if format == formatJSON {
		return writeJSON(p.stdout, answer)
	}
	if toStdout {
		if _, err := p.stdout.Write(content); err != nil {
			return err
		}
	}
	p.summarise(answer, target, toStdout)
	return nil
}

// repositoryArgument takes a URL, too.
func repositoryArgument(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	return strings.TrimSuffix(strings.Trim(text, "/"), ".git")
}

// draft drafts with the catalog that the flags name, and says which one answered.
func (p *program) draft(ctx context.Context, d *data, o *initOptions, files fs.FS, options onboard.Options) (draft *onboard.Draft, asked string, err error) {
	draw := func(catalog onboard.Catalog) error {
		options.Catalog = catalog
		draft, err = onboard.New(ctx, files, options)
		return err
	}
	if o.offline {
		err = draw(nil)
		return draft, "", err
	}
	told := len(d.catalog) > 0 || d.config != "" || d.server != ""
	if !told && !p.isAnswered(ctx, d) {
		err = draw(nil)
		return draft, "", err
	}
	src, err := p.open(ctx, d)
	if err != nil {
		return nil, "", err
	}
	defer src.close()
	catalog := &askedCatalog{client: src.client}
	err = draw(catalog)
	if asked = src.name; catalog.revision > 0 {
		asked += fmt.Sprintf(" (revision %d)", catalog.revision)
	}
	return draft, asked, err
}

// opened is a folder to draft for, in its repository. What is read of either does not leave it, whatever links say.
type opened struct {
	roots   []*os.Root
	files   fs.FS
	options onboard.Options
}

func (o *opened) close() {
	for _, root := range o.roots {
		_ = root.Close() // it was only read
	}
}

// maxFoldersUp is how far above a folder its repository is looked for.
const maxFoldersUp = 32

// openRepository opens a folder and, where that is a part of one, the repository around it.
func openRepository(dir string) (*opened, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	o := &opened{roots: []*os.Root{root}, files: root.FS()}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		o.close()
		return nil, err
	}
	o.options.Folder = filepath.Base(absolute)
	above := repositoryAround(absolute)
	if inside, err := filepath.Rel(above, absolute); err == nil && above != "" && inside != "." {
		// What may not be read is not there: then nothing is known of what is around the folder.
		if whole, err := os.OpenRoot(above); err == nil {
			o.roots = append(o.roots, whole)
			o.options.Whole, o.options.Path = whole.FS(), filepath.ToSlash(inside)
		}
	}
	return o, nil
}

// repositoryAround is the nearest folder with .git, the folder itself or one above it; "" = there is none.
func repositoryAround(folder string) string {
	for range maxFoldersUp {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folder
		}
		if parent := filepath.Dir(folder); parent != folder {
			folder = parent
		}
	}
	return ""
}

// shortWait is how long a local server that nobody named may take to answer.
const shortWait = 2 * time.Second

// isAnswered says whether the local server answers.
func (p *program) isAnswered(ctx context.Context, d *data) bool {
	ctx, cancel := context.WithTimeout(ctx, shortWait)
	defer cancel()
	src, err := p.open(ctx, d)
	if err != nil {
		return false
	}
	defer src.close()
	var answer struct{ Entities struct{ TotalCount int } }
	_, err = src.ask(ctx, "{ entities(first: 1) { totalCount } }", nil, &answer)
	return err == nil
}

// writeDraft writes a file that is not there yet, or with force in the place of one. A link is not followed.
func writeDraft(name string, content []byte, force bool) error {
	if force {
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return errors.New("there is something that is no ordinary file")
		}
		return os.WriteFile(name, content, 0o644)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

func newInitialised(draft *onboard.Draft, asked string) *initialised {
	a := &initialised{Existing: []string{}, Entities: []initEntity{}, Questions: []string{}, Notes: []string{}}
	if asked != "" {
		a.Asked = &asked
	}
	if draft == nil {
		return a
	}
	a.Existing, a.Questions, a.Notes = clone(draft.Existing), clone(draft.Questions()), clone(draft.Notes)
	for i := range draft.Documents {
		document := &draft.Documents[i]
		e := initEntity{Ref: string(document.Ref()), Folder: document.Folder, Fields: []initField{}}
		for field, v := range document.Values() {
			e.Fields = append(e.Fields, initField{field, v})
		}
		a.Entities = append(a.Entities, e)
	}
	if len(draft.Documents) > 0 {
		a.YAML = string(draft.YAML())
	}
	return a
}

// refuse says which catalog files are there.
func (p *program) refuse(a *initialised, dir, format string) error {
	if format == formatJSON {
		if err := writeJSON(p.stdout, a); err != nil {
			return err
		}
		return errNo
	}
	var names []string
	for _, file := range a.Existing {
		names = append(names, filepath.Join(dir, file))
	}
	p.complain(fmt.Sprintf("there is %s already: check it by `orrery validate`, or replace it by --force", strings.Join(names, ", ")))
	return errNo
}

// summarise tells people what was drafted, and what they have to say.
func (p *program) summarise(a *initialised, target string, toStdout bool) {
	out := &printer{w: p.stderr, color: p.colors(p.stderr), width: terminalWidth(p.stderr)}
	for _, e := range a.Entities {
		out.line("%s", out.painted(printable(e.Ref), bold))
		for _, f := range e.Fields {
			mark := " "
			paint := dim
			if f.Ask {
				mark, paint = "?", yellow
			}
			out.line("  %s %s: %s  %s", out.painted(mark, paint), strings.TrimPrefix(strings.TrimPrefix(f.Field, "metadata."), "spec."),
				oneLine(f.Text), out.painted("("+oneLine(f.Reason)+")", paint))
		}
	}
	for _, note := range a.Notes {
		out.line("%s", out.painted("note: "+oneLine(note), yellow))
	}
	if a.Asked == nil {
		out.line("No catalog was asked: groups, names that are taken and what was seen in traffic are unknown (see --server, --config, --catalog).")
	} else {
		out.line("Asked: %s", oneLine(*a.Asked))
	}
	questions := ""
	if n := len(a.Questions); n > 0 {
		questions = fmt.Sprintf(", after answering %s", many(n, "question", "questions"))
	}
	if !toStdout {
		out.line("Written: %s. Read it, correct it%s, and commit it.", target, questions)
	}
}
