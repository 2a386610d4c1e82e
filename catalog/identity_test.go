package catalog_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// stating is a descriptor that states aliases.
func stating(ref catalog.Ref, aliases ...catalog.Alias) *catalog.Document {
	claim := describe(ref)
	for i, alias := range aliases {
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias, Line: int32(10 + i)})
	}
	return document(string(ref)+".yaml", claim)
}

// sighting is something observed, with hints.
func sighting(alias catalog.Alias, hints ...catalog.Hint) *catalog.Document {
	return document("t "+string(alias), catalog.Claim{Subject: catalog.Subject{Alias: alias}, Hints: hints})
}

func TestIdentity(t *testing.T) {
	rewrites := []catalog.Rewrite{
		{Match: regexp.MustCompile(`otel:(a|ab)`), Replace: "component:default/$1"},
		{Match: regexp.MustCompile(`legacy`), Replace: "component:default/legacy"}, // not the whole alias
		{Match: regexp.MustCompile(`otel:legacy-(.*)`), Replace: "component:nowhere/$1"},
		{Match: regexp.MustCompile(`otel:legacy-(.*)`), Replace: "$1"}, // not a Ref
		{},
		{Match: regexp.MustCompile(`otel:legacy-(.*)`), Replace: "Component:Shop/$1"},
	}
	everybody := []*catalog.Document{
		stating("component:default/checkout"), stating("component:shop/checkout"), stating("component:shop/cart"),
		stating("component:default/ab"), stating("component:default/legacy"),
		stating("resource:default/orders-topic"), stating("resource:default/ledger-db"), stating("resource:shop/redis"),
		stating("resource:default/cart"), stating("external:default/api.stripe.com"), stating("component:default/orders"),
		stating("api:default/psp"), stating("resource:default/kafka-old-1234"),
		stating("resource:default/" + catalog.Ref("kafka-declared-"+digits("topic:kafka:declared"))),
		stating("component:default/stated", "otel:cart", "topic:kafka:orders-topic"),
	}
	for _, c := range []struct {
		alias catalog.Alias
		hints []catalog.Hint
		want  string
	}{
		{"otel:cart", []catalog.Hint{{Name: "legacy"}}, "component:default/stated DECLARATION"},
		{"topic:kafka:orders-topic", nil, "component:default/stated DECLARATION"},

		{"otel:x", []catalog.Hint{{Name: "Legacy"}}, "component:default/legacy LABEL"},
		{"otel:x", []catalog.Hint{{Name: "cart", Namespace: "shop"}}, "component:shop/cart LABEL"},
		{"otel:x", []catalog.Hint{{Name: "cart", Namespace: "other"}, {Name: "nobody"}, {Name: "redis"}}, "resource:shop/redis LABEL"},
		{"otel:x", []catalog.Hint{{Name: "checkout"}}, "component:default/x DISCOVERY"}, // two of that name
		{"otel:x", []catalog.Hint{{Name: "psp"}}, "component:default/x DISCOVERY"},      // an API runs nowhere
		{"otel:legacy-cart", []catalog.Hint{{Name: "legacy"}}, "component:default/legacy LABEL"},

		{"otel:legacy-cart", nil, "component:shop/cart REWRITE"},
		{"otel:legacy-nobody", nil, "component:default/legacy-nobody DISCOVERY"},
		{"otel:ab", nil, "component:default/ab REWRITE"}, // all alternatives are tried for the whole alias
		{"otel:legacy", nil, "component:default/legacy NAMESPACE_NAME"},

		{"otel:checkout", nil, "component:default/checkout NAMESPACE_NAME"},
		{"otel:shop/checkout", nil, "component:shop/checkout NAMESPACE_NAME"},
		{"otel:other/checkout", nil, "component:other/checkout DISCOVERY"},
		{"otel:other/cart", nil, "component:shop/cart NAME"},
		{"otel:other/redis", nil, "resource:shop/redis NAME"},
		{"dns:checkout.shop.svc", nil, "component:shop/checkout NAMESPACE_NAME"},
		{"dns:redis.shop.svc", nil, "resource:shop/redis NAMESPACE_NAME"},
		{"k8s:eu/shop/deployment/checkout", nil, "component:shop/checkout NAMESPACE_NAME"},
		{"k8s:eu/other/deployment/checkout", nil, "workload:other/eu.deployment.checkout DISCOVERY"},
		{"k8s:eu/other/statefulset/redis", nil, "resource:shop/redis NAME"},

		{"host:api.stripe.com", nil, "external:default/api.stripe.com NAMESPACE_NAME"},
		{"host:stripe.com", nil, "external:default/stripe.com DISCOVERY"},
		{"host:ledger-db", nil, "resource:default/ledger-db NAMESPACE_NAME"},
		{"host:ledger-db.example.com", nil, "external:default/ledger-db.example.com DISCOVERY"},
		{"host:checkout.shop.svc.cluster.local", nil, "component:shop/checkout NAMESPACE_NAME"},
		{"host:checkout", nil, "component:default/checkout NAMESPACE_NAME"},

		{"db:postgresql:ledger-db:5432/ledger", nil, "resource:default/ledger-db NAMESPACE_NAME"},
		{"db:redis:redis.shop.svc:6379", nil, "resource:shop/redis NAMESPACE_NAME"},
		{"db:redis:cart", nil, "resource:default/cart NAMESPACE_NAME"}, // a resource before a component
		{"db:redis:redis", nil, "resource:shop/redis NAME"},
		{"db:postgresql:pg/ledger-db", nil, "resource:default/postgresql-pg-ledger-db-" + digits("db:postgresql:pg/ledger-db") + " DISCOVERY"},

		{"topic:rabbitmq:orders-topic", nil, "resource:default/orders-topic NAMESPACE_NAME"},
		{"topic:kafka:Orders-Topic", nil, "resource:default/orders-topic NAMESPACE_NAME"},
		{"topic:kafka:orders", nil, "resource:default/kafka-orders-" + digits("topic:kafka:orders") + " DISCOVERY"},
		{"topic:kafka:declared", nil, "resource:default/kafka-declared-" + digits("topic:kafka:declared") + " NAMESPACE_NAME"},

		{"repo:github.com/acme/cart", nil, "resource:default/github.com-acme-cart-" + digits("repo:github.com/acme/cart") + " DISCOVERY"},
	} {
		t.Run(fmt.Sprint(c.alias, c.hints), func(t *testing.T) {
			model := catalog.Merge(slices.Values(append(slices.Clone(everybody), sighting(c.alias, c.hints...))),
				catalog.MergeOptions{Rewrites: rewrites})
			if got := holder(model, c.alias); got != c.want {
				t.Errorf("%s is %s; want %s", c.alias, got, c.want)
			}
			for _, e := range model.Entities {
				if e.Discovered != strings.HasSuffix(c.want, "DISCOVERY") && strings.HasPrefix(c.want, string(e.Ref)+" ") {
					t.Errorf("%s is discovered: %v", e.Ref, e.Discovered)
				}
			}
		})
	}
}

