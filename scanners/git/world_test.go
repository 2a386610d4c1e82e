package git_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/git"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// git calls the real git in a folder, for the world that is scanned.
func command(t testing.TB, dir, input string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), realGit(t), args...)
	c.Dir = dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}
	c.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(stdout.String())
}

// realGit is the path of the git command, before a test puts another in front of it.
func realGit(t testing.TB) string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if name := filepath.Join(dir, "git"); !strings.Contains(dir, "counted-git") {
			if _, err := os.Stat(name); err == nil {
				return name
			}
		}
	}
	t.Skip("there is no git here")
	return ""
}

// counting puts a git in front of the real one that writes down how it is called: its arguments, a line each.
func counting(t testing.TB) (calls func() []string) {
	t.Helper()
	real := realGit(t)
	dir := filepath.Join(t.TempDir(), "counted-git")
	log := filepath.Join(dir, "calls")
	script := "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '" + log + "'\nexec '" + real + "' \"$@\"\n"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			return nil
		}
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		calls := strings.Split(strings.TrimSpace(string(text)), "\n")
		return slices.DeleteFunc(calls, func(call string) bool { return call == "version" })
	}
}

// bare makes an empty bare repository whose contents can be asked for one by one, as on the great hosts.
func bare(t testing.TB, dir string, options ...string) string {
	t.Helper()
	command(t, "", "", append(append([]string{"init", "--quiet", "--bare", "--initial-branch=main", "--template="}, options...), dir)...)
	command(t, dir, "", "config", "uploadpack.allowFilter", "true")
	command(t, dir, "", "config", "uploadpack.allowAnySHA1InWant", "true")
	return dir
}

// tree is what a commit holds: contents by path. A content that begins with "-> " is a link, one with "submodule " is one.
type tree map[string]string

// commit makes a commit that holds just what is given, on main or on the given branch, and returns its name.
func commit(t testing.TB, dir string, files tree, branch ...string) string {
	t.Helper()
	return commitFrom(t, dir, files, "refs/heads/"+append(branch, "main")[0], true)
}

// commitFrom makes a commit with a parent, or one that has nothing to do with what was there.
func commitFrom(t testing.TB, dir string, files tree, ref string, parent bool) string {
	t.Helper()
	var stream strings.Builder
	from := ""
	if parent {
		if old := command(t, dir, "", "for-each-ref", "--format=%(objectname)", ref); old != "" {
			from = "from " + old + "\n"
		}
	}
	fmt.Fprintf(&stream, "reset %s\ncommit %s\ncommitter a <a@example.com> 1700000000 +0000\ndata 1\nx\n%sdeleteall\n", ref, ref, from)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode, content := "100644", files[name]
		if target, link := strings.CutPrefix(content, "-> "); link {
			mode, content = "120000", target
		}
		quoted := quote(name)
		if oid, submodule := strings.CutPrefix(content, "submodule "); submodule {
			fmt.Fprintf(&stream, "M 160000 %s %s\n", oid, quoted)
			continue
		}
		fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, quoted, len(content), content)
	}
	stream.WriteString("done\n")
	command(t, dir, stream.String(), "fast-import", "--quiet", "--done", "--force", "--date-format=raw")
	return command(t, dir, "", "rev-parse", ref)
}

// quote is how fast-import wants a path with unusual bytes.
func quote(name string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, b := range []byte(name) {
		if b < ' ' || b >= 0x7f || b == '"' || b == '\\' {
			fmt.Fprintf(&quoted, "\\%03o", b)
		} else {
			quoted.WriteByte(b)
		}
	}
	return quoted.String() + `"`
}

func component(name string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: service\n  lifecycle: production\n  owner: group:team\n"
}

func location(name string, targets ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: " + name + "\nspec:\n  targets: ['" +
		strings.Join(targets, "', '") + "']\n"
}

func newScanner(t testing.TB, config git.Config) *git.Scanner {
	t.Helper()
	if config.Cache == "" {
		config.Cache = filepath.Join(t.TempDir(), "cache")
	}
	scanner, err := git.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return scanner
}

// source is a scanner with what is held of it: its state, and what it said last.
type source struct {
	scanners.PartScanner
	held  scantest.Held
	state []byte
	last  []scanners.Scope // of the last scan, by name, as they were reported
}

func newSource(t testing.TB, config git.Config) *source {
	t.Helper()
	return &source{PartScanner: newScanner(t, config), held: make(scantest.Held)}
}

// scan scans the whole with the state of the last good scan.
func (s *source) scan(t testing.TB) {
	t.Helper()
	if err := s.try(t.Context()); err != nil {
		t.Fatalf("scan: %v", err)
	}
}

func (s *source) try(ctx context.Context) error { return s.held.Whole(ctx, remembering{s}) }

// parts scans what is named.
func (s *source) parts(t testing.TB, names ...string) {
	t.Helper()
	if err := s.held.Parts(t.Context(), remembering{s}, names...); err != nil {
		t.Fatalf("scan of %q: %v", names, err)
	}
}

// remembering is a scanner that is given the state of the last good scan, as whoever schedules scans does.
type remembering struct{ *source }

func (r remembering) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	next, err := r.PartScanner.Scan(ctx, r.state, r.listening(sink))
	return r.after(next, err)
}

func (r remembering) ScanParts(ctx context.Context, _ []byte, names []string, sink scanners.Sink) ([]byte, error) {
	next, err := r.PartScanner.ScanParts(ctx, r.state, names, r.listening(sink))
	return r.after(next, err)
}

func (r remembering) after(next []byte, err error) ([]byte, error) {
	if err == nil {
		r.state = next
	}
	slices.SortFunc(r.last, func(a, b scanners.Scope) int { return cmp.Compare(a.Name, b.Name) })
	return next, err
}

func (r remembering) listening(sink scanners.Sink) scanners.Sink {
	r.last = nil
	var mu sync.Mutex
	return sinkFunc(func(ctx context.Context, scope scanners.Scope) error {
		mu.Lock()
		r.last = append(r.last, scope)
		mu.Unlock()
		return sink.Report(ctx, scope)
	})
}

type sinkFunc func(context.Context, scanners.Scope) error

func (f sinkFunc) Report(ctx context.Context, scope scanners.Scope) error { return f(ctx, scope) }

// reports are what was reported last: the state and the name of each scope, and what is wrong with it.
func (s *source) reports() []string {
	words := map[scanners.ScopeState]string{
		scanners.Read: "read", scanners.Partly: "partly", scanners.Unchanged: "unchanged", scanners.Unreadable: "unreadable", scanners.Gone: "gone",
	}
	list := []string{}
	for _, scope := range s.last {
		list = append(list, strings.TrimSpace(words[scope.State]+" "+scope.Name+" "+scope.Error))
	}
	return list
}

// versions are where the scopes that were read stand, by scope: "commit path" or with the link of line 1.
func (s *source) versions() map[string]*catalog.Version {
	versions := make(map[string]*catalog.Version)
	for name, scope := range s.held {
		for _, document := range scope.Documents {
			versions[name] = document.Version
		}
	}
	return versions
}

// refs are those of all that is held, sorted.
func (s *source) refs() []string {
	refs := []string{}
	for _, scope := range s.held {
		for _, document := range scope.Documents {
			for _, claim := range document.Claims {
				refs = append(refs, string(claim.Subject.Ref))
			}
		}
	}
	slices.Sort(refs)
	return refs
}
