package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// The codes of problems with manifests. What they name is not read.
const (
	codeTemplate  = "manifest-template" // it is to be rendered first
	codeYAML      = "broken-manifest"
	codeType      = "wrong-type" // of a field
	codePartial   = "partial-manifest"
	codeName      = "invalid-name"
	codeVersion   = "unknown-api-version"
	codeDuplicate = "duplicate-object"
	codeLarge     = "large-manifest"
	codeFile      = "unreadable-file"
)

const (
	// defaultNamespace is that of an object which states none.
	defaultNamespace = "default"
	// maxNested is how many Lists may stand in each other, and maxObjects how many objects in one file, with maxFileFields
	// fields, what aliases stand for included.
	maxNested     = 3
	maxObjects    = 20_000
	maxFileFields = 2_000_000
	// maxProblems is how many problems of one file are told.
	maxProblems = 100
)

// parsed is what a file says.
type parsed struct {
	objects  []*inventory.Object
	problems []catalog.Problem
	// broken says why something of ours in the file was not read, though it should have been; "" = all was.
	broken string
	// lost says that something of ours was not read, for whatever reason: what it said before may still be so.
	lost bool
}

// parser reads one file.
type parser struct {
	parsed
	forms    forms
	location string
	template bool // a template was told of
	looked   int  // objects that were looked at, of any kind
	fields   int  // of the objects that were read
	full     bool // it was told that there is too much
}

// parse reads the objects in a file, which stand at a location. What is no manifest is passed over in silence.
func parse(data []byte, location string, forms forms) parsed {
	p := &parser{forms: forms, location: location}
	for _, document := range split(data) {
		if p.document(document); p.full {
			break
		}
	}
	return p.parsed
}

// document is a part of a file, from a line on.
type document struct {
	text []byte
	line int32 // 1-based
}

// split cuts a file into its documents, so that one that is broken takes no other with it.
func split(data []byte) []document {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var documents []document
	start, startLine, line := 0, int32(1), int32(1)
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if current := data[at:next]; marks(current, "---") || marks(current, "...") {
			documents = append(documents, document{data[start:at], startLine})
			start, startLine = at, line
			if current[0] == '.' {
				start, startLine = next, line+1
			}
		}
		at = next
	}
	return append(documents, document{data[start:], startLine})
}

// marks says whether a line is a marker between documents.
func marks(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// manifestKind finds the kind that a text states which may be no YAML: at the beginning of a line, or as JSON has it.
var manifestKind = regexp.MustCompile(`(?m)(?:^["']?kind["']?|"kind")\s*:\s*["']?(\w+)`)

// ours says whether a text that cannot be parsed is plainly meant as a manifest of a kind that is read.
func (p *parser) ours(text []byte) bool {
	if !bytes.Contains(text, []byte("apiVersion")) {
		return false
	}
	for _, match := range manifestKind.FindAllSubmatch(text, -1) {
		if len(p.forms[string(match[1])]) > 0 || string(match[1]) == "List" {
			return true
		}
	}
	return false
}

func (p *parser) document(d document) {
	if !bytes.Contains(d.text, []byte("apiVersion")) || !bytes.Contains(d.text, []byte("kind")) {
		return
	}
	root, err := decode(d.text)
	switch {
	case err != nil && !p.ours(d.text):
		return
	case err != nil && bytes.Contains(d.text, []byte("{{")):
		p.isTemplate(d.line + lineOf(d.text, "{{"))
		return
	case err != nil && len(p.problems) >= maxProblems: // the others tell enough
		p.lost = true
		return
	case err != nil:
		line, message := explain(d.text, err)
		p.fail(catalog.Problem{
			Line: d.line + line - 1, Code: codeYAML, Message: message,
			Fix: "mend it; quote values that hold special characters",
		})
		return
	case root == nil:
		return
	}
	p.object(root, d, 0)
}

// decode parses one document; nil = it is empty. The library's own panics on odd input become errors.
func decode(text []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: the text cannot be parsed: %v", r)
		}
	}()
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("it holds a NUL byte")
	}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// explain says where and what the mistake in a text is that cannot be parsed. The parser itself only tells where the map or
// list around it begins.
func explain(text []byte, err error) (line int32, message string) {
	if at, why := descriptor.Mistake(text); why != "" {
		return int32(at), unquotedAlias.ReplaceAllString(why, unknownAlias) //nolint:gosec // files are bounded
	}
	why := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", "; ")
	return 1, "this is not valid YAML: " + unquotedAlias.ReplaceAllString(why, unknownAlias)
}

// unquotedAlias is the complaint about an alias of nothing. What it names may be a password that begins with an asterisk.
var unquotedAlias = regexp.MustCompile(`unknown anchor '.*' referenced`)

const unknownAlias = "what begins with an asterisk is an alias, and nothing before it is named so"

