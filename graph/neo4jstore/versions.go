package neo4jstore

import (
	"errors"
	"fmt"
	"math"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// forever is the until of a version that nothing has replaced.
const forever = math.MaxInt64

// kind is one of the two labels of versions.
type kind int

const (
	documents kind = iota // @Claim
	states                // @State
)

// kinds in the order of a load.
var kinds = [...]kind{documents, states}

func (k kind) label() string { return [...]string{"@Claim", "@State"}[k] }

// row is a version as it is read.
type row struct {
	kind kind
	id   string // its key, as it is in the index
	// whole is the key before it was cut; "" = it was not.
	whole string
	data  []byte
}

func (r row) size() int { return len(r.id) + len(r.data) }

// name undoes the key.
func (r row) name() ([]string, error) {
	from := r.id
	if r.whole != "" {
		from = r.whole
	}
	all, err := parts(from)
	if want := [...]int{3, 2}[r.kind]; err == nil && len(all) != want {
		err = errBadKey
	}
	return all, err
}

func (r row) documentID() (catalog.DocumentID, error) {
	all, err := r.name()
	if err != nil {
		return catalog.DocumentID{}, &graph.CorruptError{Document: catalog.DocumentID{Key: r.id}, Reason: err}
	}
	return catalog.DocumentID{Source: all[0], Scope: all[1], Key: all[2]}, nil
}

// state is the document of state with its data.
func (r row) state() (graph.State, error) {
	all, err := r.name()
	if err != nil {
		return graph.State{}, &graph.CorruptError{State: &graph.State{Name: r.id}, Reason: err}
	}
	return graph.State{Source: all[0], Name: all[1], Data: append([]byte{}, r.data...)}, nil
}

// document unpacks the data.
func (r row) document() (*catalog.Document, error) {
	id, err := r.documentID()
	if err != nil {
		return nil, err
	}
	document, err := graph.DecodeDocument(r.data)
	if corrupt := new(graph.CorruptError); errors.As(err, &corrupt) {
		corrupt.Document = id
		return nil, corrupt
	} else if err != nil {
		return nil, err
	}
	if document.ID != id {
		return nil, &graph.CorruptError{Document: id, Reason: fmt.Errorf("it says of itself that it is %+v", document.ID)}
	}
	return document, nil
}

// record is the version as Load gives it.
func (r row) record() (graph.Record, error) {
	if r.kind == states {
		state, err := r.state()
		return graph.Record{State: &state}, err
	}
	document, err := r.document()
	return graph.Record{Document: document}, err
}

// version is a row as it is written: the properties of its node.
type version map[string]any

func (v version) id() string {
	id, _ := v["id"].(string)
	return id
}

// versionOf makes a version that is true from the revision on. data is not copied.
func versionOf(revision int64, data []byte, name ...string) version {
	id, whole := indexed(name...), key(name...)
	v := version{"id": id, "from": revision, "until": int64(forever), "data": data, "bytes": int64(len(id) + len(data) + 16)}
	if whole != id {
		v["whole"] = whole
	}
	return v
}

// documentVersion packs the document. What stands beside the key and the data is for people who look into the database.
func documentVersion(revision int64, document *catalog.Document) (version, int, error) {
	packed, err := graph.EncodeDocument(document)
	if err != nil {
		return nil, 0, err
	}
	id := document.ID
	v := versionOf(revision, packed, id.Source, id.Scope, id.Key)
	v["source"], v["scope"], v["key"] = readable(id.Source), readable(id.Scope), readable(id.Key)
	v["location"] = readable(document.Location)
	for _, claim := range document.Claims {
		if claim.Subject.Ref != "" {
			v["ref"] = readable(string(claim.Subject.Ref))
			break
		}
	}
	return v, len(packed), nil
}

func stateVersion(revision int64, state graph.State) version {
	v := versionOf(revision, state.Data, state.Source, state.Name)
	v["source"], v["name"] = readable(state.Source), readable(state.Name)
	return v
}
