package manifests

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// had is which kinds of objects were in which namespaces.
type had map[inventory.Kind][]string

// history is what the last scans found, by the location of the file: what is kept between scans.
type history map[string]had

const (
	// maxState is the length of the longest state that a scanner may keep, and plainState that of the longest that is kept as
	// it is.
	maxState   = 1 << 20
	plainState = 64 << 10
	// anyFile is the location under which a state that would be too long tells what was in any of the files.
	anyFile = ""
)

// hadIn are the kinds and namespaces of objects.
func hadIn(objects []*inventory.Object) had {
	found := make(had)
	for _, o := range objects {
		if !slices.Contains(found[o.Kind], o.Namespace) {
			found[o.Kind] = append(found[o.Kind], o.Namespace)
		}
	}
	for kind := range found {
		slices.Sort(found[kind])
	}
	return found
}

// add takes in what was found elsewhere, or before.
func (h had) add(other had) {
	for kind, namespaces := range other {
		all := append(slices.Clone(h[kind]), namespaces...)
		slices.Sort(all)
		h[kind] = slices.Compact(all)
	}
}

// encode writes the history, shorter where it is long, and in the end without the names of the files.
func (h history) encode() ([]byte, error) {
	state, err := json.Marshal(h)
	if err != nil || len(state) <= plainState {
		return state, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(state); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if packed.Len() <= maxState {
		return packed.Bytes(), nil
	}
	all := make(had)
	for _, found := range h {
		all.add(found)
	}
	return history{anyFile: all}.encode()
}

// readHistory reads what encode wrote. A state that is none is an error.
func readHistory(state []byte) (history, error) {
	h := make(history)
	if len(state) == 0 {
		return h, nil
	}
	if bytes.HasPrefix(state, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(state))
		if err == nil {
			state, err = io.ReadAll(io.LimitReader(r, 64*maxState))
		}
		if err != nil {
			return nil, fmt.Errorf("the state of the last scan: %w", err)
		}
	}
	if err := json.Unmarshal(state, &h); err != nil {
		return nil, fmt.Errorf("the state of the last scan: %w", err)
	}
	return h, nil
}

// of is what was in a file, nil where nothing was or nobody knows of it.
func (h history) of(location string) had {
	if found, ok := h[location]; ok {
		return found
	}
	return h[anyFile]
}

// below are the locations in a folder.
func (h history) below(dir string) []string {
	var found []string
	for location := range h {
		if location == anyFile || folder.Below(location, dir) {
			found = append(found, location)
		}
	}
	return found
}
