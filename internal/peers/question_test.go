package peers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the page anew, and with ORRERY_PEERS what the programs say")

// A question is the comment at the head of a case: what is asked of the manifest below it, and the right answer.
type question struct {
	Name      string `yaml:"-"` // of the file, without its extension
	Manifest  []byte `yaml:"-"`
	Title     string
	Rule      string            // of Kubernetes, or of sound operation, that makes the answer right
	Check     string            // the id of ours
	Workload  string            // that is asked about, as "Kind namespace/name"; of another kind where the check is about one
	Container string            // "" = the whole object
	Right     string            // PASS, FAIL or NOT_APPLICABLE
	Severity  string            // of a FAIL: ERROR or WARNING; "" = either
	Tier      int               // that the catalog gives to the service; 0 = it has no entry
	Refused   bool              // by the API server
	Why       map[string]string // why a peer, or Orrery, answers otherwise; exactly for those that do
}

// flagged says whether a checker that is right reports the object.
func (q question) flagged() bool { return q.Right == "FAIL" }

// questions are all cases, by name.
func questions(t *testing.T) []question {
	t.Helper()
	files, err := filepath.Glob("testdata/cases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	slices.Sort(files)
	asked := make([]question, 0, len(files))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		q := question{Name: strings.TrimSuffix(filepath.Base(file), ".yaml"), Manifest: content}
		decoder := yaml.NewDecoder(strings.NewReader(head(string(content))))
		decoder.KnownFields(true)
		if err := decoder.Decode(&q); err != nil {
			t.Fatalf("%s: the comment at its head: %v", file, err)
		}
		if q.Title == "" || q.Rule == "" || q.Check == "" || q.Workload == "" {
			t.Errorf("%s: title, rule, check and workload have to be stated", file)
		}
		if !slices.Contains([]string{"PASS", "FAIL", "NOT_APPLICABLE"}, q.Right) || q.Severity != "" && !q.flagged() {
			t.Errorf("%s: right is %q of severity %q", file, q.Right, q.Severity)
		}
		asked = append(asked, q)
	}
	return asked
}

// head is the comment that a file begins with, without its marks.
func head(content string) string {
	var b strings.Builder
	for line := range strings.Lines(content) {
		text, comment := strings.CutPrefix(line, "#")
		if !comment {
			break
		}
		b.WriteString(strings.TrimPrefix(text, " "))
	}
	return b.String()
}

// digest is of the manifests of all cases, without the questions.
func digest(asked []question) string {
	sum := sha256.New()
	for _, q := range asked {
		body := q.Manifest[bytes.Index(q.Manifest, []byte("\n---\n")):]
		fmt.Fprintf(sum, "%s %d %s", q.Name, len(body), body)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// manifest writes the manifest of a case into a folder of its own.
func (q question) manifest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.yaml"), q.Manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
