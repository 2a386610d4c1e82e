package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestDiscoveredRef(t *testing.T) {
	with := func(name string, alias catalog.Alias) string { return name + "-" + digits(alias) }
	long := strings.Repeat("x", 70)
	for alias, want := range map[catalog.Alias]string{
		"otel:checkout":                     "component:default/checkout",
		"otel:shop/checkout":                "component:shop/checkout",
		"otel:Checkout":                     "component:default/checkout",
		"otel:check out":                    "component:default/" + with("check-out", "otel:check out"),
		"otel:/payments/api":                "component:default/" + with("payments-api", "otel:/payments/api"),
		"otel:my shop/checkout":             "component:my-shop/" + with("checkout", "otel:my shop/checkout"),
		"otel:-checkout":                    "component:default/" + with("checkout", "otel:-checkout"),
		"otel:日本":                           "component:default/" + digits("otel:日本"),
		catalog.Alias("otel:" + long):       "component:default/" + with(long[:54], catalog.Alias("otel:"+long)),
		catalog.Alias("otel:" + long[:63]):  "component:default/" + long[:63],
		"dns:checkout.shop.svc":             "component:shop/checkout",
		"k8s:eu/shop/deployment/checkout":   "workload:shop/eu.deployment.checkout",
		"k8s:eu.1/shop/cronjob/a.b":         "workload:shop/eu.1.cronjob.a.b",
		"k8s:eu/shop/job/a.job.b":           "workload:shop/" + with("eu.job.a.job.b", "k8s:eu/shop/job/a.job.b"),
		"k8s:eu.job.a/shop/job/b":           "workload:shop/" + with("eu.job.a.job.b", "k8s:eu.job.a/shop/job/b"),
		"host:api.stripe.com":               "external:default/api.stripe.com",
		"host:2001:db8::1":                  "external:default/" + with("2001-db8--1", "host:2001:db8::1"),
		"db:postgresql:ledger-db:5432/main": "resource:default/" + with("postgresql-ledger-db-5432-main", "db:postgresql:ledger-db:5432/main"),
		"topic:kafka:orders":                "resource:default/" + with("kafka-orders", "topic:kafka:orders"),
		"repo:github.com/acme/checkout":     "resource:default/" + with("github.com-acme-checkout", "repo:github.com/acme/checkout"),
		"no alias":                          "resource:default/" + with("no-alias", "no alias"),
		"":                                  "resource:default/" + digits(""),
	} {
		if got := catalog.DiscoveredRef(alias); string(got) != want {
			t.Errorf("DiscoveredRef(%q) = %q; want %q", alias, got, want)
		}
	}
}

// The rules that a descriptor must keep (reference: the validators of Backstage).
var (
	validName      = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)
	validNamespace = regexp.MustCompile(`^[a-z0-9]+(?:-+[a-z0-9]+)*$`)
)

func checkDiscovered(t *testing.T, alias catalog.Alias) {
	t.Helper()
	ref := catalog.DiscoveredRef(alias)
	if again, err := catalog.ParseRef(string(ref), "", ""); err != nil || again != ref {
		t.Fatalf("DiscoveredRef(%q) = %q, which reads as %q, %v", alias, ref, again, err)
	}
	if name := ref.Name(); len(name) > 63 || !validName.MatchString(name) {
		t.Fatalf("DiscoveredRef(%q) = %q, which is no valid name", alias, ref)
	}
	if namespace := ref.Namespace(); len(namespace) > 63 || !validNamespace.MatchString(namespace) {
		t.Fatalf("DiscoveredRef(%q) = %q, which is no valid namespace", alias, ref)
	}
	if second := catalog.DiscoveredRef(alias); second != ref {
		t.Fatalf("DiscoveredRef(%q) is %q and then %q", alias, ref, second)
	}
}

// Aliases that mean the same service by design (with and without the default namespace, in telemetry and in DNS) are not
// among the random ones.
func TestDiscoveredRefsDiffer(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	word := func() string {
		letters := []rune("ab.-_ /:ÄX1")
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		if r.IntN(20) == 0 {
			b.WriteString(strings.Repeat("long", 20))
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	seen := map[catalog.Ref]catalog.Alias{}
	parsed := 0
	for range 200_000 {
		s := []string{
			"otel:ns-" + word() + "/" + word(),
			fmt.Sprintf("k8s:%s/%s/%s/%s", word(), word(), catalog.WorkloadKinds()[r.IntN(6)], word()),
			fmt.Sprintf("k8s:%s.job/n/job/job.%s", strings.ReplaceAll(word(), "/", ""), word()),
			"host:" + word(), "db:" + word() + ":" + word(), "topic:" + word() + ":" + word(), "repo:" + word() + "/" + word(),
		}[r.IntN(7)]
		alias, err := catalog.ParseAlias(s)
		if err != nil {
			continue
		}
		parsed++
		checkDiscovered(t, alias)
		ref := catalog.DiscoveredRef(alias)
		if other, taken := seen[ref]; taken && other != alias {
			t.Fatalf("%q and %q both become %q", other, alias, ref)
		}
		seen[ref] = alias
	}
	if parsed < 20_000 {
		t.Fatalf("only %d of the random aliases were any", parsed)
	}
}
