package spans

import (
	"regexp"
	"strings"
	"sync"
)

// MaxResourceText is the most bytes that are read of a name in a resource; what is longer is cut off.
const MaxResourceText = 256

// ResourceSetter makes a Resource from attributes by name, the same for every format:
//
//	var setter spans.ResourceSetter
//	setter.Begin()
//	setter.Set("service.name", spans.Text(name))
//	resource := resources.Intern(setter.Resource())
type ResourceSetter struct {
	texts [resourceNames][]byte
}

type resourceName uint8

const (
	noResourceName resourceName = iota
	resourceService
	resourceNamespace
	resourceEnvironment
	resourceEnvironmentOld
	resourceCluster
	resourceKubernetesNamespace
	resourceDeployment
	resourceStatefulSet
	resourceDaemonSet
	resourceCronJob
	resourceJob
	resourcePod
	resourceCloudID
	resourceFunctionID
	resourcePlatform
	resourceNames
)

// Begin forgets what was set.
func (s *ResourceSetter) Begin() { s.texts = [resourceNames][]byte{} }

// Set takes in an attribute; those that do not matter are ignored. value is not copied before Resource is called.
func (s *ResourceSetter) Set(key string, value Value) { s.set(nameOfResource(key), value) }

func (s *ResourceSetter) set(name resourceName, value Value) {
	if name == noResourceName || len(s.texts[name]) > 0 {
		return
	}
	text := value.asText()
	s.texts[name] = text[:min(len(text), MaxResourceText)]
}

// Resource is what was set since Begin. It shares no memory with the values.
func (s *ResourceSetter) Resource() Resource {
	resource := Resource{
		Service:             s.text(resourceService),
		Namespace:           s.text(resourceNamespace),
		Environment:         s.first(resourceEnvironment, resourceEnvironmentOld),
		Cluster:             s.text(resourceCluster),
		KubernetesNamespace: s.text(resourceKubernetesNamespace),
	}
	// The controller that stands above the others: a pod of a job of a cron job is the cron job's.
	for _, workload := range [...]struct {
		name resourceName
		kind string
	}{
		{resourceDeployment, "deployment"},
		{resourceStatefulSet, "statefulset"},
		{resourceDaemonSet, "daemonset"},
		{resourceCronJob, "cronjob"},
		{resourceJob, "job"},
		{resourcePod, "pod"},
	} {
		if text := s.texts[workload.name]; len(text) > 0 && (workload.name != resourcePod || !generated.Match(text)) {
			resource.WorkloadKind, resource.Workload = workload.kind, s.text(workload.name)
			break
		}
	}
	if functions(s.texts[resourcePlatform]) {
		resource.Function = s.first(resourceCloudID, resourceFunctionID)
	}
	return resource
}

// generated are names of pods that a controller made, which is not told: with letters of Kubernetes' own alphabet behind it, a
// hash of that alphabet and anything, or a number. Taking each as a workload of its own would be wrong.
var generated = regexp.MustCompile(`-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|[bcdfghjklmnpqrstvwxz2456789]{6,10}-[a-z0-9]{5}|[0-9]{1,5})$`)

// text is what was set, as UTF-8.
func (s *ResourceSetter) text(name resourceName) string {
	return strings.ToValidUTF8(string(s.texts[name]), "\uFFFD")
}

func (s *ResourceSetter) first(names ...resourceName) string {
	for _, name := range names {
		if text := s.text(name); text != "" {
			return text
		}
	}
	return ""
}

// functions says whether cloud.resource_id is that of a function, by cloud.platform: where it is not told, it is taken as one.
func functions(platform []byte) bool {
	switch string(platform) {
	case "", "aws_lambda", "azure_functions", "azure.functions", "gcp_cloud_functions", "gcp_cloud_run", "alibaba_cloud_fc",
		"tencent_cloud_scf":
		return true
	default:
		return false
	}
}

func nameOfResource[K string | []byte](key K) resourceName {
	switch string(key) {
	case "service.name":
		return resourceService
	case "service.namespace":
		return resourceNamespace
	case "deployment.environment.name":
		return resourceEnvironment
	case "deployment.environment":
		return resourceEnvironmentOld
	case "k8s.cluster.name":
		return resourceCluster
	case "k8s.namespace.name":
		return resourceKubernetesNamespace
	case "k8s.deployment.name":
		return resourceDeployment
	case "k8s.statefulset.name":
		return resourceStatefulSet
	case "k8s.daemonset.name":
		return resourceDaemonSet
	case "k8s.cronjob.name":
		return resourceCronJob
	case "k8s.job.name":
		return resourceJob
	case "k8s.pod.name":
		return resourcePod
	case "cloud.resource_id":
		return resourceCloudID
	case "faas.id":
		return resourceFunctionID
	case "cloud.platform":
		return resourcePlatform
	default:
		return noResourceName
	}
}

// Resources holds each Resource once, so that equal ones are one pointer. What it holds is bounded: when it is full it
// forgets all, and hands out new pointers for what it had; those that were handed out stay good. It is safe for use from
// several goroutines.
type Resources struct {
	maxBytes int

	mu    sync.Mutex
	held  map[Resource]*Resource
	bytes int
}

// NewResources makes an empty one that holds about maxBytes at most.
func NewResources(maxBytes int) *Resources {
	return &Resources{maxBytes: maxBytes, held: map[Resource]*Resource{}}
}

// Intern is the one pointer for the resource.
func (r *Resources) Intern(resource Resource) *Resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	if held := r.held[resource]; held != nil {
		return held
	}
	size := resource.Size()
	if r.bytes+size > r.maxBytes {
		clear(r.held)
		r.bytes = 0
	}
	r.bytes += size
	r.held[resource] = &resource
	return &resource
}

// Size is about how many bytes of memory the resource takes.
func (r *Resource) Size() int {
	const itself = 400 // twice the fields, as it stands in a map
	return itself + len(r.Service) + len(r.Namespace) + len(r.Environment) + len(r.Cluster) + len(r.KubernetesNamespace) +
		len(r.Workload) + len(r.Function)
}
