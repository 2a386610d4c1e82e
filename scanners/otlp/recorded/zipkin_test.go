package recorded_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestZipkin(t *testing.T) {
	const (
		trace  = `"traceId":"5b8efff798038103"`
		client = `{` + trace + `,"id":"a1","parentId":"b1","kind":"CLIENT","name":"get","localEndpoint":{"serviceName":"shop"}}`
		server = `{` + trace + `,"id":"a1","parentId":"b1","kind":"SERVER","name":"get","localEndpoint":{"serviceName":"cart"},"shared":true}`
	)
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"a trace": {
			`[{` + trace + `,"id":"a1","kind":"CLIENT","name":"get","timestamp":1531282088548312,"duration":20333,
				"localEndpoint":{"serviceName":"shop","ipv4":"172.17.0.13"},"remoteEndpoint":{"serviceName":"tax","ipv4":"10.0.0.1","port":80},
				"annotations":[{"timestamp":1,"value":"ws"}],"tags":{"http.method":"GET","http.status_code":"503","error":""}}]`,
			[]string{"t1 a1< shop get kind=3 error=true start=1531282088548312000 end=1531282088568645000 peer=tax http=503"},
		},
		"a list of traces": {`[[` + client + `],[{"traceId":"2","id":"2"}]]`, []string{"t1 a1<b1 shop get kind=3", "t2 02<  "}},
		"a span a line":    {client + "\n" + server, []string{"t1 a1<b1 shop get kind=3", "t1 713b<a1 cart get kind=2"}},
		"a span alone":     {client, []string{"t1 a1<b1 shop get kind=3"}},
		"no traces":        {`[]`, []string{}},
		"both sides share an id": {
			`[` + server + `,` + client + `,
				{` + trace + `,"id":"c1","parentId":"a1","name":"load","localEndpoint":{"serviceName":"cart"}},
				{` + trace + `,"id":"c2","parentId":"a1","name":"connect","localEndpoint":{"serviceName":"shop"}},
				{` + trace + `,"id":"c3","parentId":"a1","name":"other","localEndpoint":{"serviceName":"tax"}}]`,
			[]string{
				"t1 713b<a1 cart get kind=2", "t1 a1<b1 shop get kind=3", "t1 c1<713b cart load", "t1 c2<a1 shop connect", "t1 c3<713b tax other",
			},
		},
		"both share an id, and nobody says so": {
			`[` + client + `,{` + trace + `,"id":"a1","parentId":"b1","kind":"SERVER","name":"get","localEndpoint":{"serviceName":"cart"}}]`,
			[]string{"t1 a1<b1 shop get kind=3", "t1 713b<a1 cart get kind=2"},
		},
		"a side of a span whose other one is not there": {`[` + server + `]`, []string{"t1 a1<b1 cart get kind=2"}},
		"a share of a share": {
			`[` + client + `,` + server + `,{` + trace + `,"id":"a2","parentId":"a1","kind":"CLIENT","name":"get","localEndpoint":{"serviceName":"cart"}},
				{` + trace + `,"id":"a2","parentId":"a1","kind":"SERVER","name":"get","localEndpoint":{"serviceName":"tax"},"shared":true}]`,
			[]string{"t1 a1<b1 shop get kind=3", "t1 713b<a1 cart get kind=2", "t1 a2<713b cart get kind=3", "t1 a837<a2 tax get kind=2"},
		},
		"trace ids of 64 and 128 bits": {
			`[{"traceId":"0123456789abcdef5b8efff798038103","id":"a1"},{` + trace + `,"id":"a2"}]`, []string{"t1 a1<  ", "t1 a2<  "},
		},
		"what is known in pieces": {
			`[{` + trace + `,"id":"a1","kind":"SERVER","name":"get","timestamp":5,"localEndpoint":{"serviceName":"cart"}},
				{` + trace + `,"id":"a1","kind":"SERVER","timestamp":5,"duration":7,"localEndpoint":{"serviceName":"cart"},"tags":{"error":"500"}}]`,
			[]string{"t1 a1< cart get kind=2 error=true start=5000 end=12000"},
		},
		"a piece that does not know its side": {
			`[{` + trace + `,"id":"a1","parentId":"b1","localEndpoint":{"serviceName":"cart"},"tags":{"http.status_code":"500"}},` + client + `,
				{` + trace + `,"id":"a1","parentId":"b1","kind":"SERVER","name":"get","timestamp":5,"duration":7,"localEndpoint":{"serviceName":"cart"},"shared":true}]`,
			[]string{"t1 713b<a1 cart get kind=2 start=5000 end=12000 http=500", "t1 a1<b1 shop get kind=3"},
		},
		"the same twice": {`[` + client + `,` + client + `]`, []string{"t1 a1<b1 shop get kind=3", "t1 a1<b1 shop get kind=3"}},
		"no kind, and both sides": {
			`[{` + trace + `,"id":"a1","kind":null,"localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"tax"}},
				{` + trace + `,"id":"a2","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"ipv4":"10.0.0.1","port":0}}]`,
			[]string{"t1 a1< shop  kind=3 peer=tax", "t1 a2< shop  net=10.0.0.1"},
		},
		"who calls": {
			`[{` + trace + `,"id":"a1","kind":"SERVER","localEndpoint":{"serviceName":"cart"},"remoteEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1"}}]`,
			[]string{"t1 a1< cart  kind=2 peer=shop"},
		},
		"an address": {
			`[{` + trace + `,"id":"a1","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"ipv6":"2001:db8::1","port":8080}}]`,
			[]string{"t1 a1< shop  kind=3 net=2001:db8::1 netport=8080"},
		},
		"databases": {
			`[{` + trace + `,"id":"a1","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"app_db"},"tags":{"sql.query":"select"}},
				{` + trace + `,"id":"a2","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"mysql-carts","ipv4":"10.0.0.1"}},
				{` + trace + `,"id":"a3","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"x"},"tags":{"cassandra.query":"q"}}]`,
			[]string{"t1 a1< shop  kind=3 peer=app_db db=other_sql", "t1 a2< shop  kind=3 peer=mysql-carts db=mysql", "t1 a3< shop  kind=3 peer=x db=cassandra"},
		},
		"messages": {
			`[{` + trace + `,"id":"a1","kind":"PRODUCER","localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"broker"},"tags":{"kafka.topic":"orders"}},
				{` + trace + `,"id":"a2","kind":"CONSUMER","localEndpoint":{"serviceName":"cart"},"remoteEndpoint":{"serviceName":"RabbitMQ"},
					"tags":{"rabbit.exchange":"","rabbit.queue":"orders","rabbit.routing_key":"key"}},
				{` + trace + `,"id":"a3","kind":"CONSUMER","localEndpoint":{"serviceName":"cart"},"tags":{"jms.queue":"orders"}}]`,
			[]string{
				"t1 a1< shop  kind=4 mq=kafka topic=orders", "t1 a2< cart  kind=5 mq=rabbitmq topic=orders key=key", "t1 a3< cart  kind=5 mq=jms topic=orders",
			},
		},
		"tags of exporters": {
			`[{` + trace + `,"id":"a1","localEndpoint":{"serviceName":"shop"},"tags":{"otel.status_code":"ERROR","error":"false","service.namespace":"front",
				"w3c.tracestate":"ot=th:c","peer.service":"tax"}}]`,
			[]string{"t1 a1< shop  status=2 state=ot=th:c peer=tax ns=front"},
		},
		"a service by a tag": {`[{` + trace + `,"id":"a1","tags":{"service.name":"shop"}}]`, []string{"t1 a1< shop "}},
		"version 1": {
			`[{` + trace + `,"id":"a1","parentId":"b1","name":"get","timestamp":10,"duration":9,"annotations":[
				{"timestamp":10,"value":"cs","endpoint":{"serviceName":"shop"}},{"timestamp":19,"value":"cr","endpoint":{"serviceName":"shop"}},
				{"timestamp":12,"value":"sr","endpoint":{"serviceName":"cart"}},{"timestamp":15,"value":"ss","endpoint":{"serviceName":"cart"}}],
				"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"cart"}},{"key":"ca","value":true,"endpoint":{"serviceName":"shop"}},
				{"key":"http.status_code","value":"500","endpoint":{"serviceName":"cart"}},{"key":"error","value":"x","endpoint":{"serviceName":"cart"}}]},
				{` + trace + `,"id":"a2","parentId":"a1","name":"load","binaryAnnotations":[{"key":"lc","value":"x","endpoint":{"serviceName":"cart"}}]},
				{` + trace + `,"id":"a3","parentId":"a1","name":"query","annotations":[{"timestamp":13,"value":"cs","endpoint":{"serviceName":"cart"}}],
				"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"mysql"}}]}]`,
			[]string{
				"t1 a1<b1 shop get kind=3 start=10000 end=19000 peer=cart",
				"t1 713b<a1 cart get kind=2 error=true start=12000 end=15000 peer=shop http=500",
				"t1 a2<713b cart load", "t1 a3<713b cart query kind=3 start=13000 end=13000 peer=mysql db=mysql",
			},
		},
		"one span is broken": {
			`[` + client + `,
				{` + trace + `,"id":"a2","tags":7}]`,
			[]string{
				"t1 a1<b1 shop get kind=3", "lost unreadable 1",
				":2: error: tags: a span cannot be read: this cannot be a number (write it again, or take it out) [malformed-traces]",
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
