package spans_test

import (
	"bytes"
	"errors"
	"math/rand"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// What pdata writes as JSON is read as what it writes as protobuf.
func TestJSONAndProtobufReadTheSame(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewSource(4))
	for round := range 200 {
		request := ptraceotlp.NewExportRequestFromTraces(randomTraces(rng))
		written, err := request.MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(written, []byte("no UTF-8")) {
			continue // JSON cannot write that
		}
		inJSON, err := request.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got []spans.Span
		if err := spans.ReadJSON(spans.NewResources(1<<20), inJSON, func(span *spans.Span) error {
			got = append(got, kept(span))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if want := read(t, newReader(), written); !reflect.DeepEqual(want, got) {
			t.Fatalf("round %d, protobuf says -, JSON says +:\n%s", round, cmp.Diff(want, got))
		}
	}
}

func TestNothingIsReadOfMalformedJSON(t *testing.T) {
	t.Parallel()
	err := spans.ReadJSON(spans.NewResources(1<<20), []byte(wrap(`{"name":"good"},{"traceId":"short"}`)), func(*spans.Span) error {
		t.Error("a span is read")
		return nil
	})
	var malformed *spans.MalformedError
	if !errors.As(err, &malformed) {
		t.Errorf("got %v", err)
	}
}
