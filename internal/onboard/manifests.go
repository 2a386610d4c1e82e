package onboard

import (
	"bytes"
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
)

// running is what the manifests of a repository run, with what it names.
type running struct {
	workloads []workload
	named     []edges.Named
}

// workload is one of the manifests.
type workload struct {
	*inventory.Workload
	images []string
}

func (w *workload) words() string {
	return strings.ToLower(w.Kind) + " " + oneLine(w.Name(), 80) + " (" + w.Object.Location + ")"
}

// deploying are words in the paths of manifests; files with one of them are read first.
var deploying = regexp.MustCompile(`(?i)(^|[/_.-])(k8s|kubernetes|kube|deploy|deployment|deployments|manifests|kustomize|overlays|base|gitops|argocd|flux|infra|infrastructure|ops|prod|production)([/_.-]|$)`)

// maxManifests is how many YAML files are looked at for manifests.
const maxManifests = 150

// manifests are the files that may hold manifests, the likelier first.
func (t *tree) manifests() []string {
	var files []string
	for _, file := range t.files {
		extension := path.Ext(file)
		if extension != ".yaml" && extension != ".yml" || strings.HasPrefix(file, ".github/") || composeFile.MatchString(path.Base(file)) {
			continue
		}
		files = append(files, file)
	}
	slices.SortStableFunc(files, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return files
}

// readManifests reads what looks like a manifest into an inventory, and asks it as a cluster is asked.
func (d *drafter) readManifests() running {
	files := d.tree.manifests()
	inv := inventory.New("manifests")
	reader := manifests.NewReader()
	known := make(map[inventory.Key]bool)
	for _, file := range files[:min(len(files), maxManifests)] {
		if d.tree.reads <= reserved {
			break // build files are read later and tell more
		}
		data := d.tree.content(file)
		if !bytes.Contains(data, []byte("apiVersion")) {
			continue
		}
		for _, o := range reader.Objects(data, file) {
			if !known[o.Key] { // overlays say it again
				known[o.Key] = true
				inv.Put(o)
			}
		}
	}
	var r running
	for _, namespace := range inv.Namespaces() {
		for w := range inv.Workloads(namespace) {
			one := workload{Workload: w}
			for _, c := range w.Template.Spec.Containers {
				one.images = append(one.images, c.Image)
			}
			r.workloads = append(r.workloads, one)
		}
		r.named = append(r.named, edges.NamedHosts(inv, namespace)...)
	}
	return r
}

// reserved is how many files are left to be read after the manifests.
const reserved = 100

func rank(file string) int {
	if deploying.MatchString(file) {
		return 0
	}
	return 1 + strings.Count(file, "/")
}

// is says whether a workload is a component, by its name or by its image.
func (w *workload) is(c *component) bool {
	if c.called[legal(w.Name())] {
		return true
	}
	for _, image := range w.images {
		if !isPublic(image) && c.called[legal(path.Base(imageName(image)))] {
			return true
		}
	}
	return false
}

// of is the first workload that a component is; nil = none.
func (r *running) of(c *component) *workload {
	for i := range r.workloads {
		if r.workloads[i].is(c) {
			return &r.workloads[i]
		}
	}
	return nil
}

// partOf is the system that the labels of a component's workload suggest.
func (r *running) partOf(c *component) Value {
	w := r.of(c)
	if w == nil {
		return Value{}
	}
	const label = "app.kubernetes.io/part-of"
	name := legal(cmp.Or(w.Labels[label], w.Object.Value.GetLabels()[label]))
	if name == "" || name == c.Name.Text {
		return Value{}
	}
	return Value{Text: name, Reason: "the label " + label + " of " + w.words()}
}

// labelled is the value of the label by which Backstage finds the workloads of an entity; "" = it has none that is legal.
func (w *workload) labelled() string {
	value := cmp.Or(w.Labels[catalog.LabelKubernetesID], w.Object.Value.GetLabels()[catalog.LabelKubernetesID])
	if len(validation.IsValidLabelValue(value)) > 0 {
		return ""
	}
	return value
}
