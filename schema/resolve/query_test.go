package resolve_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestAnswers(t *testing.T) {
	tests := map[string]struct{ query, want string }{
		"owner and on-call": {
			`{entity(ref:"component:payments"){owner{ref profile{displayName email}} onCall{kind target} tier system{ref}}}`,
			`{"entity":{"owner":{"ref":"group:default/payments","profile":{"displayName":"Payments","email":"payments@shop.example"}},
			"onCall":[{"kind":"pagerduty","target":"P123"}],"tier":1,"system":{"ref":"system:default/shop"}}}`,
		},
		"the unknown is null": {
			`{entity(ref:"mail"){title description owner{ref} tier onCall{kind} runbooks profile{email} capacity{requestsPerSecond}
			slo{availability windowSeconds} links{url title type} source{source location line} labels{key}}}`,
			`{"entity":{"title":null,"description":null,"owner":null,"tier":null,"onCall":[],"runbooks":["https://run.example/mail"],
			"profile":null,"capacity":null,"slo":{"availability":99.9,"windowSeconds":null},
			"links":[{"url":"https://run.example/mail","title":null,"type":"runbook"}],
			"source":{"source":"repos","location":"shop/catalog-info.yaml","line":7},"labels":[]}}`,
		},
		"by alias": {
			`{entity(ref:"dns:mail.shop.svc"){ref aliases{alias matchedBy}}}`,
			`{"entity":{"ref":"component:default/mail","aliases":[{"alias":"dns:mail.shop.svc","matchedBy":"DECLARATION"}]}}`,
		},
		"placeholder": {
			`{entity(ref:"ledger-db"){kind name placeholder discovered stale}}`,
			`{"entity":{"kind":"Resource","name":"ledger-db","placeholder":true,"discovered":false,"stale":false}}`,
		},
		"a dependency with all that is known": {
			`{entity(ref:"component:payments"){dependencies(first:1){nodes{to{ref} strength anyOf stale via{ref}
			relation{type fallback callsPerRequest timeoutSeconds role environment} evidence{kind location line}}}}}`,
			`{"entity":{"dependencies":{"nodes":[{"to":{"ref":"component:default/fraud"},"strength":"SOFT","anyOf":null,"stale":false,
			"via":null,"relation":{"type":"DEPENDS_ON","fallback":"accept small sums","callsPerRequest":2,"timeoutSeconds":null,
			"role":null,"environment":null},"evidence":[{"kind":"DECLARED","location":"shop/catalog-info.yaml","line":9}]}]}}}`,
		},
		"what does it need": {
			`{dependencies(of:"checkout",kinds:["Resource"]){entities{nodes{entity{ref} distance}} edges{nodes{from{ref} to{ref}}}}}`,
			`{"dependencies":{"entities":{"nodes":[{"entity":{"ref":"resource:default/ledger-db"},"distance":4}]},
			"edges":{"nodes":[{"from":{"ref":"component:default/ledger"},"to":{"ref":"resource:default/ledger-db"}}]}}}`,
		},
		"what breaks": {
			`{blastRadius(of:["component:payments"],options:{maxDistance:2}){totals{outage degraded delayed}
			impacted{nodes{entity{ref} impact distance path{to{ref}}}} impactOn(ref:"checkout")}}`,
			`{"blastRadius":{"totals":{"outage":2,"degraded":1,"delayed":0},"impacted":{"nodes":[
			{"entity":{"ref":"api:default/payments"},"impact":"OUTAGE","distance":1,"path":[{"to":{"ref":"component:default/payments"}}]},
			{"entity":{"ref":"component:default/checkout"},"impact":"OUTAGE","distance":2,"path":[{"to":{"ref":"api:default/payments"}},
			{"to":{"ref":"component:default/payments"}}]},
			{"entity":{"ref":"system:default/shop"},"impact":"DEGRADED","distance":1,"path":[{"to":{"ref":"component:default/payments"}}]}]},
			"impactOn":"OUTAGE"}}`,
		},
		"whom to call": {
			`{blastRadius(of:["ledger-db"]){journeys{nodes{entity{ref} impact}} teams(first:1){nodes{owner{ref} impacted worst onCall{target}}}
			tiers{tier totals{outage}}}}`,
			`{"blastRadius":{"journeys":{"nodes":[{"entity":{"ref":"journey:default/buy"},"impact":"OUTAGE"}]},
			"teams":{"nodes":[{"owner":{"ref":"group:default/payments"},"impacted":2,"worst":"OUTAGE","onCall":[{"target":"P123"}]}]},
			"tiers":[{"tier":1,"totals":{"outage":1}},{"tier":2,"totals":{"outage":1}},{"tier":null,"totals":{"outage":5}}]}}`,
		},
		"a path": {
			`{path(from:"web",to:"ledger"){length steps{to{ref}}} none: path(from:"ledger",to:"web"){length} self: path(from:"web",to:"web"){length steps{stale}}}`,
			`{"path":{"length":4,"steps":[{"to":{"ref":"component:default/checkout"}},{"to":{"ref":"api:default/payments"}},
			{"to":{"ref":"component:default/payments"}},{"to":{"ref":"component:default/ledger"}}]},"none":null,"self":{"length":0,"steps":[]}}`,
		},
		"a path over what is assumed": {
			`{path(from:"ledger",to:"component:new",options:{add:[{from:"ledger",to:"component:new",strength:SOFT}]}){steps{to{ref placeholder} strength relation{type}}}}`,
			`{"path":{"steps":[{"to":{"ref":"component:default/new","placeholder":true},"strength":"SOFT","relation":null}]}}`,
		},
		"a path over what is left": {
			`{path(from:"web",to:"ledger",options:{remove:[{from:"web",to:"checkout"}]}){length}}`,
			`{"path":null}`,
		},
		"cycles": {
			`{cycles{totalCount nodes{size entities{nodes{ref}}}}}`,
			`{"cycles":{"totalCount":1,"nodes":[{"size":2,"entities":{"nodes":[{"ref":"component:default/pricing"},{"ref":"component:default/web"}]}}]}}`,
		},
		"completion": {
			`{complete(prefix:"Pa"){text entity{ref}} kind:complete(prefix:"resource:"){text} ns:complete(prefix:"default/le"){text} none:complete(prefix:"zzz"){text}}`,
			`{"complete":[{"text":"payments","entity":{"ref":"api:default/payments"}},
			{"text":"payments","entity":{"ref":"component:default/payments"}},{"text":"payments","entity":{"ref":"group:default/payments"}}],"kind":[{"text":"resource:ledger-db"}],
			"ns":[{"text":"default/ledger"},{"text":"default/ledger-db"}],"none":[]}`,
		},
		"problems of a team": {
			`{problems(filter:{owners:["payments"]}){nodes{severity code line location ref entity{ref} fix}}}`,
			`{"problems":{"nodes":[{"severity":"WARNING","code":"dangling","line":3,"location":"a.yaml","ref":"component:default/payments",
			"entity":{"ref":"component:default/payments"},"fix":null},{"severity":"WARNING","code":"dangling","line":3,"location":"a.yaml",
			"ref":"component:default/payments","entity":{"ref":"component:default/payments"},"fix":null}]}}`,
		},
		"problems by severity": {
			`{problems(filter:{severities:[ERROR]}){nodes{line field ref entity{ref} message fix}}}`,
			`{"problems":{"nodes":[{"line":null,"field":null,"ref":null,"entity":null,"message":"broken","fix":"mend it"}]}}`,
		},
		"sources": {
			`{sources{nodes{id kind state error lastScan durationSeconds documents lost{reason count}}}}`,
			`{"sources":{"nodes":[{"id":"a","kind":"files","state":"OK","error":null,"lastScan":null,"durationSeconds":null,"documents":3,
			"lost":[{"reason":"too-large","count":2}]},{"id":"b","kind":"files","state":"PENDING","error":null,"lastScan":null,
			"durationSeconds":null,"documents":0,"lost":[]}]}}`,
		},
		"snapshot": {`{snapshot{revision time entities}}`, `{"snapshot":{"revision":5,"time":null,"entities":14}}`},
	}
	c := newClient(shop().snapshot(5))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c.data(t, test.query, nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEntityFilters(t *testing.T) {
	w := shop()
	w.add("component:default/ghost").Discovered = true
	w.add("component:default/old").Stale = true
	c := newClient(w.snapshot(1))
	tests := map[string][]string{
		`{kinds:["API","journey"]}`:                                      {"api:default/payments", "journey:default/buy"},
		`{namespaces:["other"]}`:                                         nil,
		`{kinds:["group","journey"],owned:false}`:                        {"journey:default/buy"},
		`{owners:["payments"]}`:                                          {"component:default/ledger", "component:default/payments"},
		`{kinds:["component"],owned:false,discovered:false,tags:["GO"]}`: {"component:default/checkout", "component:default/fraud", "component:default/mail", "component:default/pricing", "component:default/web"},
		`{types:["SERVICE"],tiers:[0],namePrefix:"F"}`:                   {"component:default/fraud"},
		`{tiers:[1,2]}`:                                                  {"component:default/checkout", "component:default/payments"},
		`{lifecycles:["Production"],tags:["m","w"]}`:                     {"component:default/mail", "component:default/web"},
		`{systems:["shop"],namePrefix:"p"}`:                              {"component:default/payments", "component:default/pricing"},
		`{discovered:true}`:                                              {"component:default/ghost"},
		`{stale:true}`:                                                   {"component:default/old"},
		`{placeholder:true,kinds:["resource"]}`:                          {"resource:default/ledger-db"},
		`{hasProblems:true}`:                                             {"component:default/payments"},
		`{kinds:["api"],hasProblems:false}`:                              {"api:default/payments"},
		`{kinds:[]}`:                                                     nil,
	}
	for filter, want := range tests {
		data := c.data(t, `{entities(filter:`+filter+`){totalCount nodes{ref}}}`, nil)
		if diff := cmp.Diff(want, refsOf(at(data, "entities.nodes"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
		if got := at(data, "entities.totalCount"); got != float64(len(want)) {
			t.Errorf("%s: totalCount is %v", filter, got)
		}
	}
}

// All fields of one operation see the same snapshot, however often it changes meanwhile.
func TestOneSnapshotForOneOperation(t *testing.T) {
	w := shop()
	c := newClient(w.snapshot(1))
	query := `{a:snapshot{revision entities} b:entities{totalCount} c:entity(ref:"web"){parents{ref}} d:snapshot{revision}}`
	for revision := range 20 {
		w.add(catalog.NewRef("component", "", fmt.Sprint("n", revision)))
		c.current.Store(w.snapshot(2))
		before := c.asked.Load()
		a := c.ask(t, query, nil)
		if got := c.asked.Load() - before; got != 1 {
			t.Fatalf("the snapshot was asked for %d times", got)
		}
		if at(a.Data, "a.entities") != at(a.Data, "b.totalCount") || at(a.Data, "a.revision") != a.Extensions["revision"] {
			t.Fatalf("got %v", a)
		}
	}
}

// Completion offers what a slow look at every form of every entity finds, as far as it goes.
func TestCompletion(t *testing.T) {
	w := shop()
	for _, ref := range []catalog.Ref{"component:shop/pay", "api:default/pay", "component:default/default", "group:a/payments", "zebra:default/default"} {
		w.add(ref)
	}
	w.add("resource:default/pad").Placeholder = true
	c := newClient(w.snapshot(1))
	prefixes := map[string]bool{}
	for ref := range w.entities {
		for _, form := range []string{string(ref), ref.Name(), ref.Namespace() + "/" + ref.Name(), ref.Kind() + ":" + ref.Name()} {
			for i := range len(form) + 1 {
				prefixes[form[:i]] = true
			}
		}
	}
	for prefix := range prefixes {
		data := c.data(t, `query($p:String!){complete(prefix:$p,first:100){text entity{ref placeholder}}}`, map[string]any{"p": prefix})
		got := map[catalog.Ref]bool{}
		placeholders := false
		for _, offer := range data["complete"].([]any) {
			text, ref := at(offer, "text").(string), catalog.Ref(at(offer, "entity.ref").(string))
			if !strings.HasPrefix(text, prefix) || got[ref] {
				t.Errorf("%q offers %q, not begun so or twice", prefix, text)
			}
			got[ref] = true
			placeholder := at(offer, "entity.placeholder").(bool)
			if placeholders && !placeholder {
				t.Errorf("%q offers %q behind what is only referred to", prefix, text)
			}
			placeholders = placeholder
			if text != ref.Name() && text != string(ref) && text != ref.Namespace()+"/"+ref.Name() &&
				(text != ref.Kind()+":"+ref.Name() || ref.Namespace() != "default") {
				t.Errorf("%q offers %q for %s", prefix, text, ref)
			}
		}
		for ref := range w.entities { // whatever fits by the kind of form that was begun is offered
			var fits bool
			switch {
			case strings.Contains(prefix, ":"):
				fits = strings.HasPrefix(string(ref), prefix) || ref.Namespace() == "default" && strings.HasPrefix(ref.Kind()+":"+ref.Name(), prefix)
			case strings.Contains(prefix, "/"):
				fits = strings.HasPrefix(ref.Namespace()+"/"+ref.Name(), prefix)
			default:
				fits = strings.HasPrefix(ref.Name(), prefix)
			}
			if fits && !got[ref] {
				t.Errorf("%q does not offer %s", prefix, ref)
			}
		}
	}
	if got := c.data(t, `{complete(prefix:"",first:3){text}}`, nil)["complete"].([]any); len(got) != 3 {
		t.Errorf("first 3 gives %v", got)
	}
}
