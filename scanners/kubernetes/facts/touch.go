package facts

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// known is what a Deriver remembers of an object from its last Derive.
type known struct {
	object   *inventory.Object
	owner    workloadKey // the workload that it is or belongs to, or that an autoscaler scales
	selector selectorKey
	answers  []string // the addresses of a Service
}

// selectorKey is what a controller selects.
type selectorKey struct{ namespace, selector string }

// touch marks what has to be derived anew because of one object.
func (d *Deriver) touch(key inventory.Key) {
	now := d.inv.Get(key.Kind, key.Namespace, key.Name)
	switch key.Kind {
	case inventory.Deployments, inventory.StatefulSets, inventory.DaemonSets, inventory.ReplicaSets, inventory.CronJobs,
		inventory.Jobs, inventory.Pods, inventory.ReplicationControllers, inventory.Controllers:
		d.touchRunning(key, now)
	case inventory.Services:
		d.touchService(key, now)
	case inventory.EndpointSlices:
		d.touchSlice(key, now)
	case inventory.Ingresses:
		d.touchRoute("ingress", key)
		d.edges[key.Namespace] = true // who is called by its own public name is not called from elsewhere
	case inventory.HTTPRoutes:
		d.touchRoute("httproute", key)
	case inventory.GRPCRoutes:
		d.touchRoute("grpcroute", key)
	case inventory.VirtualServices:
		d.touchRoute("virtualservice", key)
		d.touchMesh()
	case inventory.Gateways: // routes have their hosts where they have none
		d.touchRoutes("httproute", inventory.HTTPRoutes)
		d.touchRoutes("grpcroute", inventory.GRPCRoutes)
	case inventory.ServiceEntries: // they add hosts to the mesh
		d.touchRoutes("virtualservice", inventory.VirtualServices)
		d.touchMesh()
	case inventory.DestinationRules:
		d.touchMesh()
	case inventory.IstioGateways:
		if d.gateways[key] = now; now == nil {
			delete(d.gateways, key)
		}
		d.touchMesh()
	case inventory.HorizontalPodAutoscalers:
		d.touchAutoscaler(key, now)
	case inventory.PodDisruptionBudgets:
		d.dirty[scope{part: budgetsPart, namespace: key.Namespace, name: key.Name}] = true
	case inventory.Nodes:
		d.dirty[scope{part: nodesPart, name: key.Name}] = true
		for w := range d.onNode.on[key.Name] {
			d.dirty[w.scope(workloadsPart)] = true // it counts zones
		}
	case inventory.Operated: // Services may select the pods that it stands for
		for o := range d.inv.List(inventory.Services, key.Namespace) {
			d.dirty[scope{part: servicesPart, namespace: key.Namespace, name: o.Name}] = true
		}
	case inventory.ConfigMaps, inventory.NetworkPolicies:
		d.touchEdges(key.Namespace)
	case inventory.Namespaces: // policies select by their labels
		d.touchEdges(key.Name)
	}
}

func (d *Deriver) touchRoute(kind string, key inventory.Key) {
	d.dirty[scope{routesPart, kind, key.Namespace, key.Name}] = true
}

func (d *Deriver) touchRoutes(kind string, of inventory.Kind) {
	for _, namespace := range d.inv.Namespaces() {
		for o := range d.inv.List(of, namespace) {
			d.touchRoute(kind, o.Key)
		}
	}
}

// touchEdges marks the edges of a namespace and those that rest on it.
func (d *Deriver) touchEdges(namespace string) {
	d.edges[namespace] = true
	for other := range d.peers.on[namespace] {
		d.edges[other] = true
	}
}

// touchMesh marks the edges of all namespaces: for what may count anywhere and changes seldom, such as what configures a
// mesh.
func (d *Deriver) touchMesh() {
	for _, namespace := range d.inv.Namespaces() {
		d.edges[namespace] = true
	}
}

// touchTargets marks what names Services of a namespace: where these lead changed.
func (d *Deriver) touchTargets(namespace string) {
	for route := range d.resting.on[namespace] {
		d.dirty[route] = true
	}
	d.touchEdges(namespace)
}

// touchJoins marks all that is joined to the workloads of a namespace by selectors, names and ports.
func (d *Deriver) touchJoins(namespace string) {
	for of, kind := range map[part]inventory.Kind{
		servicesPart: inventory.Services, autoscalersPart: inventory.HorizontalPodAutoscalers,
		budgetsPart: inventory.PodDisruptionBudgets,
	} {
		for o := range d.inv.List(kind, namespace) {
			d.dirty[scope{part: of, namespace: namespace, name: o.Name}] = true
		}
	}
	d.touchTargets(namespace)
}

