package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
)

// samples are those of the logs of a Deployment.
func (r *receiver) samples(namespace, name string) []catalog.LogSample {
	for _, document := range r.Held["logs/"+namespace+"/deployment/"+name].Documents {
		return document.Claims[0].Facts.Logs
	}
	return nil
}

// pods are the names of the pods in a namespace.
func pods(t testing.TB, cluster testenv.KubeCluster, namespace string) []string {
	t.Helper()
	answer, err := cluster.Ask(t.Context(), http.MethodGet, "/api/v1/namespaces/"+namespace+"/pods", "")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Metadata.Name)
	}
	return names
}

// TestLogs follows the logs of a watched cluster.
func TestLogs(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	settled(t, own.KubeCluster)
	write := func(lines ...string) {
		for _, pod := range pods(t, own.KubeCluster, "shop") {
			own.WriteLog("shop", pod, "main", lines...)
		}
	}
	const good = `{"time":"2026-01-02T03:04:05Z","level":"info","msg":"a secret word","trace_id":"4bf92f3577b34da6"}`
	write(strings.Repeat(good+"\n", 59) + good)
	config := of(own.KubeCluster)
	config.Logs = &kubernetes.LogConfig{Format: "json", Every: 300 * time.Millisecond}
	w := watch(t, scanner(t, config))
	is := func(what string, want catalog.LogSample) {
		t.Helper()
		w.until(what, func(error) bool {
			got := w.held.samples("shop", "checkout")
			return len(got) == 1 && cmp.Equal(got[0], want)
		})
	}
	fine := catalog.LogSample{Container: "main", Format: "json"}
	is("good lines", fine)
	if text := fmt.Sprintf("%+v %s", w.held.Held, w.held.state); strings.Contains(text, "secret") {
		t.Error("a line was kept")
	}
	write(good + "\nnot JSON\n" + good) // fewer than would change the verdict
	for quiet := time.After(time.Second); quiet != nil; {
		select {
		case names := <-w.told:
			if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "logs/") }) {
				t.Errorf("one odd line was told, as a change of %q", names)
			}
		case <-quiet:
			quiet = nil
		}
	}
	write(strings.Repeat("plain text\n", 59) + "plain text")
	is("plain text", catalog.LogSample{Container: "main", Format: "json", Missing: []string{"format"}})
	w.stop()

	// After a restart nothing is known until logs were looked at: what was said stands.
	config.Logs.Every = time.Hour
	said := w.held.samples("shop", "checkout")
	again := scanner(t, config)
	w.scanner = again
	if err := w.held.whole(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, w.held.samples("shop", "checkout")); diff != "" {
		t.Error(diff)
	}
	asked := make(chan bool, 100)
	slow := before(t, own.KubeCluster, func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/log") {
			return false
		}
		asked <- true
		<-r.Context().Done()
		return true
	})
	slow.Logs = config.Logs
	looking := watch(t, scanner(t, slow))
	select {
	case <-asked:
	case <-time.After(soon):
		t.Fatal("no log is asked for")
	}
	looking.held = w.held
	if err := looking.held.whole(t.Context(), looking.scanner); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, w.held.samples("shop", "checkout")); diff != "" {
		t.Errorf("while logs are looked at: %s", diff)
	}
	looking.stop()
	live := watch(t, again)
	testenv.Apply(t, own.KubeCluster, "shop", workload("other", image1))
	live.until("the other workload", func(error) bool { return live.held.image("shop", "other") != "" })
	remove(t, own.KubeCluster, "/apis/apps/v1/namespaces/shop/deployments/checkout")
	live.until("that what is known of its logs goes with a workload", func(error) bool {
		return live.held.image("shop", "checkout") == "" && live.held.samples("shop", "checkout") == nil
	})
}
