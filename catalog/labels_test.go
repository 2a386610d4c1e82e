package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// workload is something observed with labels, written "key=value key=value".
func workload(alias catalog.Alias, labels string) *catalog.Document {
	d := sighting(alias)
	d.Claims[0].Labels = map[string]string{}
	for _, label := range strings.Fields(labels) {
		key, value, _ := strings.Cut(label, "=")
		d.Claims[0].Labels[key] = value
	}
	return d
}

// selecting is a descriptor with a selector in line 20.
func selecting(ref catalog.Ref, namespace string, requirements ...catalog.Requirement) *catalog.Document {
	d := stating(ref)
	d.Claims[0].Selectors = []catalog.Selector{{Requirements: requirements, Namespace: namespace, Line: 20}}
	return d
}

func in(key string, values ...string) catalog.Requirement {
	return catalog.Requirement{Key: key, Values: values}
}

func notIn(key string, values ...string) catalog.Requirement {
	return catalog.Requirement{Key: key, Values: values, Not: true}
}

const (
	web     = catalog.Alias("k8s:eu/shop/deployment/web")
	other   = catalog.Alias("k8s:eu/shop/deployment/other")
	foreign = catalog.Alias("k8s:eu/bank/deployment/web")
)

func TestSelectors(t *testing.T) {
	const labels = "app=web tier=front backstage.io/kubernetes-id=shop-web"
	for _, c := range []struct {
		name      string
		selector  *catalog.Document
		selectors bool // the workload belongs to it
	}{
		{"id", selecting("component:x/c", "", in("backstage.io/kubernetes-id", "shop-web")), true},
		{"another id", selecting("component:x/c", "", in("backstage.io/kubernetes-id", "web")), false},
		{"case counts", selecting("component:x/c", "", in("app", "Web")), false},
		{"all must hold", selecting("component:x/c", "", in("app", "web"), in("tier", "back")), false},
		{"all hold", selecting("component:x/c", "", in("tier", "back", "front"), in("app", "web")), true},
		{"one of several", selecting("component:x/c", "", in("app", "a", "web", "web")), true},
		{"namespace", selecting("component:x/c", "shop", in("app", "web")), true},
		{"another namespace", selecting("component:x/c", "bank", in("app", "web")), false},
		{"there", selecting("component:x/c", "", in("app", "web"), in("tier")), true},
		{"not there", selecting("component:x/c", "", in("app", "web"), in("zone")), false},
		{"absent", selecting("component:x/c", "", in("app", "web"), notIn("zone")), true},
		{"not absent", selecting("component:x/c", "", in("app", "web"), notIn("tier")), false},
		{"none of them", selecting("component:x/c", "", in("app", "web"), notIn("tier", "back")), true},
		{"none of them where it is absent", selecting("component:x/c", "", in("app", "web"), notIn("zone", "a")), true},
		{"one of them", selecting("component:x/c", "", in("app", "web"), notIn("tier", "front")), false},
		{"nothing is asked for", selecting("component:x/c", ""), false},
		{"nothing with a value is asked for", selecting("component:x/c", "", in("app"), notIn("zone")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := merge(c.selector, workload(web, labels))
			want := "workload:shop/eu.deployment.web DISCOVERY"
			if c.selectors {
				want = "component:x/c DECLARATION"
			}
			if got := holder(model, web); got != want {
				t.Errorf("it is %s; want %s", got, want)
			}
			if len(model.Problems) > 0 {
				t.Error(lines(model.Problems))
			}
			if c.selectors {
				known := entity(t, model, "component:x/c").Aliases[0]
				if known.Origin.Location != "component:x/c.yaml" || known.Line != 20 {
					t.Errorf("it is from %s:%d", known.Origin.Location, known.Line)
				}
			}
		})
	}
}

func TestSelectorConflict(t *testing.T) {
	first, second := selecting("component:x/a", "", in("app", "web")), selecting("component:x/b", "shop", in("tier", "front"))
	documents := []*catalog.Document{
		first, second, workload(web, "app=web tier=front"), workload(other, "app=web tier=front"), workload(foreign, "app=web tier=front"),
	}
	model := merge(documents...)
	checkText(t, lines(model.Problems), `
		component:x/a component:x/a.yaml:20: warning: what the labels app=web select is also claimed by component:x/b, so it belongs to none of them (make the selectors tell the workloads of each entity apart) [selector-conflict]
		component:x/b component:x/b.yaml:20: warning: what the labels tier=front in namespace shop select is also claimed by component:x/a, so it belongs to none of them (make the selectors tell the workloads of each entity apart) [selector-conflict]
	`)
	for alias, want := range map[catalog.Alias]string{
		web: "workload:shop/eu.deployment.web DISCOVERY", foreign: "component:x/a DECLARATION",
	} {
		if got := holder(model, alias); got != want {
			t.Errorf("%s is %s; want %s", alias, got, want)
		}
	}
	// A statement of the alias is a person's word like another.
	model = merge(stating("component:x/c", web), first, workload(web, "app=web"))
	checkText(t, lines(model.Problems), `
		component:x/a component:x/a.yaml:20: warning: what the labels app=web select is also claimed by component:x/c, so it belongs to none of them (make the selectors tell the workloads of each entity apart) [selector-conflict]
		component:x/c component:x/c.yaml:10: warning: the alias k8s:eu/shop/deployment/web is also stated by component:x/a, so it stands for none of them (keep the alias on one of the entities) [alias-conflict]
	`)
}

