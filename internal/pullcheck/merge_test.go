package pullcheck_test

import (
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
)

// TestBehind holds that what the branch has gained since the pull request left it counts as it is, also in the same file.
func TestBehind(t *testing.T) {
	const path = "cart/catalog-info.yaml"
	left := company()["acme/checkout/"+path] // cart and basket
	for name, test := range map[string]struct {
		head, tip  string // of that file; "" = it is not there
		conclusion string
		want, not  []string // in the summary
	}{
		"another entity came": {
			component("cart", "group:shop") + "---\n" + component("basket", "group:payments"),
			left + "---\n" + component("wishes", "group:shop"),
			"success",
			[]string{"**Changed** `component:default/cart`", "has changed on `main`, too"},
			[]string{"wishes", "Removed"},
		},
		"another entity changed": {
			component("cart", "group:shop") + "---\n" + component("basket", "group:payments"),
			component("cart", "group:payments") + "---\n" + component("basket", "group:prices"),
			"success",
			[]string{"**Changed** `component:default/cart`"},
			[]string{"basket"},
		},
		"another entity went": {
			component("cart", "group:shop") + "---\n" + component("basket", "group:payments"),
			component("cart", "group:payments"),
			"success",
			[]string{"**Changed** `component:default/cart`"},
			[]string{"basket"},
		},
		"moved within": {
			component("basket", "group:payments") + "---\n" + component("cart", "group:payments"),
			component("cart", "group:payments") + "---\n# changed\n" + component("basket", "group:prices"),
			"success",
			[]string{"Nothing changes"},
			[]string{"basket"},
		},
		"both changed it": {
			component("cart", "group:shop") + "---\n" + component("basket", "group:payments"),
			component("cart", "group:prices") + "---\n" + component("basket", "group:payments"),
			"success",
			[]string{"from `group:default/prices` to `group:default/shop`"},
			nil,
		},
		"really removed": {
			component("basket", "group:payments"),
			left + "---\n" + component("wishes", "group:shop"),
			"failure",
			[]string{"**Removed** `component:default/cart`"},
			[]string{"wishes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				s.stop()
				s.tree["left:"+path], s.tree["tip:"+path], s.tree["acme/checkout/"+path], s.tree["c1:"+path] = left, test.tip, test.tip, test.head
				if strings.Contains(name, "went") { // nobody refers to what went
					s.tree["acme/shop/catalog-info.yaml"] = component("storefront", "group:shop", "cart")
				}
				s.behind = []*github.CommitFile{file(path, "modified"), file("main.go", "modified")}
				s.opens(7, "c1", "main", file(path, "modified"))
				s.starts(t)
				s.hears(t, event("opened"))
				made := s.made()
				if got := conclusions(made); got != "c1 completed "+test.conclusion {
					t.Fatalf("%s\n%s", got, shown(&made[0]))
				}
				for _, want := range test.want {
					if !strings.Contains(made[0].Summary, want) {
						t.Errorf("no %q in\n%s", want, made[0].Summary)
					}
				}
				for _, not := range test.not {
					if strings.Contains(made[0].Summary, not) {
						t.Errorf("%q in\n%s", not, made[0].Summary)
					}
				}
				if n := s.asked("GET {range}"); n+s.asked("GET compare") != 2 {
					t.Errorf("compared %d times", n)
				}
			})
		})
	}
}
