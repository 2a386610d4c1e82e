package git

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// stateFormat changes whenever what is read out of equal files does so for another reason than another build.
const stateFormat = 1

// state is what a scan leaves to the next.
type state struct {
	// Reading is how files were read. Repositories that were read in another way are read again.
	Reading      string   `cbor:"1,keyasint"`
	Repositories []record `cbor:"2,keyasint,omitempty"` // by Scope
}

// record is what is known of one repository.
type record struct {
	Scope  string `cbor:"1,keyasint"`
	Commit []byte `cbor:"2,keyasint,omitempty"` // nil = it is to be read again, whatever it is at
	// Commits are those at which files were read first, in order of their first use by Files.
	Commits [][]byte     `cbor:"3,keyasint,omitempty"`
	Files   []fileRecord `cbor:"4,keyasint,omitempty"` // all that were reported, by Path
}

// fileRecord is one file, or folder, that was reported.
type fileRecord struct {
	_      struct{} `cbor:",toarray"`
	Path   string   // in the repository; a folder ends in "/"
	Said   []byte   // the beginning of a hash of what it said
	Commit int      // in Commits
}

// reading tells apart how files are read: by which program, and narrowed to which.
func reading(config *Config) string {
	build := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		build = info.Main.Version
		for _, setting := range info.Settings {
			if strings.HasPrefix(setting.Key, "vcs.") {
				build += " " + setting.Value
			}
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %q %d", stateFormat, build, config.Branch, config.CatalogFiles, config.ExcludeFiles, config.MaxFileBytes))
	return hex.EncodeToString(sum[:8])
}

// decodeState reads a state; nil = nothing is known.
func decodeState(data []byte) *state {
	if len(data) == 0 {
		return nil
	}
	s := new(state)
	if cbor.Unmarshal(data, s) != nil {
		return nil
	}
	return s
}

func (s *state) encode() ([]byte, error) {
	slices.SortFunc(s.Repositories, func(a, b record) int { return strings.Compare(a.Scope, b.Scope) })
	data, err := cbor.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("state of git repositories: %w", err)
	}
	return data, nil
}

// find is the file of a path; nil = there was none.
func (r *record) find(path string) *fileRecord {
	if r == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(r.Files, path, func(f fileRecord, path string) int { return strings.Compare(f.Path, path) })
	if !found {
		return nil
	}
	return &r.Files[i]
}

// holds says whether a file was reported, or a folder around it.
func (r *record) holds(path string) bool {
	for i := range path {
		if path[i] == '/' && r.find(path[:i+1]) != nil {
			return true
		}
	}
	return r.find(path) != nil
}

// commit is that at which a file was read first, if it said then what it says now; else the one that is given.
func (r *record) commit(path string, said []byte, now string) string {
	if f := r.find(path); f != nil && bytes.Equal(f.Said, said) && f.Commit < len(r.Commits) && f.Commit >= 0 {
		return hex.EncodeToString(r.Commits[f.Commit])
	}
	return now
}

// remember makes the record of a repository. files hold their commits in hexadecimal.
func remember(scope, commit string, files []readFile) (record, error) {
	r := record{Scope: scope}
	slices.SortFunc(files, func(a, b readFile) int { return cmp.Compare(a.path, b.path) })
	var err error
	if r.Commit, err = hex.DecodeString(commit); err != nil {
		return r, fmt.Errorf("commit %q: %w", commit, err)
	}
	numbers := make(map[string]int)
	for _, f := range files {
		number, known := numbers[f.commit]
		if !known {
			number = len(r.Commits)
			numbers[f.commit] = number
			raw, err := hex.DecodeString(f.commit)
			if err != nil {
				return r, fmt.Errorf("commit %q: %w", f.commit, err)
			}
			r.Commits = append(r.Commits, raw)
		}
		r.Files = append(r.Files, fileRecord{Path: f.path, Said: f.said, Commit: number})
	}
	return r, nil
}

// readFile is a file that was reported.
type readFile struct {
	path   string
	said   []byte
	commit string
}

// said is the beginning of a hash of what a scope says.
func said(scope *scanners.Scope) ([]byte, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fmt.Errorf("encode documents: %w", err)
	}
	hash := sha256.New()
	err = mode.NewEncoder(hash).Encode(struct {
		State     scanners.ScopeState
		Error     string
		Documents []*catalog.Document
	}{scope.State, scope.Error, scope.Documents})
	if err != nil {
		return nil, fmt.Errorf("encode documents: %w", err)
	}
	return hash.Sum(nil)[:8], nil
}
