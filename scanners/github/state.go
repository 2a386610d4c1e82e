package github

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// stateFormat is raised when what is kept, or what is made of a file, changes so that everything has to be read again.
const stateFormat = 1

// state is what a scan leaves for the next. What changes little stands before what changes much, and a record stands where
// it stood before, so that a small change of the world changes few of its bytes.
type state struct {
	_            struct{} `cbor:",toarray"`
	Format       int
	Web          string    // address of the GitHub, which is part of the names of scopes
	Config       []byte    // digest of what decides what is said of a repository
	Listing      []byte    // digest of what decides what is kept of a listing
	First        string    // the first of the configured files, which most repositories have: "" in their records
	Repositories []*record // by ID
	Teams        []teams   // by owner
	Cache        []byte    // of the connection
}

// teams is what the reader of teams keeps of an owner.
type teams struct {
	_     struct{} `cbor:",toarray"`
	Owner string
	Kept  []byte
}

// record is what is known of a repository that was read.
type record struct {
	_        struct{} `cbor:",toarray"`
	ID       int64
	FullName string // owner/name, as the scopes say it
	Branch   string // that was read
	Flags    flags
	Pushed   int64  // Unix time, as listed when it was read; [again]
	Tree     []byte // of the head, where not only the content of known files matters; none = it does not
	Owners   []byte // digest of the CODEOWNERS files; none = there is none
	Files    []fileRecord
	Silent   []byte   // digests of files that are no catalog files, sorted, silentBytes each
	Extra    []string // names, or globs, that Locations elsewhere want to be read
	Targets  []string // what its own Locations want elsewhere: id:path; owner/name: where there is none
}

// fileRecord is a scope of a repository.
type fileRecord struct {
	_      struct{} `cbor:",toarray"`
	Name   string   // in the repository; a folder ends in "/"
	Blob   []byte   // of the file itself; none = it was not understood
	Commit []byte   // at which this blob was read first
	Alone  bool     // it says the same as long as the blob is the same
}

// flags are what a listing says of a repository.
type flags uint8

const (
	archived flags = 1 << iota
	fork
	disabled
	private
	internal
)

const silentBytes = 6

// silentDigest is short: if two files had the same one, a catalog file would not be read after it was none.
func silentDigest(name string, blob []byte) []byte {
	sum := sha256.Sum256(append([]byte(name+"\x00"), blob...))
	return sum[:silentBytes]
}

func (r *record) silent(name string, blob []byte) bool {
	at, n := silentDigest(name, blob), len(r.Silent)/silentBytes
	low, high := 0, n
	for low < high {
		mid := (low + high) / 2
		switch c := bytes.Compare(r.Silent[mid*silentBytes:(mid+1)*silentBytes], at); {
		case c == 0:
			return true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return false
}

// file is what is known of a scope, by its name in the repository.
func (r *record) file(name string) *fileRecord {
	if r == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(r.Files, name, func(f fileRecord, name string) int { return cmp.Compare(f.Name, name) })
	if !found {
		return nil
	}
	return &r.Files[at]
}

// named is the record with another name of a file.
func (r *record) named(from, to string) *record {
	if !slices.ContainsFunc(r.Files, func(f fileRecord) bool { return f.Name == from }) {
		return r
	}
	other := *r
	other.Files = slices.Clone(r.Files)
	for i := range other.Files {
		if other.Files[i].Name == from {
			other.Files[i].Name = to
		}
	}
	return &other
}

// doubted is the record of a repository of which it was told that it could not be read: all that it says has to be said
// again, though it may not have changed.
func (r *record) doubted() *record {
	other := *r
	other.Pushed, other.Tree, other.Silent, other.Files = again, nil, nil, slices.Clone(r.Files)
	for i := range other.Files {
		other.Files[i].Alone = false
	}
	return &other
}

func (r *record) owner() string {
	owner, _, _ := strings.Cut(r.FullName, "/")
	return owner
}

// find is the record of an ID; nil = there is none.
func (s *state) find(id int64) *record {
	at, found := slices.BinarySearchFunc(s.Repositories, id, func(r *record, id int64) int { return cmp.Compare(r.ID, id) })
	if !found {
		return nil
	}
	return s.Repositories[at]
}

// byName lists the records by name in lower case.
func (s *state) byName() map[string]*record {
	names := make(map[string]*record, len(s.Repositories))
	for _, r := range s.Repositories {
		names[strings.ToLower(r.FullName)] = r
	}
	return names
}

func (s *state) sort() {
	slices.SortFunc(s.Repositories, func(a, b *record) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Teams, func(a, b teams) int { return cmp.Compare(a.Owner, b.Owner) })
}

// encode packs the state.
func (s *state) encode() ([]byte, error) {
	s.sort()
	short := *s
	short.Repositories = make([]*record, len(s.Repositories))
	for i, r := range s.Repositories {
		short.Repositories[i] = r.named(s.First, "")
	}
	packed, err := cbor.Marshal(&short)
	if err != nil {
		return nil, fmt.Errorf("keep what was read: %w", err)
	}
	return packed, nil
}

// decode unpacks a state. One of another format, or that cannot be understood, is none: everything is read again.
func decode(packed []byte) *state {
	mode, err := cbor.DecOptions{MaxArrayElements: 1 << 24, MaxNestedLevels: 8}.DecMode()
	if err != nil || len(packed) == 0 {
		return nil
	}
	kept := new(state)
	if err := mode.Unmarshal(packed, kept); err != nil || kept.Format != stateFormat || slices.Contains(kept.Repositories, nil) {
		return nil
	}
	kept.sort()
	for i, r := range kept.Repositories {
		r = r.named("", kept.First)
		kept.Repositories[i] = r
		slices.SortFunc(r.Files, func(a, b fileRecord) int { return cmp.Compare(a.Name, b.Name) })
		if len(r.Silent)%silentBytes != 0 {
			r.Silent = nil
		}
	}
	return kept
}

// base is what an earlier scan of the same GitHub left; nil = nothing that is understood.
func (s *Scanner) base(previous []byte) *state {
	base := decode(previous)
	if base == nil || base.Web != s.config.Connection.WebURL() {
		return nil
	}
	return base
}

// digest tells whether the same is said of the same repositories.
func (c *Config) digest() []byte {
	return digestOf(c.Branch, c.CatalogFiles, c.ExcludeFiles, c.Program)
}

// listingDigest tells whether the same is kept of listings.
func (c *Config) listingDigest() []byte { return digestOf(len(c.Topics) > 0) }

func digestOf(what ...any) []byte {
	said, _ := json.Marshal(what) //nolint:errchkjson // strings and truth values only
	sum := sha256.Sum256(said)
	return sum[:8]
}

// object is the binary form of the name of a Git object; nil where it is none.
func object(id string) []byte {
	packed, err := hex.DecodeString(id)
	if err != nil || len(packed) != 20 && len(packed) != 32 {
		return nil
	}
	return packed
}
