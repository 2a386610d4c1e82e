package health_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
)

// company is a world with every kind of row.
func company() *world {
	w := &world{}
	workload := func(name string, f *catalog.Facts) catalog.Ref {
		e := w.entity(catalog.NewRef("workload", "shop", "prod.deployment."+name))
		e.Found, e.Facts = true, f
		f.Workload.Name = name
		return e.Ref
	}
	aliased := func(ref catalog.Ref, environment string) {
		e := w.model.Entities[slices.IndexFunc(w.model.Entities, func(e *catalog.Entity) bool { return e.Ref == ref })]
		e.Aliases = []catalog.EntityAlias{{
			Alias: "k8s:prod/shop/deployment/x", Line: 5, Origin: &catalog.Origin{Location: "loose.yaml", Environment: environment},
		}}
	}
	web := w.entity("component:default/web")
	web.Owner, web.Annotations = "group:default/a", map[string]string{catalog.AnnotationTier: "1"}
	w.relate(web.Ref, catalog.RunsOn, workload("web", facts(serving())), "production")
	w.relate(web.Ref, catalog.PartOf, "system:default/shop", "")
	w.entity("system:default/shop")
	w.entity("group:default/a")

	fine := w.entity("component:default/fine")
	fine.Owner = "group:default/a"
	w.relate(fine.Ref, catalog.RunsOn, workload("fine", replicas(1)), "production")
	last := w.model.Entities[len(w.model.Entities)-1]
	last.Facts.Workload.Containers[0] = serving(live(get("8080", "/livez", timed(0, 10, 1, 6))), ready(get("8080", "/readyz")))

	batch := w.entity("component:default/batch")
	w.relate(batch.Ref, catalog.RunsOn, workload("batch", ofKind(facts(silent()), "cronjob")), "production")

	test := w.entity("component:default/only-staging")
	w.relate(test.Ref, catalog.RunsOn, workload("test", facts(serving())), "staging")

	aliased(workload("nobodys", facts(serving())), "production")
	aliased(workload("stagings", facts(serving())), "staging")

	cluster := w.entity("cluster:default/prod")
	cluster.Found = true
	cluster.Facts = &catalog.Facts{LooseEnds: []catalog.LooseEnd{
		{Kind: "Ingress", Namespace: "shop", Name: "web", Code: "route-to-nowhere", Message: "Ingress shop/web leads to nothing", Location: "i.yaml", Line: 4},
		{Kind: "PodDisruptionBudget", Namespace: "shop", Name: "old", Code: "budget-selects-nothing", Message: "it selects nothing"},
		{Kind: "Service", Namespace: "shop", Name: "old", Code: "service-selects-nothing", Message: "it selects nothing"},
		{Kind: "Service", Namespace: "shop", Name: "new", Code: "of-another-version", Message: "?"},
	}}
	w.entity("component:default/nowhere")
	return w
}

