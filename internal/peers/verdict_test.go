package peers

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// A verdict is what one check of a peer says of one object. It is a line of the record.
type verdict struct {
	Case      string `json:"case,omitempty"`
	Tool      string `json:"tool"`
	Check     string `json:"check"`
	Object    string `json:"object"`              // "Kind namespace/name"
	Container string `json:"container,omitempty"` // "" where the check is about the pod as a whole
	Outcome   string `json:"outcome"`             // PASS, FAIL or SKIPPED; kube-linter tells nothing but FAIL
	Grade     string `json:"grade,omitempty"`     // as the peer calls it
	Message   string `json:"message,omitempty"`
}

func sortVerdicts(vs []verdict) {
	slices.SortFunc(vs, func(a, b verdict) int {
		return cmp.Or(strings.Compare(a.Case, b.Case), strings.Compare(a.Tool, b.Tool), strings.Compare(a.Check, b.Check),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Container, b.Container), strings.Compare(a.Message, b.Message))
	})
}

const (
	recordFile = "testdata/verdicts.jsonl"
	askedFile  = "testdata/asked.json"
)

// asked says who gave the recorded verdicts, and on what.
type asked struct {
	Version string `json:"version"` // of the peer
	Cases   string `json:"cases"`   // digest of them all
}

// recorded are the verdicts that were recorded, and by whom, by the names of the peers.
func recorded(t *testing.T) ([]verdict, map[string]asked) {
	t.Helper()
	content, err := os.ReadFile(recordFile)
	if err != nil {
		t.Fatal(err)
	}
	var vs []verdict
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", recordFile, err)
		}
		vs = append(vs, v)
	}
	content, err = os.ReadFile(askedFile)
	if err != nil {
		t.Fatal(err)
	}
	var by map[string]asked
	if err := json.Unmarshal(content, &by); err != nil {
		t.Fatalf("%s: %v", askedFile, err)
	}
	return vs, by
}

// record replaces what is recorded of one peer.
func record(t *testing.T, tool string, from asked, said []verdict) {
	t.Helper()
	var kept []verdict
	by := map[string]asked{}
	if _, err := os.Stat(recordFile); err == nil {
		kept, by = recorded(t)
	}
	kept = slices.DeleteFunc(kept, func(v verdict) bool { return v.Tool == tool })
	kept = append(kept, said...)
	sortVerdicts(kept)
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, v := range kept {
		if err := lines.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	by[tool] = from
	named, err := json.MarshalIndent(by, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{recordFile: b.Bytes(), askedFile: append(named, '\n')} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
