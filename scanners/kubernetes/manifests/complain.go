package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// set adds a problem.
func (p *parser) set(problem catalog.Problem) {
	if len(p.problems) < maxProblems {
		problem.Location = p.location
		p.problems = append(p.problems, problem)
	}
}

// fail adds a problem for which something was not read that should have been.
func (p *parser) fail(problem catalog.Problem) {
	problem.Severity = catalog.Error
	if p.lost = true; p.broken == "" {
		p.broken = problem.Message
		if problem.Line > 0 {
			p.broken = fmt.Sprintf("line %d: %s", problem.Line, problem.Message)
		}
	}
	p.set(problem)
}

// isTemplate tells, once for a file, that it is a template.
func (p *parser) isTemplate(line int32) {
	p.lost = true
	if p.template {
		return
	}
	p.template = true
	p.set(catalog.Problem{
		Line: line, Severity: catalog.Warning, Code: codeTemplate, Message: "this is a template of manifests and is not read",
		Fix: "render it first, for example by helm template, and scan the result; leave the template out by exclude",
	})
}

// isPartial tells that an object is a part of one; field is what it lacks.
func (p *parser) isPartial(line int32, kind, field string) {
	why := "it is a patch"
	if field != "" {
		why = "it has no " + field
	}
	p.set(catalog.Problem{
		Line: line, Field: field, Severity: catalog.Warning, Code: codePartial,
		Message: fmt.Sprintf("this %s is a part of one, and is not read: %s", kind, why),
		Fix:     "render the whole first, for example by kubectl kustomize, and scan the result; leave patches out by exclude",
	})
}

// tooMuch tells that the rest of a file is not read.
func (p *parser) tooMuch(line int32) {
	p.full = true
	p.fail(catalog.Problem{
		Line: line, Code: codeLarge, Fix: "split the file into several",
		Message: fmt.Sprintf("the file has more than %d objects or %d fields; from here on it is not read", maxObjects, maxFileFields),
	})
}

// undecodable tells that an object cannot be written as JSON.
func (p *parser) undecodable(line int32, kind string, d document, err error) {
	if errors.Is(err, errKey) && bytes.Contains(d.text, []byte("{{")) {
		p.isTemplate(d.line + lineOf(d.text, "{{"))
		return
	}
	code, fix := codeYAML, "mend it"
	if errors.Is(err, errTooDeep) || errors.Is(err, errTooLarge) {
		code, fix = codeLarge, "split it up; no API server takes it either"
	}
	p.fail(catalog.Problem{Line: line, Code: code, Message: fmt.Sprintf("this %s cannot be read: %v", kind, err), Fix: fix})
}

// wrongType tells which field of an object is of a wrong type.
func (p *parser) wrongType(e *encoder, kind string, d document, err error) {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		p.fail(catalog.Problem{
			Line: e.fields.Line(""), Code: codeType, // what the decoder says quotes the value, which may be a secret
			Message: fmt.Sprintf("this %s cannot be read: a time, an amount or an encoded value in it is not written as one", kind),
			Fix:     "mend it; kubectl apply --dry-run=server tells which",
		})
		return
	}
	at := e.find(wrong)
	value := e.json(at)
	if bytes.Contains(value, []byte("{{")) || bytes.HasPrefix(value, []byte("{")) && bytes.Contains(d.text, []byte("{{")) {
		p.isTemplate(e.fields[at].line)
		return
	}
	want, fix := wanted(wrong.Type)
	p.fail(catalog.Problem{
		Line: e.fields[at].line, Field: e.fields.path(at), Code: codeType,
		Message: fmt.Sprintf("this field of the %s is %s, and must be %s", kind, described(value), want), Fix: fix,
	})
}

// find is the field that an error is about: by its offset, or where a type reads its own values, so that the offset is that
// within the value, the first field of its name with a value of that sort.
func (e *encoder) find(wrong *json.UnmarshalTypeError) int32 {
	at := e.at(wrong.Offset)
	name := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
	if key := strings.TrimRight(e.fields.path(at), "[0123456789]"); key == name || strings.HasSuffix(key, "."+name) {
		return at
	}
	sort, _, _ := strings.Cut(wrong.Value, " ") // "number 3.5"
	for i := range e.fields {
		if e.fields[i].key == name && sortOf(e.json(int32(i))) == sort { //nolint:gosec // at most maxFields
			return int32(i) //nolint:gosec // as above
		}
	}
	return at
}

// json is the value of a field, at most its first kilobyte.
func (e *encoder) json(at int32) []byte {
	start, end := e.offsets[at], len(e.out)
	if next := e.fields[at].end; int(next) < len(e.offsets) {
		end = e.offsets[next]
	}
	return e.out[start:min(end, start+1<<10)]
}

// sortOf is what a decoder of JSON calls a value.
func sortOf(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

func described(value []byte) string {
	switch sortOf(value) {
	case "string":
		return "text"
	case "object":
		return "a map"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	}
	return "a number"
}

// wanted says in words what a field must be, and what to do.
func wanted(t reflect.Type) (want, fix string) {
	switch t.Kind() {
	case reflect.String:
		return "text", "put it into quotes"
	case reflect.Bool:
		return "true or false", "write true or false, without quotes"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number", "write a number, without quotes"
	case reflect.Slice, reflect.Array:
		return "a list", "begin each of its elements with a dash"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "a map", "check its indentation and dashes"
	default:
		return "something else", "check it"
	}
}
