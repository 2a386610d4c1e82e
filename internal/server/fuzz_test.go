package server_test

import (
	"encoding/json"
	"testing"

	"github.com/orrery-catalog/orrery/internal/server"
)

// Whatever is posted, the answer is JSON and the fault is not ours.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"query":"{entity(ref:\"web\"){ref}}"}`, `{"query":"query($a:Int){entities(first:$a){nodes{ref}}}","variables":{"a":1e9}}`,
		`{"query":"{...f} fragment f on Query{...f}"}`, `{"query":"{entities(after:\"g2VuYW1l\"){edges{cursor}}}"}`,
		`{"query":"{__type(name:\"Entity\"){fields{name}}}"}`, `{"query":"{a:sources{b:nodes{lost{...on LostInput{reason}}}}}"}`,
		`{"query":"query($o:BlastRadiusOptions){blastRadius(of:[\"web\"],options:$o){teams{nodes{worst}}}}","variables":{"o":{"add":[{"from":"a:b","to":"web"}]}}}`,
		`[]`, `{"query":1}`, "\xff", `{"query":"{sources{totalCount @skip(if:true)}}"}`,
	} {
		f.Add([]byte(seed))
	}
	h := handler(server.Config{})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, accept := range []string{plain, special} {
			w := do(h, request(t, "POST", "/graphql", string(body), "Content-Type", plain, "Accept", accept))
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}