// touchRunning marks what follows from an object that is a workload or belongs to one.
func (d *Deriver) touchRunning(key inventory.Key, now *inventory.Object) {
	was := d.known[key]
	is := known{object: now}
	if now != nil {
		is.owner = keyOf(d.inv.Owner(now))
		is.selector = selectorOf(now)
	}
	touched := []workloadKey{was.owner, is.owner, controllerOf(was.object), controllerOf(now)}
	if key.Kind == inventory.ReplicaSets { // while it was not there, its pods were taken for those of a Deployment by its name
		for i, r := range key.Name {
			if r == '-' {
				touched = append(touched, workloadKey{key.Namespace, "deployment", key.Name[:i]})
			}
		}
	}
	for _, w := range touched {
		if w.name != "" {
			d.dirty[w.scope(workloadsPart)] = true
			d.dirty[w.scope(placementPart)] = true
		}
	}
	if makesWorkload(was.object) || makesWorkload(now) {
		if !sameToOthers(was.object, now) {
			d.touchJoins(key.Namespace)
			d.touchEntrance(was.object, now)
		}
	} else if (was.object == nil) != (now == nil) || was.owner != is.owner {
		if named := d.named[key.Namespace]; len(named) > 0 {
			for service := range named {
				d.dirty[service] = true
			}
			d.touchTargets(key.Namespace)
		}
	}
	if was.selector != is.selector || was.owner != is.owner {
		d.touchEquals(was.selector)
		take(d.selectors, was.selector, was.owner)
		if is.selector.selector != "" {
			put(d.selectors, is.selector, is.owner)
		}
		d.touchEquals(is.selector)
	}
	if d.known[key] = is; now == nil {
		delete(d.known, key)
	}
}

// touchEntrance marks the edges of all namespaces where a Gateway of Istio selects the workload, in whatever namespace: the
// VirtualServices that name the Gateway lead from there.
func (d *Deriver) touchEntrance(objects ...*inventory.Object) {
	for _, o := range objects {
		if o == nil {
			continue
		}
		shape := shapeOf(o)
		for _, gateway := range d.gateways {
			value, ok := gateway.Value.(*inventory.IstioGateway)
			if ok && labels.SelectorFromSet(value.Spec.Selector).Matches(labels.Set(shape.labels[1])) {
				d.touchMesh()
				return
			}
		}
	}
}

// touchEquals marks the workloads that have the same selector.
func (d *Deriver) touchEquals(selector selectorKey) {
	for w := range d.selectors[selector] {
		d.dirty[w.scope(workloadsPart)] = true
	}
}

func makesWorkload(o *inventory.Object) bool { return o != nil && inventory.MakesWorkload(o) }

// controllerOf names the workload that controls an object, whether it is there or not.
func controllerOf(o *inventory.Object) workloadKey {
	if o == nil {
		return workloadKey{}
	}
	ref := v1.GetControllerOfNoCopy(o.Value)
	if ref == nil || !slices.Contains(catalog.WorkloadKinds(), strings.ToLower(ref.Kind)) {
		return workloadKey{}
	}
	return workloadKey{o.Namespace, strings.ToLower(ref.Kind), ref.Name}
}

// selectorOf is what a controller selects; the zero value where it selects nothing by itself.
func selectorOf(o *inventory.Object) selectorKey {
	var selector *v1.LabelSelector
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		selector = value.Spec.Selector
	case *appsv1.StatefulSet:
		selector = value.Spec.Selector
	case *appsv1.DaemonSet:
		selector = value.Spec.Selector
	}
	parsed, err := v1.LabelSelectorAsSelector(selector)
	if selector == nil || err != nil || parsed.Empty() {
		return selectorKey{}
	}
	return selectorKey{o.Namespace, parsed.String()}
}

// sameToOthers says whether an object that makes a workload looks the same to all that is joined to it. How many of its
// replicas are ready, for one, makes no difference.
func sameToOthers(a, b *inventory.Object) bool {
	if a == nil || b == nil || a.Lines != nil || b.Lines != nil || a.Location != b.Location {
		return false
	}
	before, after := shapeOf(a), shapeOf(b)
	return before.idle == after.idle && before.pods == after.pods && equality.Semantic.DeepEqual(before.spec, after.spec) &&
		equality.Semantic.DeepEqual(before.labels, after.labels) && equality.Semantic.DeepEqual(before.marks, after.marks)
}