func judgeWith(t *testing.T, policy health.Policy) *health.Judge {
	t.Helper()
	j, err := health.NewJudge(policy)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// rows are services as "ref OUTCOME".
func rows(services []*health.Service) []string {
	list := []string{}
	for _, s := range services {
		list = append(list, fmt.Sprintf("%s %s", s.Entity.Ref, s.Outcome))
	}
	return list
}

// TestClusterOfSource holds that loose ends of manifests, of which no node tells where they are, are those of their source.
func TestClusterOfSource(t *testing.T) {
	w := &world{}
	w.entity("cluster:default/prod").Facts = &catalog.Facts{LooseEnds: []catalog.LooseEnd{{Code: "route-to-nowhere", Message: "m"}}}
	w.sources = []graph.Source{{ID: "prod", Environment: "staging"}, {ID: "other", Environment: "production"}}
	s, j := w.snapshot(), judgeWith(t, health.Policy{})
	for environment, want := range map[string]int{"staging": 1, "production": 0} {
		if got := j.All(s, environment, noon); len(got) != want {
			t.Errorf("%s has %v", environment, rows(got))
		}
	}
}

func TestRows(t *testing.T) {
	s, j := company().snapshot(), judgeWith(t, health.Policy{})
	for environment, want := range map[string][]string{
		"": {
			"cluster:default/prod FAIL", "component:default/batch NOT_APPLICABLE", "component:default/fine PASS", "component:default/web FAIL",
			"workload:shop/prod.deployment.nobodys FAIL",
		},
		// Nothing says of which environment the cluster is.
		"staging": {"cluster:default/prod FAIL", "component:default/only-staging FAIL", "workload:shop/prod.deployment.stagings FAIL"},
		"nowhere": {"cluster:default/prod FAIL"},
	} {
		all := j.All(s, environment, noon)
		if diff := gocmp.Diff(want, rows(all)); diff != "" {
			t.Errorf("%q: %s", environment, diff)
		}
		for entity := range s.Entities("") {
			alone, err := j.One(s, entity.Ref, environment, noon)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(all, func(s *health.Service) bool { return s.Entity.Ref == entity.Ref })
			switch {
			case alone == nil && i < 0:
			case alone == nil || i < 0:
				t.Errorf("%s alone is %v, among all %d", entity.Ref, alone, i)
			case !gocmp.Equal(rows(all[i:i+1]), rows([]*health.Service{alone})) || len(all[i].Results) != len(alone.Results):
				t.Errorf("%s alone differs", entity.Ref)
			}
		}
	}
	if _, err := j.One(s, "component:default/none", "", noon); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}

// TestPlaces holds where results say that they are from.
func TestPlaces(t *testing.T) {
	s, j := company().snapshot(), judgeWith(t, health.Policy{})
	at := func(ref catalog.Ref, check string) string {
		service, err := j.One(s, ref, "", noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range service.Results {
			if r.Check.ID == check {
				return fmt.Sprintf("%s:%d %s %s", r.Location, r.Line, r.Workload, r.Container)
			}
		}
		return "none"
	}
	for _, c := range []struct {
		ref         catalog.Ref
		check, want string
	}{
		{"component:default/web", "no-probes", "prod.deployment.web.yaml:3 workload:shop/prod.deployment.web main"},
		{"workload:shop/prod.deployment.nobodys", "no-probes", "loose.yaml:5 workload:shop/prod.deployment.nobodys main"},
		{"cluster:default/prod", "route-to-nowhere", "i.yaml:4  "},
	} {
		if got := at(c.ref, c.check); got != c.want {
			t.Errorf("%s %s is at %q, not %q", c.ref, c.check, got, c.want)
		}
	}
	f := facts(serving(func(c *catalog.Container) { c.Line = 20 }, live(get("9999", "/", func(p *catalog.Probe) { p.Line = 31 }))))
	for check, want := range map[string]int32{"no-readiness": 20, "probe-port-undeclared": 31, "too-few-replicas": 3} {
		if r := resultsOf(t, check, judgement{facts: f})[0]; r.Line != want {
			t.Errorf("%s is at line %d, not %d", check, r.Line, want)
		}
	}
	r := resultsOf(t, "service-port-unresolved", judgement{facts: edited(facts(serving()), behind(service("web", "nope")))})[0]
	if r.Location != "service.yaml" || r.Line != 9 {
		t.Errorf("a finding about a Service is at %s:%d", r.Location, r.Line)
	}
}

func TestExemptions(t *testing.T) {
	web := judgement{facts: facts(serving())}
	base := health.Exemption{Check: "no-probes", Reason: "a proxy of a vendor"}
	with := func(edit func(*health.Exemption)) judgement {
		e := base
		edit(&e)
		c := web
		c.policy = health.Policy{Exemptions: []health.Exemption{e}}
		return c
	}
	for name, c := range map[string]struct {
		edit    func(*health.Exemption)
		excused bool
	}{
		"everything":        {func(*health.Exemption) {}, true},
		"ref":               {func(e *health.Exemption) { e.Ref = "component:shop/web" }, true},
		"ref by glob":       {func(e *health.Exemption) { e.Ref = "Component:shop/w*" }, true},
		"another ref":       {func(e *health.Exemption) { e.Ref = "component:other/*" }, false},
		"workload":          {func(e *health.Exemption) { e.Workload = "*/web" }, true},
		"another workload":  {func(e *health.Exemption) { e.Workload = "legacy/*" }, false},
		"container":         {func(e *health.Exemption) { e.Container = "m*" }, true},
		"another container": {func(e *health.Exemption) { e.Container = "istio-proxy" }, false},
		"all must fit":      {func(e *health.Exemption) { e.Workload, e.Container = "*/web", "istio-proxy" }, false},
		"another check":     {func(e *health.Exemption) { e.Check = "no-liveness" }, false},
		"still":             {func(e *health.Exemption) { e.Expires = noon.Add(time.Second) }, true},
		"no longer":         {func(e *health.Exemption) { e.Expires = noon }, false},
	} {
		r := resultsOf(t, "no-probes", with(c.edit))[0]
		switch {
		case c.excused && (r.Outcome != graph.OutcomeNotApplicable || r.Exemption == nil || !strings.Contains(r.Message, "a proxy of a vendor")):
			t.Errorf("%s: %s %q", name, r.Outcome, r.Message)
		case !c.excused && (r.Outcome != graph.OutcomeFail || r.Exemption != nil):
			t.Errorf("%s excuses: %s", name, r.Message)
		}
	}
	// What passes needs no excuse.
	passing := with(func(*health.Exemption) {})
	passing.facts = facts(serving(live(tcp("8080"))))
	if r := resultsOf(t, "no-probes", passing)[0]; r.Exemption != nil || r.Outcome != graph.OutcomePass {
		t.Errorf("a result that passes is exempted: %v", r.Message)
	}
	expired := base
	expired.Expires, expired.Location, expired.Line = noon, "orrery.yaml", 12
	j := judgeWith(t, health.Policy{Exemptions: []health.Exemption{base, expired}})
	want := []catalog.Problem{{
		Location: "orrery.yaml", Line: 12, Field: "health.exemptions[1]", Severity: catalog.Warning, Code: "exemption-expired",
		Message: "the exemption from no-probes (a proxy of a vendor) has expired and counts no more",
		Fix:     "mend what it excused and remove it, or give it a later date",
	}}
	if diff := gocmp.Diff(want, j.Problems(noon)); diff != "" {
		t.Error(diff)
	}
	if got := j.Problems(noon.Add(-time.Second)); len(got) != 0 {
		t.Errorf("an exemption has expired too early: %v", got)
	}
}

// TestExemptCluster holds that loose ends are excused by the object that they are about.
func TestExemptCluster(t *testing.T) {
	j := judgeWith(t, health.Policy{Exemptions: []health.Exemption{
		{Check: "route-to-nowhere", Workload: "shop/web", Reason: "r"}, {Check: "service-selects-nothing", Ref: "cluster:default/prod", Reason: "r"},
	}})
	s, err := j.One(company().snapshot(), "cluster:default/prod", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Outcome; got != graph.OutcomePass { // the budget is a WARNING
		t.Errorf("the outcome is %s", got)
	}
}

func TestOutcomeOfService(t *testing.T) {
	sidecar := serving(named("b"), live(run("x")), func(c *catalog.Container) { c.Ports = nil })
	undeclared := edited(facts(silent(live(run("x"))), sidecar), behind(service("web", "9000"))) // readiness is UNKNOWN, an ERROR check
	ready9000 := edited(facts(silent(live(run("x"))), serving(ready(run("y")))), behind(service("web", "9000")))
	for name, c := range map[string]struct {
		judgement
		want graph.Outcome
	}{
		"an ERROR failed":            {judgement{facts: facts(serving())}, graph.OutcomeFail},
		"a WARNING failed":           {judgement{facts: facts(silent())}, graph.OutcomePass},
		"an ERROR is unknown":        {judgement{facts: undeclared}, graph.OutcomeUnknown},
		"which passed elsewhere":     {judgement{facts: ready9000}, graph.OutcomePass},
		"a WARNING is unknown":       {judgement{facts: facts(serving(live(tcp("8080")), ready(get("8080", "/"))))}, graph.OutcomePass},
		"nothing is judged":          {judgement{facts: ofKind(facts(silent()), "job")}, graph.OutcomeNotApplicable},
		"failed, and others unknown": {judgement{facts: edited(undeclared, func(*catalog.Facts) {}), others: []*catalog.Facts{facts(serving())}}, graph.OutcomeFail},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			e := w.entity("component:shop/web")
			for i, f := range append([]*catalog.Facts{c.facts}, c.others...) {
				on := w.entity(catalog.NewRef("workload", "shop", fmt.Sprint("w", i)))
				on.Facts = f
				w.relate(e.Ref, catalog.RunsOn, on.Ref, "production")
			}
			s, err := judgeWith(t, c.policy).One(w.snapshot(), e.Ref, "", noon)
			if err != nil || s.Outcome != c.want {
				t.Errorf("%s, not %s (%v)", s.Outcome, c.want, err)
			}
		})
	}
}

func TestFilter(t *testing.T) {
	s, j := company().snapshot(), judgeWith(t, health.Policy{})
	all := j.All(s, "", noon)
	for name, c := range map[string]struct {
		filter health.Filter
		want   []string
	}{
		"owner":   {health.Filter{Owners: []catalog.Ref{"group:default/a"}}, []string{"component:default/fine PASS", "component:default/web FAIL"}},
		"system":  {health.Filter{Systems: []catalog.Ref{"system:default/shop"}}, []string{"component:default/web FAIL"}},
		"tier":    {health.Filter{Tiers: []int{1}}, []string{"component:default/web FAIL"}},
		"outcome": {health.Filter{Outcomes: []graph.Outcome{graph.OutcomePass}}, []string{"component:default/fine PASS"}},
		"check that failed": {
			health.Filter{Checks: []string{"no-probes"}, Outcomes: []graph.Outcome{graph.OutcomeFail}},
			[]string{"component:default/web FAIL", "workload:shop/prod.deployment.nobodys FAIL"},
		},
		// The service passes: its warning is no error.
		"severity": {
			health.Filter{Severities: []catalog.Severity{catalog.Warning}, Outcomes: []graph.Outcome{graph.OutcomeUnknown}},
			[]string{"component:default/fine PASS"},
		},
		"cluster": {health.Filter{Checks: []string{"route-to-nowhere"}}, []string{"cluster:default/prod FAIL"}},
		"nothing": {health.Filter{Owners: []catalog.Ref{"group:default/b"}}, []string{}},
		"no list": {health.Filter{Tiers: []int{}}, []string{}},
	} {
		got := c.filter.Of(s, all)
		if diff := gocmp.Diff(c.want, rows(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, service := range got {
			for _, r := range service.Results {
				if c.filter.Checks != nil && r.Check.ID != c.filter.Checks[0] || c.filter.Severities != nil && r.Severity != c.filter.Severities[0] {
					t.Errorf("%s lists %s %s", name, r.Check.ID, r.Severity)
				}
			}
		}
	}
}

func TestTotals(t *testing.T) {
	totals := health.Count(judgeWith(t, health.Policy{}).All(company().snapshot(), "", noon))
	if diff := gocmp.Diff(health.Counts{Pass: 1, Fail: 3, NotApplicable: 1}, totals.Services); diff != "" {
		t.Error(diff)
	}
	wantTeams := []health.TeamTotals{
		{Owner: "group:default/a", Services: health.Counts{Pass: 1, Fail: 1}}, {Services: health.Counts{Fail: 2, NotApplicable: 1}},
	}
	if diff := gocmp.Diff(wantTeams, totals.Teams); diff != "" {
		t.Error(diff)
	}
	if first := totals.Checks[0]; first.Check.ID != "no-probes" || first.Results != (health.Counts{Pass: 1, Fail: 2, NotApplicable: 1}) {
		t.Errorf("first comes %s %+v", first.Check.ID, first.Results)
	}
}

// TestPolicyErrors holds what a policy may not say.
func TestPolicyErrors(t *testing.T) {
	for name, p := range map[string]health.Policy{
		"disabled":  {Disabled: []string{"no-porbes"}},
		"severity":  {Severities: map[string]catalog.Severity{"x": catalog.Error}},
		"exempt":    {Exemptions: []health.Exemption{{Check: "x", Reason: "r"}}},
		"no reason": {Exemptions: []health.Exemption{{Check: "no-probes"}}},
		"glob":      {Exemptions: []health.Exemption{{Check: "no-probes", Reason: "r", Ref: "[", Workload: "*/*"}}},
		"path":      {LivenessPaths: []string{"{a"}},
	} {
		if _, err := health.NewJudge(p); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestDefinitions holds that every check can be understood without its code.
func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range health.Checks() {
		if seen[c.ID] || strings.ToLower(c.ID) != c.ID || strings.ContainsAny(c.ID, " _.") {
			t.Errorf("%q is no id of its own", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || c.Severity == 0 || c.About == "" {
			t.Errorf("%s: title, severity or subject", c.ID)
		}
		for _, text := range []string{c.Rationale, c.Fix, c.Reference} {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") {
				t.Errorf("%s: %q is no sentence", c.ID, text)
			}
		}
	}
}

// TestDisabled holds that a check that is not made is told nowhere.
func TestDisabled(t *testing.T) {
	var ids []string
	for _, c := range health.Checks() {
		ids = append(ids, c.ID)
	}
	j := judgeWith(t, health.Policy{Disabled: ids})
	if len(j.Checks()) != 0 {
		t.Errorf("%d checks are left", len(j.Checks()))
	}
	for _, s := range j.All(company().snapshot(), "", noon) {
		if s.Outcome != graph.OutcomeNotApplicable || len(s.Results) > 0 {
			t.Errorf("%s is %s", s.Entity.Ref, s.Outcome)
		}
	}
}
