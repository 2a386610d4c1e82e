package manifests_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// TestRealManifests reads systems that people run. How many workloads each has was counted by others.
func TestRealManifests(t *testing.T) {
	dir := filepath.Join(testenv.Corpora(t), "kubernetes")
	want := map[string]int{
		"online-boutique": 12, "sock-shop": 14, "robot-shop": 13, "bookinfo": 11, "emojivoto": 4, "hotel-reservation": 19,
	}
	for system, workloads := range want {
		t.Run(system, func(t *testing.T) {
			scanner, err := manifests.New(manifests.Config{
				Cluster: system, Roots: []folder.Root{{Path: filepath.Join(dir, system, "manifests"), Display: system}},
			})
			if err != nil {
				t.Fatal(err)
			}
			held := make(scantest.Held)
			if err := held.Whole(t.Context(), scanner); err != nil {
				t.Fatal(err)
			}
			found := 0
			for name, scope := range held {
				for _, document := range scope.Documents {
					for _, problem := range document.Problems {
						if strings.HasPrefix(name, "files/") { // what follows from the objects is judged elsewhere
							t.Errorf("%s: %v", name, problem)
						}
					}
					for _, claim := range document.Claims {
						if claim.Facts != nil && claim.Facts.Workload != nil {
							found++
						}
					}
				}
			}
			if found != workloads {
				t.Errorf("%d workloads, want %d", found, workloads)
			}
		})
	}
}
