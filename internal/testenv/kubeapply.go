package testenv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// Apply applies every object of the manifests (YAML of any number of documents, or JSON; lists too) as `kubectl apply
// --server-side --force-conflicts` does. Objects that name no namespace go to the given one, which is made if it does not
// exist, as are those that the objects name. Custom resources may come together with their definitions. Other than by
// kubectl, a status is written too, so that a test without controllers can say how an object fares.
func Apply(t testing.TB, cluster KubeCluster, namespace string, manifests ...[]byte) {
	t.Helper()
	if err := apply(t.Context(), cluster, namespace, manifests...); err != nil {
		t.Fatal(err)
	}
}

func apply(ctx context.Context, cluster KubeCluster, namespace string, manifests ...[]byte) error {
	var objects []*manifestObject
	for _, manifest := range manifests {
		found, err := readManifest(manifest)
		if err != nil {
			return err
		}
		objects = append(objects, found...)
	}
	return applyAll(ctx, cluster, namespace, objects)
}

// ApplyFiles is [Apply] with files, and with folders, whose *.yaml, *.yml and *.json files are meant, at any depth.
func ApplyFiles(t testing.TB, cluster KubeCluster, namespace string, paths ...string) {
	t.Helper()
	var objects []*manifestObject
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			manifest := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
			if err != nil || entry.IsDir() || file != path && !manifest {
				return err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			found, err := readManifest(content)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			objects = append(objects, found...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := applyAll(t.Context(), cluster, namespace, objects); err != nil {
		t.Fatal(err)
	}
}

func applyAll(ctx context.Context, cluster KubeCluster, namespace string, objects []*manifestObject) error {
	ctx, cancel := context.WithTimeout(ctx, kubeAnswers)
	defer cancel()
	client, err := cluster.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	a := &applier{cluster: cluster, client: client, namespace: namespace, resources: map[string][]kubeResource{}, exist: map[string]bool{}}
	// What others need first: namespaces, then definitions.
	slices.SortStableFunc(objects, func(x, y *manifestObject) int { return x.rank() - y.rank() })
	for _, object := range objects {
		if err := a.apply(ctx, object); err != nil {
			return fmt.Errorf("applying %s %s: %w", object.Kind, object.Metadata.Name, err)
		}
	}
	return nil
}

// manifestObject is one object of a manifest.
type manifestObject struct {
	APIVersion string
	Kind       string
	Metadata   struct{ Name, Namespace string }
	Items      []json.RawMessage // of a list
	Status     json.RawMessage
	text       []byte // JSON
}

func (o *manifestObject) rank() int {
	switch o.Kind {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	}
	return 2
}

func readManifest(text []byte) ([]*manifestObject, error) {
	var objects []*manifestObject
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err == nil {
			document, err = yaml.ToJSON(document)
		}
		if err == nil {
			objects, err = appendObjects(objects, document)
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
	}
}

func appendObjects(objects []*manifestObject, document []byte) ([]*manifestObject, error) {
	if trimmed := bytes.TrimSpace(document); len(trimmed) == 0 || string(trimmed) == "null" {
		return objects, nil // comments only
	}
	object := &manifestObject{text: document}
	if err := json.Unmarshal(document, object); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(object.Kind, "List") || object.Items == nil {
		if object.APIVersion == "" || object.Kind == "" || object.Metadata.Name == "" {
			return nil, errors.New("an object needs apiVersion, kind and metadata.name")
		}
		return append(objects, object), nil
	}
	for _, item := range object.Items {
		var err error
		if objects, err = appendObjects(objects, item); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// applier applies objects one after the other.
type applier struct {
	cluster   KubeCluster
	client    *http.Client
	namespace string                    // of objects that name none
	resources map[string][]kubeResource // by apiVersion
	exist     map[string]bool           // namespaces that are known to
}

// kubeResource is what discovery says of a resource, or of a subresource ("pods/log").
type kubeResource struct {
	Name, Kind string
	Namespaced bool
	Verbs      []string
}

func (a *applier) apply(ctx context.Context, object *manifestObject) error {
	resource, status, err := a.resource(ctx, object)
	if err != nil {
		return err
	}
	path := groupPath(object.APIVersion)
	if resource.Namespaced {
		namespace := object.Metadata.Namespace
		if namespace == "" {
			namespace = a.namespace
		}
		if err := a.haveNamespace(ctx, namespace); err != nil {
			return err
		}
		path += "/namespaces/" + url.PathEscape(namespace)
	}
	path += "/" + resource.Name + "/" + url.PathEscape(object.Metadata.Name)
	if err := a.patch(ctx, path, object.text); err != nil {
		return err
	}
	if object.Kind == "CustomResourceDefinition" {
		return a.established(ctx, object) // and its status is the server's own
	}
	if status && len(object.Status) > 0 {
		return a.patch(ctx, path+"/status", object.text)
	}
	return nil
}

func (a *applier) patch(ctx context.Context, path string, object []byte) error {
	_, err := a.cluster.ask(ctx, a.client, http.MethodPatch, path+"?fieldManager=orrery-tests&force=true",
		"application/apply-patch+yaml", string(object))
	return err
}

// resource is where objects of that kind are kept, and whether their status is written apart.
func (a *applier) resource(ctx context.Context, object *manifestObject) (resource kubeResource, status bool, err error) {
	list, ok := a.resources[object.APIVersion]
	if !ok {
		if list, err = a.discover(ctx, object.APIVersion); err != nil {
			return kubeResource{}, false, err
		}
		a.resources[object.APIVersion] = list
	}
	at := slices.IndexFunc(list, func(r kubeResource) bool { return r.Kind == object.Kind && !strings.Contains(r.Name, "/") })
	if at < 0 {
		return kubeResource{}, false, fmt.Errorf("the server knows no %s of %s", object.Kind, object.APIVersion)
	}
	status = slices.ContainsFunc(list, func(r kubeResource) bool { return r.Name == list[at].Name+"/status" })
	return list[at], status, nil
}

// discover lists the resources of a version of a group.
func (a *applier) discover(ctx context.Context, apiVersion string) ([]kubeResource, error) {
	answer, err := a.cluster.ask(ctx, a.client, http.MethodGet, groupPath(apiVersion), "", "")
	if err != nil {
		return nil, err
	}
	var list struct{ Resources []kubeResource }
	return list.Resources, errors.Join(json.Unmarshal(answer, &list))
}

func groupPath(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}

func (a *applier) haveNamespace(ctx context.Context, name string) error {
	if a.exist[name] {
		return nil
	}
	_, err := a.cluster.ask(ctx, a.client, http.MethodGet, "/api/v1/namespaces/"+url.PathEscape(name), "", "")
	if refused := (*KubeError)(nil); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		err = a.patch(ctx, "/api/v1/namespaces/"+url.PathEscape(name), fmt.Appendf(nil,
			`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q}}`, name))
	}
	a.exist[name] = err == nil
	return err
}

// established waits until the server lists and serves the objects of a definition, in every version.
func (a *applier) established(ctx context.Context, object *manifestObject) error {
	var definition struct {
		Spec struct {
			Group    string
			Names    struct{ Plural string }
			Versions []struct {
				Name   string
				Served bool
			}
		}
	}
	if err := json.Unmarshal(object.text, &definition); err != nil {
		return err
	}
	plural := definition.Spec.Names.Plural
	for _, version := range definition.Spec.Versions {
		apiVersion := definition.Spec.Group + "/" + version.Name
		delete(a.resources, apiVersion)
		for version.Served {
			list, err := a.discover(ctx, apiVersion)
			if err == nil {
				_, err = a.cluster.ask(ctx, a.client, http.MethodGet, groupPath(apiVersion)+"/"+plural+"?limit=1", "", "")
			}
			if err == nil && slices.ContainsFunc(list, func(r kubeResource) bool { return r.Name == plural }) {
				break
			}
			if !pause(ctx, 50*time.Millisecond) {
				return fmt.Errorf("%s of %s is not served: %w", plural, apiVersion, err)
			}
		}
	}
	return nil
}
