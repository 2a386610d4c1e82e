package resolve_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

func TestErrorCodes(t *testing.T) {
	long := strings.Repeat("x", 2000)
	hundredOne := `["a"` + strings.Repeat(`,"a"`, 100) + `]`
	tests := map[string]struct {
		query, code, says string
		candidates        []string
	}{
		"missing": {
			`{entity(ref:"component:default/paymints"){ref}}`, resolve.CodeNotFound, "did you mean",
			[]string{"component:default/payments", "api:default/payments", "group:default/payments"},
		},
		"ambiguous":         {`{entity(ref:"payments"){ref}}`, resolve.CodeBadInput, "", []string{"api:default/payments", "component:default/payments"}},
		"nothing typed":     {`{entity(ref:""){ref}}`, resolve.CodeBadInput, "ref is empty", nil},
		"much typed":        {`{entity(ref:"` + long + `"){ref}}`, resolve.CodeBadInput, "2000 bytes", nil},
		"no field":          {`{nonsense}`, resolve.CodeBadInput, "nonsense", nil},
		"no query":          {`{`, resolve.CodeBadInput, "", nil},
		"no operation":      {`fragment f on Query {sources{totalCount}}`, resolve.CodeBadInput, "", nil},
		"first negative":    {`{entities(first:-1){nodes{ref}}}`, resolve.CodeBadInput, "first is -1", nil},
		"first too large":   {`{entities(first:1001){nodes{ref}}}`, resolve.CodeBadInput, "0 to 1000", nil},
		"first of complete": {`{complete(prefix:"a",first:101){text}}`, resolve.CodeBadInput, "0 to 100", nil},
		"no cursor":         {`{entities(after:"nonsense"){nodes{ref}}}`, resolve.CodeBadInput, "after is not a cursor", nil},
		"no cursor of cbor": {`{entities(after:"////"){nodes{ref}}}`, resolve.CodeBadInput, "after is not a cursor", nil},
		"depth negative":    {`{dependencies(of:"web",depth:-1){of{ref}}}`, resolve.CodeBadInput, "depth is -1", nil},
		"distance negative": {`{blastRadius(of:["web"],options:{maxDistance:-1}){totals{outage}}}`, resolve.CodeBadInput, "maxDistance", nil},
		"nothing fails":     {`{blastRadius(of:[]){totals{outage}}}`, resolve.CodeBadInput, "of is empty", nil},
		"too many fail":     {`{blastRadius(of:` + hundredOne + `){totals{outage}}}`, resolve.CodeBadInput, "at most 100", nil},
		"too many kinds":    {`{dependencies(of:"web",kinds:` + hundredOne + `){of{ref}}}`, resolve.CodeBadInput, "at most 100", nil},
		"too many tags":     {`{entities(filter:{tags:` + hundredOne + `}){totalCount}}`, resolve.CodeBadInput, "at most 100", nil},
		"owner is no ref":   {`{entities(filter:{owners:["/"]}){totalCount}}`, resolve.CodeBadInput, "empty namespace", nil},
		"assumed without kind": {
			`{path(from:"web",to:"mail",options:{add:[{from:"web",to:"nowhere"}]}){length}}`,
			resolve.CodeBadInput, "the kind is missing", nil,
		},
		"unknown impact target": {`{blastRadius(of:["web"]){impactOn(ref:"nobody")}}`, resolve.CodeNotFound, "", nil},
		"a mutation":            {`mutation {scan}`, resolve.CodeBadInput, "", nil},
	}
	c := newClient(shop().snapshot(1))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.ask(t, test.query, nil)
			if len(a.Errors) == 0 {
				t.Fatalf("no error: %v", a.Data)
			}
			got := a.Errors[0]
			if got.Extensions.Code != test.code || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %s %q, want %s %q", got.Extensions.Code, got.Message, test.code, test.says)
			}
			if diff := cmp.Diff(test.candidates, got.Extensions.Candidates); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
	if c.log.Len() > 0 {
		t.Errorf("what the asker did wrong is in the log: %s", c.log.String())
	}
}

func TestCursorOfAnotherList(t *testing.T) {
	c := newClient(shop().snapshot(1))
	cursor := at(c.data(t, `{entities(first:1,orderBy:NAME){pageInfo{endCursor}}}`, nil), "entities.pageInfo.endCursor")
	a := c.ask(t, `query($after:String){entities(first:1,after:$after,orderBy:TIER){nodes{ref}}}`, map[string]any{"after": cursor})
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeBadInput {
		t.Errorf("got %+v, want BAD_INPUT", a.Errors)
	}
}

func TestUnavailable(t *testing.T) {
	c := newClient(nil)
	a := c.ask(t, `{sources{totalCount}}`, nil)
	if a.Data != nil || len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeUnavailable {
		t.Errorf("got %+v", a)
	}
	c.current.Store(shop().snapshot(3))
	a = c.ask(t, `{sources{totalCount}}`, nil)
	if len(a.Errors) != 0 || a.Extensions["revision"] != 3.0 {
		t.Errorf("got %+v", a)
	}
}

// A fault of ours must not tell its details, must be in the log once, and must not take other fields with it.
func TestPanic(t *testing.T) {
	w := shop()
	w.relate("component:default/mail", catalog.DependsOn, "component:default/fraud", catalog.Hard).Evidence[0].Origin = nil
	c := newClient(w.snapshot(1))
	a := c.ask(t, `{
		bad: entity(ref:"mail"){dependencies{nodes{evidence{source}}}}
		good: entity(ref:"web"){ref}
	}`, nil)
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != resolve.CodeInternal || strings.Contains(a.Errors[0].Message, "nil") {
		t.Errorf("got %+v", a.Errors)
	}
	if got := at(a.Data, "good.ref"); got != "component:default/web" {
		t.Errorf("the other field is %v", got)
	}
	if got := strings.Count(c.log.String(), "\n"); got != 1 || !strings.Contains(c.log.String(), "nil pointer") {
		t.Errorf("the log has %d lines:\n%s", got, c.log.String())
	}
}

// Whatever is typed, the answer is an entity or an error of the asker.
func TestOddRefs(t *testing.T) {
	c := newClient(shop().snapshot(1))
	for _, typed := range []string{
		":", "/", "a:", "a/", ":a", "/a", "a:b:c/d/e", "\x00", " ", "payments\n", "\u202epayments", "😀", "%2e%2e", "'; drop",
		"component:default/", strings.Repeat("/", 500), "dns:", "K8S:x/y/z", "a\\b", "\xff\xfe",
	} {
		a := c.ask(t, `query($r:String!){entity(ref:$r){ref} path(from:$r,to:$r){length} blastRadius(of:[$r]){totals{outage}}
			complete(prefix:$r){text}}`, map[string]any{"r": typed})
		for _, e := range a.Errors {
			if e.Extensions.Code != resolve.CodeNotFound && e.Extensions.Code != resolve.CodeBadInput {
				t.Errorf("%q: %+v", typed, e)
			}
		}
	}
}
