package recorded_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jaeger is an answer of Jaeger with one trace of the spans, of two processes.
func jaeger(spans string) string {
	return `{"data":[{"traceID":"` + trace1 + `","spans":[` + spans + `],"processes":{
		"p1":{"serviceName":"shop","tags":[{"key":"service.namespace","type":"string","value":"front"},
			{"key":"deployment.environment","value":"staging"}]},
		"p2":{"serviceName":"cart","tags":null}},"warnings":null}],"total":0,"limit":0,"offset":0,"errors":null}`
}

func TestJaeger(t *testing.T) {
	const head = `"traceID":"` + trace1 + `","operationName":"op","processID":"p2"`
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"the answer of the API": {
			jaeger(`{` + head + `,"spanID":"a1","flags":1,"references":[{"refType":"CHILD_OF","traceID":"` + trace1 + `","spanID":"b1"}],
				"startTime":1542666452979000,"duration":390000,"tags":[{"key":"span.kind","type":"string","value":"client"},
				{"key":"error","type":"bool","value":true},{"key":"peer.service","type":"string","value":"tax"},
				{"key":"http.status_code","type":"int64","value":503}],"logs":[],"warnings":null}`),
			[]string{"t1 a1<b1 cart op kind=3 error=true start=1542666452979000000 end=1542666453369000000 peer=tax http=503"},
		},
		"a trace alone":    {`{"traceID":"1","spans":[{` + head + `,"spanID":"a1"}],"processes":{"p2":{"serviceName":"cart"}}}`, []string{"t1 a1< cart op"}},
		"data as one":      {`{"id":"1","state":"done","data":{"spans":[{` + head + `,"spanID":"a1"}],"processes":{"p2":{"serviceName":"cart"}}}}`, []string{"t1 a1< cart op"}},
		"a list of traces": {`[{"traceID":"1","spans":[{` + head + `,"spanID":"a1"}],"processes":{"p2":{"serviceName":"cart"}}}]`, []string{"t1 a1< cart op"}},
		"no traces":        {`{"data":[],"total":0,"limit":0,"offset":0,"errors":null}`, []string{}},
		"attributes of the process": {
			jaeger(`{"traceID":"` + trace1 + `","operationName":"op","processID":"p1","spanID":"a1"}`),
			[]string{"t1 a1< shop op ns=front env=staging"},
		},
		"its own process": {jaeger(`{"traceID":"1","spanID":"a1","operationName":"op","processID":"p9","process":{"serviceName":"own"}}`), []string{"t1 a1< own op"}},
		"no process":      {jaeger(`{"traceID":"1","spanID":"a1","operationName":"op","processID":"p9"}`), []string{"t1 a1<  op"}},
		"a span a line, with its process": {
			`{"traceID":"1","spanID":"a1","operationName":"op","process":{"serviceName":"own"}}` + "\n" +
				`{"traceID":"1","spanID":"a2","operationName":"op","parentSpanID":"a1","process":{"serviceName":"own"}}`,
			[]string{"t1 a1< own op", "t1 a2<a1 own op"},
		},
		"short ids, and long ones with zeros": {
			jaeger(`{"traceID":"1","spanID":"2","operationName":"op","processID":"p2"},
				{"traceID":"0001","spanID":"00f","operationName":"op","processID":"p2"}`),
			[]string{"t1 02< cart op", "t1 0f< cart op"},
		},
		"ids that are words": {
			jaeger(`{"traceID":"trace-123","spanID":"span-1","operationName":"op","processID":"p2"},
				{"traceID":"trace-123","spanID":"span-2","operationName":"op","processID":"p2",
				"references":[{"refType":"CHILD_OF","traceID":"trace-123","spanID":"span-1"}]}`),
			[]string{"t1 e7cd< cart op", "t1 b205<e7cd cart op"},
		},
		"no ids":      {jaeger(`{"operationName":"op","processID":"p2"}`), []string{"t1 < cart op badtrace=true badid=true"}},
		"ids of zero": {jaeger(`{"traceID":"0","spanID":"0000000000000000","operationName":"op","processID":"p2"}`), []string{"t1 < cart op"}},
		"references": {
			jaeger(`{` + head + `,"spanID":"a1","references":[{"refType":"FOLLOWS_FROM","traceID":"` + trace1 + `","spanID":"b1"},
				{"refType":"CHILD_OF","traceID":"` + trace1 + `","spanID":"b2"},{"refType":"CHILD_OF","traceID":"ff","spanID":"b3"}]},
				{` + head + `,"spanID":"a2","references":[{"refType":"CHILD_OF","traceID":"ff","spanID":"b1"},
				{"refType":"FOLLOWS_FROM","spanID":"b2"}]}, {` + head + `,"spanID":"a3","references":null,"parentSpanID":"b3"}`),
			[]string{"t1 a1<b2 cart op links=2", "t1 a2<b2 cart op links=1", "t1 a3<b3 cart op"},
		},
		"values as texts": {
			jaeger(`{` + head + `,"spanID":"a1","startTime":"1542666452979000","duration":"10","tags":[{"key":"error","type":"string","value":"true"},
				{"key":"http.status_code","value":"404"},{"key":"peer.port","value":"80"},{"key":"peer.hostname","value":"tax"},
				{"key":"span.kind","value":"SERVER"},{"key":"w3c.tracestate","value":"ot=th:c"},{"key":"otel.status_code","value":"ERROR"}]}`),
			[]string{"t1 a1< cart op kind=2 status=2 error=true start=1542666452979000000 end=1542666452979010000 state=ot=th:c server=tax port=80 http=404"},
		},
		"addresses as numbers": {
			jaeger(`{` + head + `,"spanID":"a1","tags":[{"key":"peer.ipv4","type":"int64","value":167772161}]},
				{` + head + `,"spanID":"a2","tags":[{"key":"peer.ipv4","value":-1062731775}]},{` + head + `,"spanID":"a3","tags":[{"key":"peer.ipv4","value":"10.0.0.2"}]}`),
			[]string{"t1 a1< cart op net=10.0.0.1", "t1 a2< cart op net=192.168.0.1", "t1 a3< cart op net=10.0.0.2"},
		},
		"tags as an object": {jaeger(`{` + head + `,"spanID":"a1","tags":{"span.kind":"client","peer.service":"tax"}}`), []string{"t1 a1< cart op kind=3 peer=tax"}},
		"what is no tag":    {jaeger(`{` + head + `,"spanID":"a1","tags":[1,null,"x",{"key":"span.kind","value":{"a":1}},{"key":"peer.service","value":["tax"]}]}`), []string{"t1 a1< cart op peer=tax"}},
		"no error":          {jaeger(`{` + head + `,"spanID":"a1","tags":[{"key":"error","value":false},{"key":"error","value":"false"}]}`), []string{"t1 a1< cart op"}},
		"a database of OpenTracing": {
			jaeger(`{` + head + `,"spanID":"a1","tags":[{"key":"db.type","value":"MySQL"},{"key":"db.instance","value":"carts"},
				{"key":"peer.address","value":"db1:3307"}]},
				{` + head + `,"spanID":"a2","tags":[{"key":"db.type","value":"sql"},{"key":"peer.address","value":"db1:3307"}]},
				{` + head + `,"spanID":"a3","tags":[{"key":"peer.address","value":"10.0.0.1"}]}`),
			[]string{"t1 a1< cart op server=db1 port=3307 db=mysql dbname=carts", "t1 a2< cart op", "t1 a3< cart op"},
		},
		"as protobuf's JSON mapping has it": {
			`{"spans":[{"traceId":"AAAAAAAAAAAAAAAAAAAAEQ==","spanId":"AAAAAAAAAAM=","operationName":"op","references":[],"tags":[
				{"key":"span.kind","vStr":"server"},{"key":"http.status_code","vType":"INT64","vInt64":"500"},{"key":"error","vType":"BOOL","vBool":true}],
				"startTime":"2017-01-26T16:46:31.639875Z","duration":"0.100s","process":{"serviceName":"shop","tags":[]},"logs":[]},
				{"traceId":"AAAAAAAAAAAAAAAAAAAAEQ==","spanId":"AAAAAAAAAAQ=","operationName":"op",
				"references":[{"traceId":"AAAAAAAAAAAAAAAAAAAAEQ==","spanId":"AAAAAAAAAAM=","refType":"CHILD_OF"}],"processId":"p"}],
				"processMap":[{"processId":"p","process":{"serviceName":"cart"}}]}`,
			[]string{"t1 03< shop op kind=2 error=true start=1485449191639875000 end=1485449191739875000 http=500", "t1 04<03 cart op"},
		},
		"one span is broken": {
			jaeger(`{` + head + `,"spanID":"a1"},{` + head + `,"spanID":"a2","references":7},{` + head + `,"spanID":"a3"}`),
			[]string{
				"t1 a1< cart op", "t1 a3< cart op", "lost unreadable 1",
				":1: error: references: a span cannot be read: this cannot be a number (write it again, or take it out) [malformed-traces]",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, said(t, []byte(c.document), long)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
