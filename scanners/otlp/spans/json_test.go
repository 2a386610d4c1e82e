package spans_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// say tells what was read of a span, as far as JSON could have got it wrong.
func say(s *spans.Span) string {
	text := fmt.Sprintf("%x/%x<%x %q kind=%d status=%d %d-%d state=%q of %s/%s", s.TraceID, s.ID, s.Parent, s.Name, s.Kind,
		s.Status, s.Start, s.End, s.TraceState, s.Resource.Namespace, s.Resource.Service)
	if s.BadTraceID {
		text += " badTrace"
	}
	if s.BadID {
		text += " badID"
	}
	if s.HasRemoteParent {
		text += fmt.Sprintf(" remote=%t", s.IsRemoteParent)
	}
	for _, link := range s.Links {
		text += fmt.Sprintf(" link=%x/%x", link.TraceID, link.ID)
	}
	return text + fmt.Sprintf(" http=%d peer=%q server=%q:%d table=%q error=%t", s.HTTPStatus, s.PeerService, s.ServerAddress,
		s.ServerPort, s.DBTable, s.ErrorTag)
}

func readJSON(input string) ([]string, error) {
	said := []string{}
	err := spans.ReadJSON(spans.NewResources(1<<20), []byte(input), func(s *spans.Span) error {
		said = append(said, say(s))
		return nil
	})
	return said, err
}

const (
	traceHex = "0102030405060708090a0b0c0d0e0f10"
	spanHex  = "0102030405060708"
)

func wrap(span string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},` +
		`"scopeSpans":[{"spans":[` + span + `]}]}]}`
}

func TestJSONReadsAllWaysOfWriting(t *testing.T) {
	usual := `{"traceId":"` + traceHex + `","spanId":"` + spanHex + `","parentSpanId":"1112131415161718","name":"GET /",` +
		`"kind":3,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000002","traceState":"ot=th:c",` +
		`"flags":768,"status":{"code":2},"links":[{"traceId":"` + traceHex + `","spanId":"` + spanHex + `"}],"attributes":[` +
		`{"key":"http.response.status_code","value":{"intValue":"503"}},{"key":"peer.service","value":{"stringValue":"pay\u00e9"}},` +
		`{"key":"server.address","value":{"stringValue":"h"}},{"key":"server.port","value":{"intValue":"81"}},` +
		`{"key":"aws.dynamodb.table_names","value":{"arrayValue":{"values":[{"stringValue":"t"},{"stringValue":"u"}]}}},` +
		`{"key":"error","value":{"boolValue":true}}]}`
	want, err := readJSON(wrap(usual))
	if err != nil || len(want) != 1 {
		t.Fatal(want, err)
	}
	const literal = `0102030405060708090a0b0c0d0e0f10/0102030405060708<1112131415161718 "GET /" kind=3 status=2 ` +
		`1700000000000000001-1700000000000000002 state="ot=th:c" of /shop remote=true ` +
		`link=0102030405060708090a0b0c0d0e0f10/0102030405060708 http=503 peer="payé" server="h":81 table="t" error=true`
	if diff := cmp.Diff(literal, want[0]); diff != "" {
		t.Fatal(diff)
	}
	for name, other := range map[string]*strings.Replacer{
		"names of enums":     strings.NewReplacer(`"kind":3`, `"kind":"SPAN_KIND_CLIENT"`, `"code":2`, `"code":"STATUS_CODE_ERROR"`),
		"numbers as numbers": strings.NewReplacer(`"1700000000000000001"`, `1700000000000000001`, `"503"`, `503`, `"81"`, `81.0`),
		"numbers as text":    strings.NewReplacer(`"kind":3`, `"kind":"3"`, `768`, `"768"`, `{"intValue":"81"}`, `{"stringValue":"81"}`),
		"base64":             strings.NewReplacer(traceHex, "AQIDBAUGBwgJCgsMDQ4PEA==", spanHex, "AQIDBAUGBwg=", "1112131415161718", "ERITFBUWFxg="),
		"upper case":         strings.NewReplacer(traceHex, strings.ToUpper(traceHex)),
		"proto names": strings.NewReplacer("traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id",
			"startTimeUnixNano", "start_time_unix_nano", "endTimeUnixNano", "end_time_unix_nano", "traceState", "trace_state",
			"resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "stringValue", "string_value", "intValue", "int_value",
			"boolValue", "bool_value", "arrayValue", "array_value"),
		"unknown fields": strings.NewReplacer(`"kind"`, `"new":{"deep":[1,{"a":null}]},"kind"`, `"code"`, `"why":[],"code"`,
			`"key":"error"`, `"more":1,"key":"error"`, `"resource":`, `"x":"y","resource":`),
		"null":          strings.NewReplacer(`"kind"`, `"events":null,"kind"`, `"attributes":[{"key":"error"`, `"attributes":[{"key":"a","value":null},{"key":"error"`),
		"value first":   strings.NewReplacer(`{"key":"error","value":{"boolValue":true}}`, `{"value":{"boolValue":true},"key":"error"}`),
		"Tempo's words": strings.NewReplacer("resourceSpans", "batches", "scopeSpans", "instrumentationLibrarySpans"),
		"white space":   strings.NewReplacer(`,`, " ,\n\t"),
	} {
		input := other.Replace(wrap(usual))
		if input == wrap(usual) {
			t.Errorf("%s: nothing is written another way", name)
		}
		if got, err := readJSON(input); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(want, got))
		}
	}
}

