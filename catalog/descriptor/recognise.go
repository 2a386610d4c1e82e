package descriptor

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// groups are the words by which a catalog file is told from all other YAML, before any parsing.
var groups = [][]byte{[]byte("backstage.io"), []byte("orrery.dev")}

// declaresCatalog says whether the text may hold an apiVersion of ours. It is exact enough to skip nearly every other
// file unparsed: package.json has the word as a home page, manifests have it in annotations.
func declaresCatalog(data []byte) bool {
	for _, group := range groups {
		for rest := data; ; {
			i := bytes.Index(rest, group)
			if i < 0 {
				break
			}
			before, after := rest[:i], rest[i+len(group):]
			rest = after
			after = bytes.TrimPrefix(after, []byte(`\`)) // JSON may write \/
			if len(after) > 2 && after[0] == '/' && after[1] == 'v' && after[2] >= '0' && after[2] <= '9' {
				return true
			}
			line := before[bytes.LastIndexByte(before, '\n')+1:]
			if bytes.Contains(line, []byte("apiVersion")) {
				return true
			}
		}
	}
	return false
}

// isCatalogName says whether a file is called as catalog files are, and does not stand where GitHub keeps workflows.
func isCatalogName(location string) bool {
	location = strings.ToLower(strings.ReplaceAll(location, `\`, "/"))
	if strings.Contains(location, ".github/") {
		return false
	}
	base := path.Base(location)
	return strings.HasPrefix(base, "catalog-info.") || strings.HasPrefix(base, "catalog-info-")
}

// claimStrength says how sure it is that a document is meant as an entity.
type claimStrength uint8

const (
	foreign claimStrength = iota // it is something else
	likely                       // it is, if anything else in the file is
	certain
)

func (f *file) classify(c candidate) claimStrength {
	switch {
	case f.options.Certain, c.err != nil && declaresCatalog(c.text.bytes):
		return certain
	case c.err != nil, c.root.Kind != yaml.MappingNode:
		return likely
	}
	kind := textOf(lookup(c.root, "kind"))
	metadata, spec := lookup(c.root, "metadata"), lookup(c.root, "spec")
	hasName := metadata != nil && lookup(metadata, "name") != nil
	version := lookup(c.root, "apiVersion")
	if version == nil || typeOf(version) != str {
		switch {
		case kindByName(kind) != nil && metadata != nil:
			return likely
		case f.named && (kind != "" || hasName && spec != nil):
			return likely
		}
		return foreign
	}
	if isOurGroup(version.Value) {
		return certain
	}
	// A group of somebody else: meant for us in a catalog file only, by a kind of ours or an owner.
	if f.named && hasName && (kindByName(kind) != nil || spec != nil && textOf(lookup(spec, "owner")) != "") {
		return certain
	}
	return foreign
}

// isOurGroup says whether the apiVersion belongs, or is plainly meant to belong, to a group of catalog kinds.
func isOurGroup(apiVersion string) bool {
	group, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(apiVersion)), "/")
	for _, known := range []string{"backstage.io", "orrery.dev"} {
		if group == known || strings.HasSuffix(group, "."+known) {
			return true
		}
	}
	return strings.HasPrefix(group, "backstage") || strings.HasPrefix(group, "orrery")
}

// Illegible says why nobody can tell what a text is meant to say, in one line; "" = it is YAML that
// somebody may have meant, whether or not it speaks of entities. That is how a file looks that an editor or a full disk
// has cut off.
func Illegible(data []byte) string {
	if len(bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark))) == 0 {
		return "it is empty"
	}
	for _, t := range split(data) {
		root, _, err := decode(t)
		switch {
		case err != nil:
			return fmt.Sprintf("line %d: %s", t.line+max(err.line, 1)-1, err.message)
		case root != nil && root.Kind == yaml.ScalarNode:
			return fmt.Sprintf("line %d: it is %s, not a map", t.line+max(root.Line, 1)-1, describe(root))
		}
	}
	return ""
}

// Mistake says why a text is no YAML, and on which line, 1-based, that shows; "" = it is. It takes the time of several parses.
func Mistake(data []byte) (line int, why string) {
	for _, t := range split(data) {
		if _, _, err := decode(t); err != nil {
			return t.line + max(err.line, 1) - 1, err.message
		}
	}
	return 0, ""
}

// isTemplate says whether a document that fails is the draft of an entity, by its text or by where it stands.
func isTemplate(data []byte, location string) bool {
	for _, mark := range []string{"{{", "{%", "<%"} {
		if bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	folders := strings.Split(strings.ToLower(strings.ReplaceAll(location, `\`, "/")), "/")
	for _, folder := range folders[:len(folders)-1] {
		switch folder {
		case "skeleton", "skeletons", "template", "templates", "cookiecutter":
			return true
		}
	}
	return false
}
