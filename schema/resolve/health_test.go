package resolve_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// fleet is a shop that runs: each component but the mail on a workload of its own, of which some are as they should be.
func fleet() *world {
	w := shop()
	for i, name := range []string{"checkout", "payments", "ledger", "fraud", "web"} {
		on := w.add(catalog.NewRef("workload", "", "prod.deployment."+name))
		on.Found = true
		c := catalog.Container{Name: "main", Ports: []catalog.ContainerPort{{Number: 8080}}}
		if i%2 == 0 {
			c.Readiness = &catalog.Probe{Handler: catalog.ProbeHTTP, Port: "8080", Path: "/readyz", Period: 10, Timeout: 1, FailureThreshold: 3}
		}
		two := int32(2)
		on.Facts = &catalog.Facts{Workload: &catalog.Workload{
			Cluster: "prod", Namespace: "shop", Kind: "deployment", Name: name, Wanted: &two, Containers: []catalog.Container{c},
		}}
		w.relate(catalog.NewRef("component", "", name), catalog.RunsOn, on.Ref, catalog.Hard).Environment = "production"
	}
	return w
}

func TestHealth(t *testing.T) {
	c := newClient(fleet().snapshot(1))
	const fields = "{totalCount nodes{entity{ref} outcome}}"
	for query, want := range map[string]string{
		"health":                               "checkout PASS, fraud FAIL, ledger PASS, payments FAIL, web PASS",
		"health(orderBy:OUTCOME)":              "fraud FAIL, payments FAIL, checkout PASS, ledger PASS, web PASS",
		"health(orderBy:TIER)":                 "payments FAIL, checkout PASS, fraud FAIL, ledger PASS, web PASS",
		`health(filter:{owners:["payments"]})`: "ledger PASS, payments FAIL",
		`health(filter:{refs:["web","component:payments"]})`:                            "payments FAIL, web PASS",
		`health(filter:{refs:["mail"]})`:                                                "",
		`health(filter:{tiers:[1,2]})`:                                                  "checkout PASS, payments FAIL",
		`health(filter:{outcomes:[FAIL]})`:                                              "fraud FAIL, payments FAIL",
		`health(filter:{checks:["no-liveness"]})`:                                       "checkout PASS, fraud FAIL, ledger PASS, payments FAIL, web PASS",
		`health(filter:{systems:["shop"],tiers:[1]})`:                                   "payments FAIL",
		`health(environment:"staging")`:                                                 "",
		`health(filter:{checks:["no-liveness"],outcomes:[FAIL]})`:                       "checkout PASS, ledger PASS, web PASS",
		`health(filter:{checks:["no-liveness"],severities:[ERROR],outcomes:[FAIL]})`:    "",
		`health(filter:{severities:[ERROR],outcomes:[FAIL],owners:["group:payments"]})`: "payments FAIL",
	} {
		got := ""
		data := c.data(t, "{"+query+fields+"}", nil)
		nodes := at(data, "health.nodes").([]any)
		for i, node := range nodes {
			if i > 0 {
				got += ", "
			}
			got += catalog.Ref(at(node, "entity.ref").(string)).Name() + " " + at(node, "outcome").(string)
		}
		if got != want || at(data, "health.totalCount") != float64(len(nodes)) {
			t.Errorf("%s is %s, not %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		`health(filter:{refs:["nobody"]})`: resolve.CodeNotFound,
		`health(filter:{checks:["nope"]})`: resolve.CodeBadInput,
		`health(first:-1)`:                 resolve.CodeBadInput,
		`health(after:"x")`:                resolve.CodeBadInput,
		`health(filter:{owners:[":x"]})`:   resolve.CodeBadInput,
		`health(filter:{systems:[":x"]})`:  resolve.CodeBadInput,
		`health(first:1000)`:               "",
	} {
		a := c.ask(t, "{"+query+fields+"}", nil)
		if want == "" != (len(a.Errors) == 0) || want != "" && a.Errors[0].Extensions.Code != want {
			t.Errorf("%s: %+v, not %s", query, a.Errors, want)
		}
	}
}

// TestHealthPages goes through every order by pages of two.
func TestHealthPages(t *testing.T) {
	c := newClient(fleet().snapshot(1))
	for _, order := range []string{"REF", "OUTCOME", "TIER"} {
		want := at(c.data(t, "{health(orderBy:"+order+"){nodes{entity{ref}}}}", nil), "health.nodes").([]any)
		var got []any
		after := ""
		for more := true; more; {
			data := c.data(t, fmt.Sprintf("{health(orderBy:%s,first:2,after:%q){edges{node{entity{ref}} cursor} pageInfo{hasNextPage endCursor}}}", order, after), nil)
			for _, edge := range at(data, "health.edges").([]any) {
				got = append(got, at(edge, "node"))
			}
			after, more = at(data, "health.pageInfo.endCursor").(string), at(data, "health.pageInfo.hasNextPage").(bool)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}

func TestHealthOfEntity(t *testing.T) {
	c := newClient(fleet().snapshot(1))
	data := c.data(t, `{
		web: entity(ref:"web"){health{outcome checks(outcomes:[FAIL]){check{id severity about} outcome severity workload{ref} container message location line exemption{reason}}}}
		mail: entity(ref:"mail"){health{outcome}}
		owned: entity(ref:"workload:prod.deployment.web"){health{outcome}}
		elsewhere: entity(ref:"web"){health(environment:"staging"){outcome}} }`, nil)
	if at(data, "mail.health") != nil || at(data, "owned.health") != nil || at(data, "elsewhere.health") != nil {
		t.Errorf("there is something to judge: %v", data)
	}
	first := at(data, "web.health.checks").([]any)[0]
	want := map[string]any{
		"check":   map[string]any{"id": "no-liveness", "severity": "WARNING", "about": "CONTAINER"},
		"outcome": "FAIL", "severity": "WARNING", "workload": map[string]any{"ref": "workload:default/prod.deployment.web"}, "container": "main",
		"message": "it has no liveness probe", "location": "shop/catalog-info.yaml", "line": 9., "exemption": nil,
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
}

func TestHealthTotals(t *testing.T) {
	c := newClient(fleet().snapshot(1))
	data := c.data(t, `{health(first:0){nodes{outcome} totals{
		services{pass fail unknown notApplicable}
		checks{check{id} results{pass fail notApplicable}}
		teams(first:1){totalCount nodes{owner{ref} services{fail}} pageInfo{hasNextPage endCursor}}}}}`, nil)
	want := map[string]any{"pass": 3., "fail": 2., "unknown": 0., "notApplicable": 0.}
	if diff := cmp.Diff(want, at(data, "health.totals.services")); diff != "" {
		t.Error(diff)
	}
	first := at(data, "health.totals.checks").([]any)[0]
	if diff := cmp.Diff(map[string]any{"check": map[string]any{"id": "no-probes"}, "results": map[string]any{"pass": 3., "fail": 2., "notApplicable": 0.}}, first); diff != "" {
		t.Error(diff)
	}
	teams := at(data, "health.totals.teams")
	if at(teams, "totalCount") != 2. || at(at(teams, "nodes").([]any)[0], "owner.ref") != "group:default/payments" {
		t.Errorf("teams are %v", teams)
	}
	data = c.data(t, fmt.Sprintf(`{health{totals{teams(after:%q){nodes{owner{ref} services{pass fail}}}}}}`, at(teams, "pageInfo.endCursor")), nil)
	if diff := cmp.Diff([]any{map[string]any{"owner": nil, "services": map[string]any{"pass": 2., "fail": 1.}}}, at(data, "health.totals.teams.nodes")); diff != "" {
		t.Error(diff)
	}
}

// TestHealthPolicy holds that the configured policy counts, and that an expired exemption is told.
func TestHealthPolicy(t *testing.T) {
	judge, err := health.NewJudge(health.Policy{
		Disabled: []string{"no-spread"}, Severities: map[string]catalog.Severity{"no-liveness": catalog.Error},
		Exemptions: []health.Exemption{
			{Check: "no-probes", Ref: "component:default/fraud", Reason: "not ours", Expires: time.Now().Add(time.Hour)},
			{Check: "no-probes", Ref: "component:default/payments", Reason: "later", Expires: time.Now().Add(-time.Hour), Location: "orrery.yaml", Line: 3},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{}
	c.current.Store(fleet().snapshot(1))
	c.exec = resolve.NewExecutor(resolve.Config{Snapshots: &c.holder, Health: judge, Log: zerolog.New(&c.log)})
	data := c.data(t, `{health{
		problems{code severity location line} definitions{id severity}
		nodes{entity{name} outcome checks{check{id} outcome exemption{reason expires}}}}}`, nil)
	outcomes := map[string]any{}
	for _, node := range at(data, "health.nodes").([]any) {
		outcomes[at(node, "entity.name").(string)] = at(node, "outcome")
		if at(node, "entity.name") == "fraud" {
			if first := at(node, "checks").([]any)[0]; at(first, "exemption.reason") != "not ours" || at(first, "exemption.expires") == nil {
				t.Errorf("the exempted result is %v", first)
			}
		}
	}
	want := map[string]any{"checkout": "FAIL", "fraud": "PASS", "ledger": "FAIL", "payments": "FAIL", "web": "FAIL"}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Error(diff)
	}
	told := []any{map[string]any{"code": "exemption-expired", "severity": "WARNING", "location": "orrery.yaml", "line": 3.}}
	if diff := cmp.Diff(told, at(data, "health.problems")); diff != "" {
		t.Error(diff)
	}
	for _, d := range at(data, "health.definitions").([]any) {
		if at(d, "id") == "no-spread" || at(d, "id") == "no-liveness" && at(d, "severity") != "ERROR" {
			t.Errorf("a check is %v", d)
		}
	}
}

// TestHealthFollowsTheSnapshot holds that what is kept of one snapshot is not told of another.
func TestHealthFollowsTheSnapshot(t *testing.T) {
	c := newClient(fleet().snapshot(1))
	c.data(t, "{health{totalCount}}", nil)
	c.current.Store(shop().snapshot(2))
	if got := at(c.data(t, "{health{totalCount}}", nil), "health.totalCount"); got != 0. {
		t.Errorf("%v services are left", got)
	}
}