// A template that many copied gives hundreds of entities a selector that matches hundreds of workloads.
func TestSelectorConflictOfManyStaysSmall(t *testing.T) {
	var documents []*catalog.Document
	for i := range 300 {
		documents = append(documents, selecting(catalog.Ref(fmt.Sprintf("component:x/c%03d", i)), "", in("app", "template")),
			workload(catalog.Alias(fmt.Sprintf("k8s:eu/shop/deployment/w%d", i)), "app=template"))
	}
	model := merge(documents...)
	if len(model.Problems) == 0 || len(model.Problems) > 300 {
		t.Errorf("%d problems", len(model.Problems))
	}
	if got := len(model.Entities); got != 600 {
		t.Errorf("%d entities", got)
	}
}

func TestLabelsThatName(t *testing.T) {
	const name, instance, id = "app.kubernetes.io/name=", " app.kubernetes.io/instance=", " backstage.io/kubernetes-id="
	declared := []*catalog.Document{
		stating("component:shop/checkout"), stating("component:default/checkout"), stating("component:default/cart"),
		stating("resource:default/ledger"), stating("component:x/twice"), stating("component:y/twice"),
		selecting("component:default/chosen", "", in("app", "chosen")), stating("system:default/all"),
	}
	for _, c := range []struct {
		name, labels string
		others       []*catalog.Document
		want         string
	}{
		{"name", name + "cart", nil, "component:default/cart LABEL"},
		{"name, in its namespace first", name + "checkout", nil, "component:shop/checkout LABEL"},
		{"name in any case", name + "Cart", nil, "component:default/cart LABEL"},
		{"name of two", name + "twice", nil, ""},
		{"id before name", name + "cart" + id + "ledger", nil, "resource:default/ledger LABEL"},
		{"id of nobody", name + "cart" + id + "nobody", nil, "component:default/cart LABEL"},
		{"selected before labelled", name + "cart app=chosen", nil, "component:default/chosen DECLARATION"},
		{"instance", instance + "cart", nil, "component:default/cart LABEL"},
		// A database that was installed with checkout is not checkout.
		{"name that names nobody", name + "postgresql" + instance + "checkout", nil, ""},
		{
			"name of several in the namespace", name + "postgresql" + instance + "ledger",
			[]*catalog.Document{workload(other, name+"postgresql")},
			"resource:default/ledger LABEL",
		},
		{
			"name of several, none of which counts", name + "cart" + instance + "nobody",
			[]*catalog.Document{workload(other, name+"cart")},
			"",
		},
		{
			"name of another in another namespace", name + "cart",
			[]*catalog.Document{workload(foreign, name+"cart"), workload("k8s:us/shop/deployment/web", name+"cart")},
			"component:default/cart LABEL",
		},
		{
			"name of its Service", name + "cart",
			[]*catalog.Document{workload("dns:web.shop.svc", name+"cart")},
			"component:default/cart LABEL",
		},
		{"part of", "app.kubernetes.io/part-of=cart", nil, ""},
		{"a system runs nowhere", name + "all", nil, ""},
		{"empty", name, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			documents := append(slices.Concat(declared, c.others), workload(web, c.labels))
			want := c.want
			if want == "" {
				want = "workload:shop/eu.deployment.web DISCOVERY"
			}
			if got := holder(merge(documents...), web); got != want {
				t.Errorf("it is %s; want %s", got, want)
			}
		})
	}
}

func TestSeenByTwoSources(t *testing.T) {
	again := workload(web, "app.kubernetes.io/name=cart")
	again.ID.Source = "again"
	model := merge(workload(web, "app.kubernetes.io/name=cart"), again, stating("component:default/cart"))
	if got, want := holder(model, web), "component:default/cart LABEL"; got != want {
		t.Errorf("it is %s; want %s", got, want)
	}
}
