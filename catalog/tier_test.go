package catalog_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestTier(t *testing.T) {
	for written, want := range map[string]int{"1": 1, "4": 4, " 2 ": 2, "": 0, "0": 0, "5": 0, "-1": 0, "12": 0, "gold": 0} {
		d := &catalog.Descriptor{Annotations: map[string]string{catalog.AnnotationTier: written}}
		if got := d.Tier(); got != want {
			t.Errorf("the tier of %q is %d; want %d", written, got, want)
		}
	}
}