// shape is what others see of an object that makes a workload.
type shape struct {
	spec   *corev1.PodSpec
	labels [2]map[string]string // its own and those of its template
	marks  [2]map[string]string // annotations, likewise
	idle   bool                 // it wants no replicas
	pods   [2]int32             // the first number in the names of its pods, and how many there are; of a StatefulSet
}

func shapeOf(o *inventory.Object) shape {
	made := func(template *corev1.PodTemplateSpec, replicas *int32) shape {
		return shape{
			spec: &template.Spec, idle: replicas != nil && *replicas == 0,
			labels: [2]map[string]string{o.Value.GetLabels(), template.Labels},
			marks:  [2]map[string]string{o.Value.GetAnnotations(), template.Annotations},
		}
	}
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		return made(&value.Spec.Template, value.Spec.Replicas)
	case *appsv1.StatefulSet:
		shape := made(&value.Spec.Template, value.Spec.Replicas)
		shape.pods[1] = 1
		if value.Spec.Replicas != nil {
			shape.pods[1] = *value.Spec.Replicas
		}
		if value.Spec.Ordinals != nil {
			shape.pods[0] = value.Spec.Ordinals.Start
		}
		return shape // a Service may select one pod by its name
	case *appsv1.DaemonSet:
		return made(&value.Spec.Template, nil)
	case *appsv1.ReplicaSet:
		return made(&value.Spec.Template, value.Spec.Replicas)
	case *batchv1.Job:
		return made(&value.Spec.Template, nil)
	case *batchv1.CronJob:
		return made(&value.Spec.JobTemplate.Spec.Template, nil)
	case *corev1.Pod:
		return made(&corev1.PodTemplateSpec{ObjectMeta: value.ObjectMeta, Spec: value.Spec}, nil)
	}
	return shape{}
}

// touchService marks a Service, and what leads to it. Its addresses may be named anywhere.
func (d *Deriver) touchService(key inventory.Key, now *inventory.Object) {
	d.dirty[scope{part: servicesPart, namespace: key.Namespace, name: key.Name}] = true
	d.touchTargets(key.Namespace)
	is := known{object: now, answers: addresses(now)}
	if !slices.Equal(d.known[key].answers, is.answers) {
		d.touchMesh()
	}
	if d.known[key] = is; now == nil {
		delete(d.known, key)
	}
}

// addresses are those that a Service has in the cluster and before it.
func addresses(o *inventory.Object) (all []string) {
	if o == nil {
		return nil
	}
	service, ok := o.Value.(*corev1.Service)
	if !ok {
		return nil
	}
	if address := service.Spec.ClusterIP; address != "" && address != corev1.ClusterIPNone {
		all = append(all, address)
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		all = append(all, ingress.IP, ingress.Hostname)
	}
	return all
}

// touchSlice marks the Services that an EndpointSlice belongs and belonged to.
func (d *Deriver) touchSlice(key inventory.Key, now *inventory.Object) {
	for _, slice := range []*inventory.Object{d.known[key].object, now} {
		if slice == nil {
			continue
		}
		name := slice.Value.GetLabels()[discoveryv1.LabelServiceName]
		if name == "" {
			continue
		}
		d.dirty[scope{part: servicesPart, namespace: key.Namespace, name: name}] = true
		service := d.inv.Get(inventory.Services, key.Namespace, name)
		if service == nil {
			continue
		}
		if value, ok := service.Value.(*corev1.Service); ok && len(value.Spec.Selector) == 0 {
			d.touchTargets(key.Namespace)
		}
	}
	if d.known[key] = (known{object: now}); now == nil {
		delete(d.known, key)
	}
}

// touchAutoscaler marks an autoscaler and the workloads that it scales and scaled: it decides how many replicas they want.
func (d *Deriver) touchAutoscaler(key inventory.Key, now *inventory.Object) {
	d.dirty[scope{part: autoscalersPart, namespace: key.Namespace, name: key.Name}] = true
	was, is := d.known[key], known{object: now}
	take(d.scalers, was.owner, key)
	if now != nil {
		is.owner = targetOf(now)
		put(d.scalers, is.owner, key)
	}
	for _, w := range []workloadKey{was.owner, is.owner} {
		if w.name != "" {
			d.dirty[w.scope(workloadsPart)] = true
		}
	}
	if d.known[key] = is; now == nil {
		delete(d.known, key)
	}
}
