package pairing

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestServiceAlias(t *testing.T) {
	t.Parallel()
	for said, want := range map[[2]string]catalog.Alias{
		{"shop", "Checkout"}:     "otel:shop/checkout",
		{"", "checkout"}:         "otel:checkout",
		{"", "shop/checkout"}:    "otel:shop/checkout",
		{"", "/checkout/"}:       "otel:checkout",
		{"eu/", "shop/checkout"}: "otel:eu/shop/checkout",
		{"shop", " / "}:          "",
	} {
		if got := serviceAlias(said[0], said[1]); got != want {
			t.Errorf("%q in %q is %q, want %q", said[1], said[0], got, want)
		}
	}
}
