package catalog_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestIsOwnable(t *testing.T) {
	for kind, want := range map[string]bool{
		"Component": true, "journey": true, "External": true, "Gizmo": true,
		"Group": false, "user": false, "location": false, "Node": false, "zone": false, "Cluster": false,
	} {
		if got := catalog.IsOwnable(kind); got != want {
			t.Errorf("IsOwnable(%q) = %v, want %v", kind, got, want)
		}
	}
}

func TestKindSpelling(t *testing.T) {
	for lower, want := range map[string]string{"api": "API", "component": "Component", "gizmo": "gizmo"} {
		if got := catalog.KindSpelling(lower); got != want {
			t.Errorf("KindSpelling(%q) = %q, want %q", lower, got, want)
		}
	}
}