// lineOf is how many lines stand before the first place of a text.
func lineOf(text []byte, what string) int32 {
	return int32(bytes.Count(text[:max(bytes.Index(text, []byte(what)), 0)], []byte("\n"))) //nolint:gosec // files are bounded
}

// child is the value of a key of a map, nil where there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(node.Content) - 2; i >= 0; i -= 2 {
		if node.Content[i].Value == key {
			value := node.Content[i+1]
			for value.Kind == yaml.AliasNode {
				value = value.Alias
			}
			return value
		}
	}
	return nil
}

// word is a scalar of a map, "" where there is none.
func word(node *yaml.Node, key string) string {
	if value := child(node, key); value != nil && value.Kind == yaml.ScalarNode && value.ShortTag() != "!!null" {
		return value.Value
	}
	return ""
}

// object reads an object, or those in a List.
func (p *parser) object(node *yaml.Node, d document, nested int) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if p.looked++; p.looked > maxObjects || p.fields > maxFileFields {
		p.tooMuch(p.lineIn(d, node))
		return
	}
	apiVersion, kind := word(node, "apiVersion"), word(node, "kind")
	if items := child(node, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(kind, "List") {
		if nested >= maxNested {
			return
		}
		for _, item := range items.Content {
			if p.object(item, d, nested+1); p.full {
				return
			}
		}
		return
	}
	found, known, instead := p.forms.find(apiVersion, kind)
	switch {
	case known:
		p.read(found, apiVersion, node, d)
	case instead != "":
		p.lost = true
		p.set(catalog.Problem{
			Line: p.lineIn(d, child(node, "apiVersion")), Field: "apiVersion", Severity: catalog.Warning, Code: codeVersion,
			Message: fmt.Sprintf("%s of the version %.80q is not known, and not read", kind, apiVersion), Fix: "state " + instead,
		})
	default:
		p.foreign(apiVersion, kind, node, d)
	}
}

func (p *parser) lineIn(d document, node *yaml.Node) int32 {
	if node == nil {
		return d.line
	}
	return d.line + int32(node.Line) - 1 //nolint:gosec // files are bounded
}

// read reads one object of a kind that is known.
func (p *parser) read(found form, apiVersion string, node *yaml.Node, d document) {
	metadata := child(node, "metadata")
	resource := found.resource
	key := inventory.Key{Kind: resource.Kind, Name: word(metadata, "name")}
	if !resource.Cluster {
		if key.Namespace = word(metadata, "namespace"); key.Namespace == "" {
			key.Namespace = defaultNamespace
		}
	}
	at := p.lineIn(d, node)
	switch templated := templated(metadata); {
	case templated != nil:
		p.isTemplate(p.lineIn(d, templated))
		return
	case key.Name == "" && word(metadata, "generateName") != "":
		return // it is made anew each time, under another name
	case key.Name == "":
		p.isPartial(at, resource.Singular, "metadata.name")
		return
	}
	wrong := len(validation.IsDNS1123Subdomain(key.Name)) > 0
	if wrong || key.Namespace != "" && len(validation.IsDNS1123Label(key.Namespace)) > 0 {
		p.fail(catalog.Problem{
			Line: at, Field: "metadata.name", Code: codeName,
			Message: fmt.Sprintf("no API server takes the name %.80q in the namespace %.80q", key.Name, key.Namespace),
			Fix:     "use lower-case letters, digits and dashes, and begin and end with a letter or digit",
		})
		return
	}
	encoded, err := encode(node, d.line-1)
	if err != nil {
		p.undecodable(at, resource.Singular, d, err)
		return
	}
	p.fields += len(encoded.fields) + len(encoded.out)/16
	object := &inventory.Object{Key: key, Location: p.location, Lines: encoded.fields}
	if found.decode != nil {
		object.Value, err = found.decode(encoded.out)
	} else {
		object.Value, err = inventory.Decode(resource.Kind, encoded.out)
	}
	if err != nil {
		p.wrongType(encoded, resource.Singular, d, err)
		return
	}
	object.Value.SetNamespace(key.Namespace)
	if field := lacks(apiVersion, object.Value, child(child(node, "spec"), "selector") != nil); field != "" || child(node, "$patch") != nil {
		p.isPartial(at, resource.Singular, field)
		return
	}
	p.objects = append(p.objects, object)
}

// templated finds a name or label that a template is to fill in; nil = there is none.
func templated(metadata *yaml.Node) *yaml.Node {
	for _, key := range []string{"name", "namespace"} {
		value := child(metadata, key)
		if value == nil {
			continue
		}
		braces := len(value.Content) > 0 && value.Content[0].Kind == yaml.MappingNode // {{ x }} is a map with a map as its key
		if braces || strings.Contains(value.Value, "{{") {
			return value
		}
	}
	if labels := child(metadata, "labels"); labels != nil {
		for _, value := range labels.Content {
			if strings.Contains(value.Value, "{{") {
				return value
			}
		}
	}
	return nil
}
