package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestOnCallOf(t *testing.T) {
	for _, c := range []struct {
		name        string
		annotations map[string]string
		want        []catalog.Contact
	}{
		{name: "nothing"},
		{name: "empty values", annotations: map[string]string{"pagerduty.com/service-id": " ", "orrery.dev/oncall": " , "}},
		{
			name: "every annotation, in a fixed order",
			annotations: map[string]string{
				"orrery.dev/oncall": "#pay-oncall", "grafana.com/oncall-team": "G2", "grafana.com/oncall": "G1",
				"opsgenie.com/team": "payments", "pagerduty.com/integration-key": "k", "pagerduty.com/service-id": " P123 ",
				"grafana/oncall": "no", "pagerduty/service-id": "no",
			},
			want: []catalog.Contact{
				{Kind: "pagerduty", Target: "P123"},
				{Kind: "pagerduty", Target: "k"},
				{Kind: "opsgenie", Target: "payments"},
				{Kind: "grafana", Target: "G1"},
				{Kind: "grafana", Target: "G2"},
				{Kind: "chat", Target: "#pay-oncall"},
			},
		},
		{
			name: "several of our own",
			annotations: map[string]string{
				"orrery.dev/oncall": "https://pager.example/pay, Pay Team <pay@acme.example>,mailto:sre@acme.example?subject=x,\n@jane,#x,#x",
			},
			want: []catalog.Contact{
				{Kind: "url", Target: "https://pager.example/pay"},
				{Kind: "email", Target: "pay@acme.example"},
				{Kind: "email", Target: "sre@acme.example"},
				{Kind: "chat", Target: "@jane"},
				{Kind: "chat", Target: "#x"},
			},
		},
		{
			name:        "what a browser would run is no link",
			annotations: map[string]string{"orrery.dev/oncall": "javascript:alert(1),https:,data:text/html;x"},
			want: []catalog.Contact{
				{Kind: "chat", Target: "javascript:alert(1)"},
				{Kind: "chat", Target: "https:"},
				{Kind: "chat", Target: "data:text/html;x"},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, catalog.OnCallOf(&catalog.Descriptor{Annotations: c.annotations})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRunbooksOf(t *testing.T) {
	d := &catalog.Descriptor{
		Annotations: map[string]string{"orrery.dev/runbook": "https://wiki.example/a, http://wiki.example/b\nnone,javascript:x"},
		Links: []catalog.Link{
			{URL: "https://wiki.example/a", Type: "runbook"},
			{URL: "https://wiki.example/c", Type: "Runbook"},
			{URL: "https://wiki.example/d", Type: "docs"},
			{URL: "javascript:x", Type: "runbook"},
		},
	}
	want := []string{"https://wiki.example/a", "http://wiki.example/b", "https://wiki.example/c"}
	if diff := cmp.Diff(want, catalog.RunbooksOf(d)); diff != "" {
		t.Error(diff)
	}
	if urls := catalog.RunbooksOf(&catalog.Descriptor{}); len(urls) != 0 {
		t.Errorf("runbooks of nothing: %v", urls)
	}
}
