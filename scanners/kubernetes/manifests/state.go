package manifests

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// had are names of objects, by kind and namespace. anyName stands for all.
type had map[inventory.Kind]map[string][]string

// history is what is kept between scans.
type history struct {
	// Files tell which objects were read from a file, by its location, and while something in it cannot be read, which were.
	Files map[string]had `json:"files,omitempty"`
	// Sums are digests of what was told last of the scopes that rest on several objects.
	Sums map[string]string `json:"sums,omitempty"`
}

const (
	// maxState is the length of the longest state that a scanner may keep, and plainState that of the longest that is kept as
	// it is. maxSums is how many sums are worth a try.
	maxState   = 1 << 20
	plainState = 64 << 10
	maxSums    = 50_000
	// anyFile is the location, and anyName the name, under which a state that would be too long tells less.
	anyFile = ""
	anyName = "*"
)

func newHistory() history {
	return history{Files: make(map[string]had), Sums: make(map[string]string)}
}

// hadIn are the names of objects.
func hadIn(objects []*inventory.Object) had {
	found := make(had)
	for _, o := range objects {
		found.note(o.Kind, o.Namespace, o.Name)
	}
	return found
}

func (h had) note(kind inventory.Kind, namespace string, names ...string) {
	if h[kind] == nil {
		h[kind] = make(map[string][]string)
	}
	all := append(h[kind][namespace], names...)
	slices.Sort(all)
	h[kind][namespace] = slices.Compact(all)
}

// add takes in what was found elsewhere, or before.
func (h had) add(other had) {
	for kind, namespaces := range other {
		for namespace, names := range namespaces {
			h.note(kind, namespace, names...)
		}
	}
}

// encode writes the history, shorter where it is long: in the end without sums, and without the names of objects and files.
func (h history) encode() ([]byte, error) {
	if len(h.Sums) > maxSums {
		h.Sums = nil
	}
	for {
		state, err := json.Marshal(h)
		if err == nil && len(state) > plainState {
			state, err = compress(state)
		}
		if err != nil || len(state) <= maxState {
			return state, err
		}
		if _, shortest := h.Files[anyFile]; shortest && h.Sums == nil {
			return nil, nil // what was read last is not known, then
		}
		h = h.shorter()
	}
}

func (h history) shorter() history {
	if h.Sums != nil {
		return history{Files: h.Files}
	}
	all := make(had)
	for _, found := range h.Files {
		for kind, namespaces := range found {
			for namespace := range namespaces {
				all.note(kind, namespace, anyName)
			}
		}
	}
	return history{Files: map[string]had{anyFile: all}}
}

func compress(state []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(state); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// readHistory reads what encode wrote. A state that is none is an error.
func readHistory(state []byte) (history, error) {
	h := newHistory()
	if len(state) == 0 {
		return h, nil
	}
	if bytes.HasPrefix(state, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(state))
		if err == nil {
			state, err = io.ReadAll(io.LimitReader(r, 64*maxState))
		}
		if err != nil {
			return history{}, fmt.Errorf("the state of the last scan: %w", err)
		}
	}
	if err := json.Unmarshal(state, &h); err != nil {
		return history{}, fmt.Errorf("the state of the last scan: %w", err)
	}
	return h, nil
}

// of is what was in a file, nil where nothing was or nobody knows of it.
func (h history) of(location string) had {
	if found, ok := h.Files[location]; ok {
		return found
	}
	return h.Files[anyFile]
}

// below are the locations in a folder.
func (h history) below(dir string) []string {
	var found []string
	for location := range h.Files {
		if location == anyFile || folder.Below(location, dir) {
			found = append(found, location)
		}
	}
	return found
}

// sum is the digest of what a scope says, "" for one that there is not, or that is made of one object.
func (w *world) sum(scope string) string {
	sum, ok := w.deriver.Sum(scope)
	if !ok || alone(scope) {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(sum[:9])
}

// toldOf remembers what a scope said, when it was told.
func (w *world) toldOf(scope string) {
	if sum := w.sum(scope); sum != "" {
		w.history.Sums[scope] = sum
	} else {
		delete(w.history.Sums, scope)
	}
}

// alone says whether a scope is made of one object, which its name tells.
func alone(scope string) bool {
	return strings.HasPrefix(scope, "workloads/") || strings.HasPrefix(scope, "nodes/")
}
