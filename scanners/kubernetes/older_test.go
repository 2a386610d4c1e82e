package kubernetes_test

import (
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestServerThatCannotStreamLists watches a server that lists page by page only, as those before 1.32 do.
func TestServerThatCannotStreamLists(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{Flags: []string{"--feature-gates=WatchList=false"}})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	applyConfigMaps(t, own.KubeCluster, "shop", 50)
	config := of(own.KubeCluster)
	w := watch(t, scanner(t, config))
	for version := range 3 {
		image := fmt.Sprintf("registry.example/app:%d", version+2)
		testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image))
		w.until(image, func(error) bool { return w.held.image("shop", "checkout") == image })
	}
	if diff := w.equalsFresh(config); diff != "" {
		t.Error(diff)
	}
	own.Kill()
	own.Start()
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	w.until("the change", func(error) bool { return w.held.image("shop", "checkout") == image1 })
	if w.held.losses > 0 {
		t.Errorf("%d scopes were lost", w.held.losses)
	}
}
