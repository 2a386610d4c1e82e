package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
	"github.com/orrery-catalog/orrery/internal/config"
)

const healthText = `health:
    disable:
        - no-spread
    errors:
        - no-disruption-budget
    warnings:
        - no-probes
    livenessPaths:
        - /livez
        - /**/live
    replicas:
        tier1: 3
    slowStart: 45s
    exemptions:
        - check: no-liveness
          workload: legacy/*
          reason: it is replaced in autumn
          expires: "2026-12-31"
        - check: no-probes
          container: istio-proxy
          reason: injected
sources:
    - id: eu
      kind: kubernetes
      logFormat: json
    - id: calls
      kind: probe
      cluster: eu
`

// TestHealthPolicy holds what becomes of the settings, and that what is shown of them is accepted again.
func TestHealthPolicy(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("conf/orrery.yaml", []byte(healthText), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := health.Policy{
		Disabled: []string{"no-spread"},
		Severities: map[string]catalog.Severity{
			"no-disruption-budget": catalog.Error, "no-probes": catalog.Warning,
		},
		LivenessPaths: []string{"/livez", "/**/live"}, Replicas: [5]int{1: 3}, SlowStart: 45 * time.Second,
		ProbedClusters: []string{"eu"}, LogClusters: []string{"eu"},
		Exemptions: []health.Exemption{
			{
				Check: "no-liveness", Workload: "legacy/*", Reason: "it is replaced in autumn", Location: "conf/orrery.yaml", Line: 15,
				Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			},
			{Check: "no-probes", Container: "istio-proxy", Reason: "injected", Location: "conf/orrery.yaml", Line: 19},
		},
	}
	if diff := cmp.Diff(want, c.HealthPolicy()); diff != "" {
		t.Error(diff)
	}
	if _, err := health.NewJudge(c.HealthPolicy()); err != nil {
		t.Error(err)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	part, _, _ := strings.Cut(healthText, "sources:")
	if !strings.Contains(string(shown), part) {
		t.Errorf("shown is\n%s", shown)
	}
	again, err := config.Parse("f.yaml", shown, environment(nil))
	if err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	if diff := cmp.Diff(c.Health, again.Health, cmpopts.IgnoreFields(config.Exemption{}, "Line")); diff != "" {
		t.Error(diff)
	}
}

func TestHealthErrors(t *testing.T) {
	t.Parallel()
	schema, err := config.Schema().Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	exempt := func(settings string) string { return "exemptions: [{check: no-probes, reason: r, " + settings + "}]" }
	for name, c := range map[string]struct {
		settings, want string
		schema         bool // whether a schema accepts it, which cannot tell everything
	}{
		"unknown check":       {settings: "disable: [no-porbes]", want: `health.disable[0]: "no-porbes" is no check that exists (did you mean no-probes?)`},
		"unknown setting":     {settings: "disabled: [no-probes]", want: "health.disabled: unknown setting (did you mean disable?)"},
		"both severities":     {settings: "errors: [no-probes], warnings: [no-probes]", want: `health.warnings[0]: "no-probes" is listed in errors already (name each check once)`, schema: true},
		"glob":                {settings: "livenessPaths: ['/[']", want: `health.livenessPaths[0]: "/[" is no glob (check its brackets and braces)`, schema: true},
		"no path":             {settings: "readinessPaths: [readyz]", want: `health.readinessPaths[0]: "readyz" does not begin with /, as every path does (write /readyz)`, schema: true},
		"replicas":            {settings: "replicas: {tier1: 0}", want: "health.replicas.tier1: must be from 1 to 1000, not 0", schema: true},
		"tier":                {settings: "replicas: {tier5: 1}", want: "health.replicas.tier5: unknown setting (did you mean tier1?)"},
		"slow start":          {settings: "slowStart: 0s", want: "health.slowStart: must be from 1s to 1d, not 0s", schema: true},
		"no reason":           {settings: "exemptions: [{check: no-probes, ref: 'a:b/c'}]", want: "health.exemptions[0]: the setting reason is missing (Why; it is shown with every finding that is excused.)"},
		"an empty reason":     {settings: "exemptions: [{check: no-probes, ref: 'a:b/c', reason: ''}]", want: "health.exemptions[0].reason: has no value (give it one or remove the line)", schema: true},
		"no check":            {settings: "exemptions: [{reason: r, ref: 'a:b/c'}]", want: "health.exemptions[0]: the setting check is missing (The id of the check, as orrery health --list-checks has it.)"},
		"an unknown check":    {settings: "exemptions: [{check: nope, reason: r, ref: 'a:b/c'}]", want: `health.exemptions[0].check: "nope" is no check that exists`},
		"everything":          {settings: "exemptions: [{check: no-probes, reason: r}]", want: "health.exemptions[0]: excuses everything (give ref, workload or container; or list the check under disable)", schema: true},
		"a short ref":         {settings: exempt("ref: web"), want: `health.exemptions[0].ref: "web" fits no entity (write it whole, for example component:default/web)`, schema: true},
		"a short workload":    {settings: exempt("workload: web"), want: `health.exemptions[0].workload: "web" fits no workload (write namespace/name, for example */web)`, schema: true},
		"a glob":              {settings: exempt("container: '{a'"), want: `health.exemptions[0].container: "{a" is no glob (check its brackets and braces)`, schema: true},
		"no day":              {settings: exempt("container: a, expires: '2026-02-30'"), want: `health.exemptions[0].expires: "2026-02-30" is no day (write it like '2026-12-31')`, schema: true},
		"a day without quote": {settings: exempt("container: a, expires: 2026-12-31"), want: `health.exemptions[0].expires: must be text (write it in quotes), not "2026-12-31"`, schema: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "\nhealth: {" + c.settings + "}"
			_, err := config.Parse("f.yaml", []byte(text), environment(nil))
			if err == nil {
				t.Fatal("accepted")
			}
			if got := err.Error(); !strings.HasPrefix(got, "f.yaml:2: "+c.want) {
				t.Errorf("got  %s\nwant f.yaml:2: %s", got, c.want)
			}
			if got := accepts(t, schema, text); got != c.schema && name != "a day without quote" {
				t.Errorf("the schema accepts it: %v", got)
			}
		})
	}
}

func accepts(t *testing.T, schema *jsonschema.Resolved, text string) bool {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value) == nil
}