// holder is the entity that has an alias, and by which rule.
func holder(model *catalog.Model, alias catalog.Alias) string {
	var holders []string
	for _, e := range model.Entities {
		for _, known := range e.Aliases {
			if known.Alias == alias {
				holders = append(holders, fmt.Sprint(e.Ref, " ", known.MatchedBy))
			}
		}
	}
	return strings.Join(holders, ", ")
}

func TestAliasConflict(t *testing.T) {
	first, second := stating("component:default/a", "otel:a"), stating("component:default/b", "otel:x", "otel:a")
	other := sighting("otel:other")
	other.Claims[0].Edges = []catalog.EdgeClaim{{
		Target: catalog.Subject{Alias: "otel:a"}, Type: catalog.DependsOn, Evidence: catalog.Observed,
	}}
	model := merge(first, second)
	const problems = `
		component:default/a component:default/a.yaml:10: warning: the alias otel:a is also stated by component:default/b, so it stands for none of them (keep the alias on one of the entities) [alias-conflict]
		component:default/b component:default/b.yaml:11: warning: the alias otel:a is also stated by component:default/a, so it stands for none of them (keep the alias on one of the entities) [alias-conflict]
	`
	checkText(t, lines(model.Problems), problems)
	if got := holder(model, "otel:a"); got != "" {
		t.Errorf("nobody has seen otel:a, and yet it is %s", got)
	}

	// What is seen under that name is neither, not even the one whose Ref it would have.
	model = merge(first, second, other)
	checkText(t, lines(model.Problems), problems)
	apart := catalog.Ref("component:default/a-" + digits("otel:a"))
	if got, want := holder(model, "otel:a"), string(apart)+" DISCOVERY"; got != want {
		t.Errorf("otel:a is %s; want %s", got, want)
	}
	checkText(t, drawing(model.Edges), "component:default/other dependsOn "+string(apart)+" HARD [OBSERVED t otel:other:0]\n")

	// One entity may state an alias in several places; of a loser nothing counts.
	loser := stating("component:default/b", "otel:a")
	loser.ID.Scope, loser.Location, loser.Priority = "z", "z", 1
	twice := document("c", catalog.Claim{
		Subject: catalog.Subject{Ref: "component:default/a"}, Aliases: []catalog.AliasClaim{{Alias: "otel:a"}},
	})
	model = merge(first, twice, stating("component:default/b"), loser, other)
	if got := holder(model, "otel:a"); got != "component:default/a DECLARATION" {
		t.Errorf("otel:a is %s", got)
	}
}

func TestRepositoriesHoldSeveralEntities(t *testing.T) {
	const repository = catalog.Alias("repo:github.com/acme/mono")
	model := merge(stating("component:default/a", repository), stating("component:default/b", repository), sighting(repository))
	if len(model.Problems) > 0 {
		t.Error(lines(model.Problems))
	}
	if got, want := holder(model, repository), string(catalog.DiscoveredRef(repository))+" DISCOVERY"; got != want {
		t.Errorf("it is %s; want %s", got, want)
	}
}

