package testenv

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Namespace makes a namespace that no other test has, "test-" and something random. At the end of the test it is removed
// with what is in it, as far as the server lets it.
func Namespace(t testing.TB, cluster KubeCluster) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(t.Context(), kubeAnswers)
	defer cancel()
	_, err := cluster.Ask(ctx, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), kubeAnswers)
		defer cancel()
		if err := removeNamespace(ctx, cluster, name); err != nil {
			t.Logf("the namespace %s is not removed whole: %v", name, err)
		}
	})
	return name
}

// removeNamespace does the work of the controller of namespaces, which does not run in a shared cluster.
func removeNamespace(ctx context.Context, cluster KubeCluster, name string) error {
	client, err := cluster.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	a := &applier{cluster: cluster, client: client}
	versions, err := a.versions(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, apiVersion := range versions {
		resources, err := a.discover(ctx, apiVersion)
		failed = append(failed, err)
		for _, resource := range resources {
			if !resource.Namespaced || !slices.Contains(resource.Verbs, "deletecollection") {
				continue
			}
			_, err := cluster.ask(ctx, client, http.MethodDelete,
				groupPath(apiVersion)+"/namespaces/"+name+"/"+resource.Name+"?gracePeriodSeconds=0&propagationPolicy=Background", "", "")
			failed = append(failed, err)
		}
	}
	_, err = cluster.ask(ctx, client, http.MethodDelete, "/api/v1/namespaces/"+name, "", "")
	if err == nil {
		_, err = cluster.ask(ctx, client, http.MethodPut, "/api/v1/namespaces/"+name+"/finalize", "application/json",
			fmt.Sprintf(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q}, "spec": {"finalizers": []}}`, name))
	}
	if refused := (*KubeError)(nil); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		err = nil // a controller was quicker
	}
	return errors.Join(append(failed, err)...)
}

// versions lists the preferred version of every group of resources, as apiVersion says it.
func (a *applier) versions(ctx context.Context) ([]string, error) {
	answer, err := a.cluster.ask(ctx, a.client, http.MethodGet, "/apis", "", "")
	if err != nil {
		return nil, err
	}
	var list struct {
		Groups []struct{ PreferredVersion struct{ GroupVersion string } }
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, err
	}
	versions := []string{"v1"}
	for _, group := range list.Groups {
		versions = append(versions, group.PreferredVersion.GroupVersion)
	}
	return versions, nil
}
