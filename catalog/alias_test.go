package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestParseAlias(t *testing.T) {
	for s, want := range map[string]catalog.Alias{
		"otel:checkout":                                  "otel:checkout",
		"otel:Shop/Checkout":                             "otel:shop/checkout",
		" OTEL: shop / check out ":                       "otel:shop/check out",
		"otel:/payments/api":                             "otel:/payments/api",
		"otel:/checkout":                                 "otel:checkout",
		"otel:shop/payments/api":                         "otel:shop/payments/api",
		"k8s:prod-eu/shop/Deployment/checkout":           "k8s:prod-eu/shop/deployment/checkout",
		"k8s:arn:aws:eks:1:cluster/eu/shop/pod/a":        "k8s:arn:aws:eks:1:cluster/eu/shop/pod/a",
		"dns:Checkout.shop.svc":                          "dns:checkout.shop.svc",
		"dns:checkout.shop.svc.cluster.local.":           "dns:checkout.shop.svc",
		"host:API.Stripe.com.":                           "host:api.stripe.com",
		"host:2001:DB8::1":                               "host:2001:db8::1",
		"host:[2001:db8:0::1]":                           "host:2001:db8::1",
		"host:10.0.0.1":                                  "host:10.0.0.1",
		"host:bücher.example":                            "host:bücher.example",
		"db:PostgreSQL:Ledger-DB:5432/Ledger":            "db:postgresql:ledger-db:5432/Ledger",
		"db:redis:cache":                                 "db:redis:cache",
		"db:redis:cache:6379/":                           "db:redis:cache:6379",
		"db:mysql:[::1]:03306/a/b":                       "db:mysql:[::1]:3306/a/b",
		"db:Redis:localhost@shop/cart/0":                 "db:redis:localhost@shop/cart/0",
		"db:mysql:localhost@shop/cart:3307/orders":       "db:mysql:localhost@shop/cart:3307/orders",
		"topic:Kafka:Orders.V1":                          "topic:kafka:Orders.V1",
		"topic:aws_sqs:https://sqs.eu.amazonaws.com/1/q": "topic:aws_sqs:https://sqs.eu.amazonaws.com/1/q",
		"repo:github.com/Acme/Checkout":                  "repo:github.com/acme/checkout",
		"repo:https://github.com/Acme/Checkout.git/":     "repo:github.com/acme/checkout",
		"repo:git.corp:8443/group/sub/project":           "repo:git.corp:8443/group/sub/project",
		"otel:" + strings.Repeat("x", 1024-len("otel:")): catalog.Alias("otel:" + strings.Repeat("x", 1024-len("otel:"))),
	} {
		if got, err := catalog.ParseAlias(s); got != want || err != nil {
			t.Errorf("ParseAlias(%q) = %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", ":", "checkout", "otel", "otel:", "otel:shop/", "otel:a\x00b", "otel:\xff", "unknown:x", "component:default/a",
		"k8s:shop/deployment/checkout", "k8s:/shop/deployment/checkout", "k8s:eu//deployment/a", "k8s:eu/shop/replicaset/a",
		"k8s:eu/shop/deployment/", "dns:checkout", "dns:checkout.shop", "dns:.shop.svc", "dns:a b.shop.svc",
		"dns:a.shop.svc..x", "host:", "host:api.stripe.com:443", "host:https://api.stripe.com", "host:a b", "host:.a", "host:[a",
		"db:postgresql", "db::h/x", "db:postgresql:/x", "db:postgresql:h:/x", "db:postgresql:h:99999/x", "db:postgresql:h:x/y",
		"db:postgresql:a:b:1/x", "db:redis:localhost@", "topic:kafka", "topic:kafka:", "topic::orders", "repo:github.com", "repo:github.com//a",
		"repo:git@github.com:acme/a", "repo:github.com/.git", "repo:github.com/a b", "repo:host:port/a",
		"otel:" + strings.Repeat("x", 1024),
	} {
		if got, err := catalog.ParseAlias(s); got != "" || !errors.Is(err, catalog.ErrAlias) {
			t.Errorf("ParseAlias(%q) = %q, %v; want an error", s, got, err)
		}
	}
}

func TestAliasWorld(t *testing.T) {
	for alias, want := range map[catalog.Alias]string{"otel:a:b": catalog.WorldOTel, "db:x:y/z": catalog.WorldDatabase, "": ""} {
		if got := alias.World(); got != want {
			t.Errorf("the world of %q is %q; want %q", alias, got, want)
		}
	}
}

func FuzzParseAlias(f *testing.F) {
	for _, s := range []string{
		"otel:a/b", "otel://a", "k8s:c/n/pod/x", "dns:a.b.svc", "host:[::1]", "db:x:[::1]:1/y", "topic:a: b ", "repo:a/b.git.git/",
		"host:İ.", "otel: / /x", "db:a:b:00001/ x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		alias, err := catalog.ParseAlias(s)
		if err != nil {
			if alias != "" || !errors.Is(err, catalog.ErrAlias) {
				t.Fatalf("ParseAlias(%q) = %q, %v", s, alias, err)
			}
		} else if again, err := catalog.ParseAlias(string(alias)); err != nil || again != alias {
			t.Fatalf("ParseAlias(%q) = %q, which reads as %q, %v", s, alias, again, err)
		}
		checkDiscovered(t, catalog.Alias(s))
	})
}