func TestAliasConflictOfManyStaysReadable(t *testing.T) {
	var documents []*catalog.Document
	for i := range 500 {
		documents = append(documents, stating(catalog.Ref(fmt.Sprintf("component:default/copy-%03d", i)), "otel:template"))
	}
	model := merge(documents...)
	if len(model.Problems) != 500 {
		t.Fatalf("%d problems", len(model.Problems))
	}
	if got := model.Problems[0].Message; !strings.Contains(got, "494 more") || len(got) > 400 {
		t.Error(got)
	}
}

func TestDiscovered(t *testing.T) {
	seen := sighting("otel:shop/cart")
	seen.Stale = true
	again := sighting("otel:shop/cart")
	again.Location = "again"
	again.Claims[0].Descriptor = &catalog.Descriptor{Title: "not looked at"}
	refers := document("r", describe("component:default/r", dependsOn("component:shop/cart"), dependsOn("component:shop/gone")))

	model := merge(seen, refers)
	cart := entity(t, model, "component:shop/cart")
	if !cart.Discovered || cart.Placeholder || !cart.Stale || cart.Lifecycle != "discovered" || cart.Owner != "" ||
		cart.Kind != "Component" || cart.Namespace != "shop" || cart.Name != "cart" || cart.Origin != nil || cart.Title != "" {
		t.Errorf("%+v", cart)
	}
	if gone := entity(t, model, "component:shop/gone"); gone.Discovered || !gone.Placeholder || gone.Stale {
		t.Errorf("%+v", gone)
	}
	if cart = entity(t, merge(seen, again, refers), "component:shop/cart"); cart.Stale || cart.Title != "" {
		t.Errorf("seen again: %+v", cart)
	}

	// A descriptor that comes takes the twin over, under whatever Ref.
	model = merge(seen, stating("component:default/basket", "otel:shop/cart"))
	if len(model.Entities) != 1 || holder(model, "otel:shop/cart") != "component:default/basket DECLARATION" {
		t.Errorf("%d entities; otel:shop/cart is %s", len(model.Entities), holder(model, "otel:shop/cart"))
	}

	// What a scanner describes under the Ref of its alias is described.
	model = merge(sighting("k8s:eu/shop/deployment/x"), stating("workload:shop/eu.deployment.x"))
	if w := entity(t, model, "workload:shop/eu.deployment.x"); w.Discovered || len(w.Aliases) != 1 {
		t.Errorf("%+v", w)
	}
}

func TestOtherNamesOfWhatIsObserved(t *testing.T) {
	naming := func(alias catalog.Alias, others ...catalog.Alias) *catalog.Document {
		d := sighting(alias)
		for _, other := range others {
			d.Claims[0].Aliases = append(d.Claims[0].Aliases, catalog.AliasClaim{Alias: other})
		}
		return d
	}
	const workload, dns = catalog.Alias("k8s:eu/shop/deployment/w"), catalog.Alias("dns:w.shop.svc")
	for _, c := range []struct {
		name      string
		documents []*catalog.Document
		want      string // of dns
	}{
		{"stands for what states it", []*catalog.Document{naming(workload, dns)}, "workload:shop/eu.deployment.w DISCOVERY"},
		{
			"and what that is matched to",
			[]*catalog.Document{naming(workload, dns), stating("component:x/c", workload)},
			"component:x/c DECLARATION",
		},
		{
			"unless an entity states it",
			[]*catalog.Document{naming(workload, dns), stating("component:x/c", dns)},
			"component:x/c DECLARATION",
		},
		{
			"before an equal name",
			[]*catalog.Document{naming(workload, dns), stating("component:shop/w"), stating("component:x/c", workload), sighting(dns)},
			"component:x/c DECLARATION",
		},
		{"two that are one agree", []*catalog.Document{
			naming(workload, dns), naming("otel:w", dns), stating("component:x/c", workload, "otel:w"),
		}, "component:x/c DECLARATION"},
		{
			"two that differ do not",
			[]*catalog.Document{naming(workload, dns), naming("otel:w", dns), sighting(dns)},
			"component:shop/w DISCOVERY",
		},
		{"nobody uses a name that differs", []*catalog.Document{naming(workload, dns), naming("otel:w", dns)}, ""},
		{"names make no chains", []*catalog.Document{naming(workload, "host:w"), naming("host:w", dns)}, ""},
		{"nor circles", []*catalog.Document{naming(workload, dns), naming(dns, workload)}, "component:shop/w DISCOVERY"},
		{"its own name is no other", []*catalog.Document{naming(dns, dns)}, "component:shop/w DISCOVERY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := holder(merge(c.documents...), dns); got != c.want {
				t.Errorf("%s is %q; want %q", dns, got, c.want)
			}
		})
	}
}
