package kubernetes_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
)

// catalogOf keeps a catalog of the scanner's cluster up to date until the test ends.
func catalogOf(t testing.TB, scanner *kubernetes.Scanner) *ingest.Catalog {
	t.Helper()
	all, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{
		ID: "cluster", Kind: "kubernetes", Scanner: scanner, Priority: catalog.DefaultPriorityClusters, Environment: "production", Watch: true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := all.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return all
}

// imageOf is the image of a Deployment; "" = a snapshot has none.
func imageOf(s *graph.Snapshot, namespace, name string) string {
	if s == nil {
		return ""
	}
	ref := catalog.DiscoveredRef(catalog.Alias("k8s:test/" + namespace + "/deployment/" + name))
	entity, err := s.Entity(ref)
	if err != nil || entity.Facts == nil || entity.Facts.Workload == nil || len(entity.Facts.Workload.Containers) == 0 {
		return ""
	}
	return entity.Facts.Workload.Containers[0].Image
}

// TestVisible patches an image, as people do, until a snapshot shows it; and kills the API server in between. No revision
// may lack what the first one had.
func TestVisible(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), workload("cart", image1))
	settled(t, own.KubeCluster)
	all := catalogOf(t, scanner(t, of(own.KubeCluster)))
	eventually(t, "the first scan", func() bool { return imageOf(all.Snapshot(), "shop", "checkout") == image1 })
	client, stands := clientOf(t, own.KubeCluster), refs(all.Snapshot())
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			changed := all.Changed()
			now := refs(all.Snapshot())
			for _, ref := range stands {
				if !slices.Contains(now, ref) {
					t.Errorf("revision %d lacks %s", all.Snapshot().Revision(), ref)
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
	patch := func(number int) {
		t.Helper()
		image := fmt.Sprintf("registry.example/app:%d", number)
		body := fmt.Sprintf(`{"spec": {"template": {"spec": {"containers": [{"name": "main", "image": %q}]}}}}`, image)
		began := time.Now()
		_, err := client.AppsV1().Deployments("shop").Patch(t.Context(), "checkout", types.StrategicMergePatchType, []byte(body), v1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new image", func() bool { return imageOf(all.Snapshot(), "shop", "checkout") == image })
		t.Logf("visible after %s", time.Since(began))
	}
	for number := range 5 {
		patch(number + 2)
	}
	own.Kill()
	eventually(t, "that the source shows the failure", func() bool { return state(all) != graph.SourceOK })
	own.Start()
	patch(10)
	eventually(t, "that the source is good again", func() bool { return state(all) == graph.SourceOK })
	cancel()
	watching.Wait()
}

func refs(s *graph.Snapshot) []catalog.Ref {
	var all []catalog.Ref
	for entity := range s.Entities("") {
		all = append(all, entity.Ref)
	}
	return all
}

func state(all *ingest.Catalog) graph.SourceState {
	for _, source := range all.Snapshot().Sources() {
		return source.State
	}
	return ""
}

// TestTakenAway holds that what a cluster says was deleted leaves the catalog however much it is, and that what is merely no
// longer there, after a time in which nobody watched, waits for a person.
func TestTakenAway(t *testing.T) {
	t.Parallel()
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	const all, some = 50, 25
	var objects [][]byte
	for i := range all {
		objects = append(objects, workload(fmt.Sprintf("app%02d", i), image1))
	}
	testenv.Apply(t, cluster, namespace, objects...)
	deployments := clientOf(t, cluster).AppsV1().Deployments(namespace)
	removed := 0
	remove := func(n int) {
		t.Helper()
		for range n {
			if err := deployments.Delete(t.Context(), fmt.Sprintf("app%02d", removed), v1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	watched := scanner(t, of(cluster, namespace))
	c, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{
		ID: "cluster", Kind: "kubernetes", Scanner: watched, Priority: catalog.DefaultPriorityClusters, Environment: "production", Watch: true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = c.Run(ctx) })
		return func() { cancel(); running.Wait() }
	}
	left := func() int {
		n := 0
		if c.Snapshot() != nil {
			for i := range all {
				if imageOf(c.Snapshot(), namespace, fmt.Sprintf("app%02d", i)) != "" {
					n++
				}
			}
		}
		return n
	}
	stop := run()
	eventually(t, "the first scan", func() bool { return left() == all })
	remove(some)
	eventually(t, "that what was deleted is gone", func() bool { return left() == all-some })
	if source := c.Snapshot().Sources()[0]; source.Held != nil || source.State != graph.SourceOK {
		t.Errorf("the source is %s: %+v", source.State, source.Held)
	}
	stop()
	remove(all - some)
	stop = run()
	defer stop()
	eventually(t, "that the removal waits", func() bool { return c.Snapshot().Sources()[0].Held != nil })
	if n := left(); n != all-some {
		t.Errorf("%d are left", n)
	}
}