func TestJSONResourceBehindItsSpans(t *testing.T) {
	const first = `{"traceId":"` + traceHex + `","spanId":"` + spanHex + `"}`
	const request = `{"resourceSpans":[{"scopeSpans":[{"spans":[` + first + `]}],"resource":{"attributes":[` +
		`{"key":"service.name","value":{"stringValue":"behind"}}]}},{"scopeSpans":[{"spans":[` + first + `,` + first + `]}]},null]}`
	got, err := readJSON(request)
	if err != nil || len(got) != 3 || !strings.Contains(got[0], "of /behind ") || !strings.Contains(got[1], "of / ") {
		t.Fatal(got, err)
	}
}

func TestJSONMalformed(t *testing.T) {
	for name, input := range map[string]string{
		"nothing":                   ``,
		"no object":                 `[]`,
		"a word":                    `traces`,
		"truncated":                 `{"resourceSpans":[{"resource":{`,
		"truncated in a text":       `{"resourceSpans":[{"resource":{"attributes":[{"key":"serv`,
		"something behind":          `{} {}`,
		"wrong at last":             wrap(`{"traceId":"` + traceHex + `","spanId":"` + spanHex + `"},{"spanId":"01"}`),
		"spans are no list":         `{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":{}}]}]}`,
		"a short trace id":          wrap(`{"traceId":"01020304"}`),
		"no hex":                    wrap(`{"spanId":"zz02030405060708"}`),
		"a base64 id too long":      wrap(`{"spanId":"AQIDBAUGBwgJ"}`),
		"a time that is no number":  wrap(`{"startTimeUnixNano":"soon"}`),
		"a negative time":           wrap(`{"startTimeUnixNano":-1}`),
		"a time beyond 64 bits":     wrap(`{"startTimeUnixNano":"18446744073709551616"}`),
		"a name that is a number":   wrap(`{"name":7}`),
		"wrong behind its resource": `{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"0102"}]}],"resource":{}}]}`,
	} {
		got, err := readJSON(input)
		var malformed *spans.MalformedError
		if !errors.As(err, &malformed) || len(got) != 0 {
			t.Errorf("%s: %v, and %v is handed over", name, err, got)
		} else if malformed.Offset > int64(len(input)) {
			t.Errorf("%s: byte %d of %d", name, malformed.Offset, len(input))
		}
	}
}

func TestJSONEmptyIDsAreNoError(t *testing.T) {
	got, err := readJSON(wrap(`{"traceId":"","spanId":""},{},{"traceId":"` + strings.Repeat("0", 32) + `","spanId":"` + spanHex + `"}`))
	if err != nil || len(got) != 3 || !strings.Contains(got[0], "badTrace badID") || !strings.Contains(got[1], "badTrace badID") ||
		strings.Contains(got[2], "bad") {
		t.Fatal(got, err)
	}
}

func TestJSONStreamOfRequests(t *testing.T) {
	one := wrap(`{"traceId":"` + traceHex + `","spanId":"` + spanHex + `"}`)
	reader := spans.NewJSONReader(spans.NewResources(1<<20), io.MultiReader(strings.NewReader(one+"\n"), strings.NewReader(one+one+"\n")))
	total := 0
	for {
		err := reader.Next(func(*spans.Span) error { total++; return nil })
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != 3 {
		t.Errorf("%d spans, not 3", total)
	}
	enough := errors.New("enough")
	reader = spans.NewJSONReader(spans.NewResources(1<<20), strings.NewReader(one))
	if err := reader.Next(func(*spans.Span) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v instead of what was returned", err)
	}
}

func TestJSONOfCorpora(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Corpora(t), "traces", "*.otlp.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded traces", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readJSON(string(data))
		if want := strings.Count(string(data), `"startTimeUnixNano"`); err != nil || len(got) != want {
			t.Errorf("%s: %d spans, not %d: %v", filepath.Base(file), len(got), want, err)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add(wrap(`{"traceId":"` + traceHex + `","spanId":"` + spanHex + `","kind":"SPAN_KIND_SERVER","status":{"code":1}}`))
	f.Add(`{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}],"resource":{"attributes":[{"key":"a","value":{"arrayValue":{}}}]}}]}`)
	f.Fuzz(func(t *testing.T, input string) {
		_, err := readJSON(input)
		var malformed *spans.MalformedError
		if err != nil && !errors.As(err, &malformed) {
			t.Fatalf("an error of no type: %v", err)
		}
	})
}
