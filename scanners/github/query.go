package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const fragments = `fragment B on Blob{oid byteSize isBinary isTruncated text}
fragment F on TreeEntry{mode oid object{...B}}
`

func aliasOf(i int) string { return fmt.Sprintf("r%d", i) }

// queryOf writes the query for some questions.
func queryOf(some []*question) string {
	var b strings.Builder
	files, blobs := false, false
	b.WriteString("query{")
	for i, q := range some {
		fmt.Fprintf(&b, "%s:repository(owner:%s,name:%s){", aliasOf(i), quote(q.owner), quote(q.name))
		switch {
		case q.blob != "":
			fmt.Fprintf(&b, "o:object(oid:%s){...B}", quote(q.blob))
			blobs = true
		case q.branch != "":
			fmt.Fprintf(&b, "h:ref(qualifiedName:%s){o:target{", quote("refs/heads/"+q.branch))
			files = q.commitFields(&b) || files
			b.WriteString("}}")
		default:
			fmt.Fprintf(&b, "o:object(oid:%s){", quote(q.commit))
			files = q.commitFields(&b) || files
			b.WriteString("}")
		}
		b.WriteString("}\n")
	}
	b.WriteString("}\n")
	blob, file, _ := strings.Cut(fragments, "\n")
	if blobs || files {
		b.WriteString(blob + "\n")
	}
	if files {
		b.WriteString(file)
	}
	return b.String()
}

func (q *question) commitFields(b *strings.Builder) (files bool) {
	b.WriteString("...on Commit{oid tree{oid}")
	for i, name := range q.files {
		fmt.Fprintf(b, " f%d:file(path:%s){...F}", i, quote(name))
	}
	b.WriteString("}")
	return len(q.files) > 0
}

// quote writes a string of GraphQL, whose escapes are those of JSON.
func quote(text string) string {
	quoted, _ := json.Marshal(text) //nolint:errchkjson // a string
	return string(quoted)
}

type blobJSON struct {
	OID         string  `json:"oid"`
	ByteSize    int64   `json:"byteSize"`
	IsBinary    *bool   `json:"isBinary"`
	IsTruncated bool    `json:"isTruncated"`
	Text        *string `json:"text"`
}

func (j *blobJSON) answer() blobAnswer {
	b := blobAnswer{size: j.ByteSize}
	// What GitHub made into text is believed where it still has the name that Git gives to its bytes.
	if j.Text != nil && !j.IsTruncated && int64(len(*j.Text)) == j.ByteSize && isBlob([]byte(*j.Text), j.OID) {
		b.text, b.whole = *j.Text, true
	}
	return b
}

// read takes the answer to a question.
func (q *question) read(data json.RawMessage) error {
	var said struct {
		H *struct {
			O json.RawMessage `json:"o"`
		} `json:"h"`
		O json.RawMessage `json:"o"`
	}
	if len(data) == 0 || string(data) == "null" {
		return errMissing
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return fmt.Errorf("the answer of GraphQL cannot be understood: %w", err)
	}
	of := said.O
	if said.H != nil {
		of = said.H.O
	}
	if len(of) == 0 || string(of) == "null" {
		return nil
	}
	if q.blob != "" {
		var blob blobJSON
		if err := json.Unmarshal(of, &blob); err != nil {
			return fmt.Errorf("the answer of GraphQL cannot be understood: %w", err)
		}
		if blob.OID == q.blob {
			found := blob.answer()
			q.answer.blob = &found
		}
		return nil
	}
	return q.readCommit(of)
}

func (q *question) readCommit(data json.RawMessage) error {
	var commit struct {
		OID  string `json:"oid"`
		Tree struct {
			OID string `json:"oid"`
		} `json:"tree"`
	}
	var fields map[string]json.RawMessage
	err := errors.Join(json.Unmarshal(data, &commit), json.Unmarshal(data, &fields))
	if err != nil {
		return fmt.Errorf("the answer of GraphQL cannot be understood: %w", err)
	}
	if object(commit.OID) == nil || object(commit.Tree.OID) == nil {
		return errors.New("the answer of GraphQL has no commit")
	}
	q.answer.commit, q.answer.tree = commit.OID, commit.Tree.OID
	q.answer.files = make([]fileAnswer, len(q.files))
	for i := range q.files {
		field := fields[fmt.Sprintf("f%d", i)]
		if len(field) == 0 || string(field) == "null" {
			continue
		}
		var file struct {
			Mode   int64     `json:"mode"`
			OID    string    `json:"oid"`
			Object *blobJSON `json:"object"`
		}
		if err := json.Unmarshal(field, &file); err != nil {
			return fmt.Errorf("the answer of GraphQL cannot be understood: %w", err)
		}
		q.answer.files[i] = fileAnswer{mode: file.Mode, oid: file.OID}
		if file.Object != nil && file.Object.OID == file.OID {
			q.answer.files[i].blob = file.Object.answer()
		}
	}
	return nil
}
