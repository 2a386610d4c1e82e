package inventory

import (
	"cmp"
	"iter"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
)

// Workload is a controller, or a pod without one, whatever its kind. Nobody changes it; another takes its place when its
// objects change.
//
// There are two sorts of controllers that [catalog.WorkloadKinds] has no word for. A ReplicaSet or ReplicationController
// that nobody controls is told as a deployment of its name, since it is one in all but updates. What belongs to a
// controller of a kind that is not read (a Rollout of Argo, a DeploymentConfig, a StrimziPodSet, a Workflow) is told under
// the name of that controller, which stays when its ReplicaSets, Jobs and Pods come and go: as a deployment, or as a job
// where its pods end; the controller itself likewise, where a manifest states it with the template of its pods. Where a
// Deployment or Job of that very name is there, too, all of it is one workload.
type Workload struct {
	// Object is the controller or pod itself; of a controller that the inventory does not hold the newest of its objects
	// that has replicas.
	Object *Object
	Kind   string // one of [catalog.WorkloadKinds]
	Alias  catalog.Alias
	Ref    catalog.Ref // [catalog.DiscoveredRef] of Alias
	// Labels are those of the controller and of its pods' template, of which the latter win; without those that Kubernetes
	// itself gives to pods.
	Labels   map[string]string
	Template *corev1.PodTemplateSpec // never nil
	// TemplatePath is the path of Template in Object, for [Object.Line]: "spec.template", for a pod "".
	TemplatePath string
	Wanted       *int32 // replicas; nil = no fixed number (a DaemonSet, a job)
	Ready        *int32 // nil = unknown: no controller has looked at it yet, or it stands in a file

	name string
}

// Name is that of the workload: the last part of Alias.
func (w *Workload) Name() string { return w.name }

// work is a workload with what it is made of: one object, mostly.
type work struct {
	kind, name string
	members    map[Key]*member
	built      *Workload // nil = one of its members changed since
}

// member is an object that makes a workload, alone or with others.
type member struct {
	object *Object
	labels map[string]string // of its pods
	work   *work
}

func workKey(kind, name string) string { return kind + "/" + name }

// workloadOf names the workload that an object makes, which follows from the object alone.
func workloadOf(o *Object) (key string, ok bool) {
	ref := controller(o)
	foreign := false
	if ref != nil {
		_, native := known(o.Kind, ref)
		foreign = !native
	}
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		return workKey("deployment", o.Name), true
	case *appsv1.StatefulSet:
		return workKey("statefulset", o.Name), true
	case *appsv1.DaemonSet:
		return workKey("daemonset", o.Name), true
	case *batchv1.CronJob:
		return workKey("cronjob", o.Name), true
	case *appsv1.ReplicaSet:
		kind := "deployment"
		if o.Kind == Controllers && !restarts(&value.Spec.Template.Spec) {
			kind = "job"
		}
		if foreign {
			return workKey(kind, ref.Name), true
		}
		return workKey(kind, o.Name), ref == nil
	case *batchv1.Job:
		if foreign {
			return workKey("job", ref.Name), true
		}
		return workKey("job", o.Name), ref == nil
	case *corev1.Pod:
		switch {
		case foreign && restarts(&value.Spec):
			return workKey("deployment", ref.Name), true
		case foreign:
			return workKey("job", ref.Name), true
		}
		return workKey("pod", o.Name), ref == nil
	}
	return "", false
}

// join makes an object a member of a workload.
func (s *space) join(key string, o *Object) {
	w, found := s.works.Get(key)
	if !found {
		kind, name, _ := strings.Cut(key, "/")
		w = &work{kind: kind, name: name, members: make(map[Key]*member)}
		s.works.Set(key, w)
	}
	template, _ := templateOf(o)
	m := &member{object: o, labels: template.Labels, work: w}
	w.members[o.Key], w.built = m, nil
	s.members[o.Key] = m
	for k, v := range m.labels {
		add(s.labels, label{k, v}, o.Key, m)
	}
}

// leave ends the membership of an object, if it has one.
func (s *space) leave(o *Object) {
	m := s.members[o.Key]
	if m == nil {
		return
	}
	delete(s.members, o.Key)
	for k, v := range m.labels {
		remove(s.labels, label{k, v}, o.Key)
	}
	delete(m.work.members, o.Key)
	m.work.built = nil
	if len(m.work.members) == 0 {
		s.works.Delete(workKey(m.work.kind, m.work.name))
	}
}

// membersOf are the objects that make a workload.
func (s *space) membersOf(key string) []*Object {
	w, found := s.works.Get(key)
	if !found {
		return nil
	}
	objects := make([]*Object, 0, len(w.members))
	for _, m := range w.members {
		objects = append(objects, m.object)
	}
	return objects
}

// Workloads gives the workloads of a namespace, by kind, then name. A ReplicaSet, Job or Pod that belongs to another is none.
func (i *Inventory) Workloads(namespace string) iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		if s := i.spaces[namespace]; s != nil {
			s.works.Scan(func(_ string, w *work) bool { return yield(i.build(w)) })
		}
	}
}

// Workload finds one by its kind and name; nil = there is none.
func (i *Inventory) Workload(namespace, kind, name string) *Workload {
	return i.workload(namespace, workKey(kind, name))
}

func (i *Inventory) workload(namespace, key string) *Workload {
	s := i.spaces[namespace]
	if s == nil {
		return nil
	}
	w, found := s.works.Get(key)
	if !found {
		return nil
	}
	return i.build(w)
}

// build makes the Workload, unless it has been made.
func (i *Inventory) build(w *work) *Workload {
	if w.built != nil {
		return w.built
	}
	o := w.leading()
	template, path := templateOf(o)
	alias, err := catalog.ParseAlias("k8s:" + strings.Join([]string{i.cluster, o.Namespace, w.kind, w.name}, "/"))
	if err != nil { // no API server takes such a name
		alias = catalog.Alias("k8s:" + strings.Join([]string{i.cluster, o.Namespace, w.kind, w.name}, "/"))
	}
	w.built = &Workload{
		Object: o, Kind: w.kind, Alias: alias, Ref: catalog.DiscoveredRef(alias),
		Labels: labelsOf(o, template), Template: template, TemplatePath: path, name: w.name,
	}
	for _, m := range w.members {
		if m.object.Kind != o.Kind {
			continue
		}
		wanted, ready := replicas(m.object)
		w.built.Wanted = plus(w.built.Wanted, wanted)
		w.built.Ready = plus(w.built.Ready, ready)
	}
	return w.built
}

// leading is the member that tells what its workload is.
func (w *work) leading() *Object {
	var best *Object
	for _, m := range w.members {
		if best == nil || leads(m.object, best) {
			best = m.object
		}
	}
	return best
}

// leads says whether one member says more of a workload than another: what has replicas more than what has none, then a
// controller more than what is controlled, then the newer.
func leads(a, b *Object) bool {
	rank := func(o *Object) int {
		wanted, _ := replicas(o)
		rank := 0
		if o.Kind != Pods && (wanted == nil || *wanted > 0) {
			rank += 2
		}
		if o.Kind != Pods && o.Kind != ReplicaSets && o.Kind != ReplicationControllers && (o.Kind != Jobs || controller(o) == nil) {
			rank++
		}
		return rank
	}
	listed := func(o *Object) int { // what is known of a kind is known better
		if o.Kind.Listed() {
			return 1
		}
		return 0
	}
	created := func(o *Object) int64 { return o.Value.GetCreationTimestamp().Unix() }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(created(a), created(b)), cmp.Compare(b.Name, a.Name),
		listed(a)-listed(b), cmp.Compare(b.Kind, a.Kind)) > 0
}

// plus adds what is known.
func plus(a, b *int32) *int32 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	sum := *a + *b
	return &sum
}

// templateOf is the template of the pods that an object makes, with its path.
func templateOf(o *Object) (template *corev1.PodTemplateSpec, path string) {
	const nested = "spec.template"
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		return &value.Spec.Template, nested
	case *appsv1.StatefulSet:
		return &value.Spec.Template, nested
	case *appsv1.DaemonSet:
		return &value.Spec.Template, nested
	case *appsv1.ReplicaSet:
		return &value.Spec.Template, nested
	case *batchv1.Job:
		return &value.Spec.Template, nested
	case *batchv1.CronJob:
		return &value.Spec.JobTemplate.Spec.Template, "spec.jobTemplate.spec.template"
	case *corev1.Pod:
		return &corev1.PodTemplateSpec{ObjectMeta: value.ObjectMeta, Spec: value.Spec}, ""
	}
	return &corev1.PodTemplateSpec{}, ""
}

// replicas are how many pods an object wants, and how many it has that are ready. Where a status says that no controller
// has looked at the object, it says nothing.
func replicas(o *Object) (wanted, ready *int32) {
	one := int32(1)
	seen := func(generation int64, ready int32) *int32 {
		if generation == 0 {
			return nil
		}
		return &ready
	}
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		return cmp.Or(value.Spec.Replicas, &one), seen(value.Status.ObservedGeneration, value.Status.ReadyReplicas)
	case *appsv1.StatefulSet:
		return cmp.Or(value.Spec.Replicas, &one), seen(value.Status.ObservedGeneration, value.Status.ReadyReplicas)
	case *appsv1.ReplicaSet:
		if o.Kind == Controllers { // who knows how many there are where it does not say
			return value.Spec.Replicas, nil
		}
		return cmp.Or(value.Spec.Replicas, &one), seen(value.Status.ObservedGeneration, value.Status.ReadyReplicas)
	case *appsv1.DaemonSet:
		return nil, seen(value.Status.ObservedGeneration, value.Status.NumberReady)
	case *corev1.Pod:
		if !restarts(&value.Spec) {
			return nil, nil
		}
		for _, condition := range value.Status.Conditions {
			if condition.Type == corev1.PodReady {
				ready := int32(0)
				if condition.Status == corev1.ConditionTrue {
					ready = 1
				}
				return &one, &ready
			}
		}
		return &one, nil
	}
	return nil, nil
}

// labelsOf unites the labels of a controller and of its pods.
func labelsOf(o *Object, template *corev1.PodTemplateSpec) map[string]string {
	labels := make(map[string]string, len(template.Labels)+len(o.Value.GetLabels()))
	maps.Copy(labels, o.Value.GetLabels())
	maps.Copy(labels, template.Labels)
	maps.DeleteFunc(labels, func(key, _ string) bool { return generated(key) })
	return labels
}

// generated says whether a label is one that controllers give to pods and to what stands between. They change by themselves.
func generated(key string) bool {
	switch key {
	case "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash", "pod-template-generation", podNameLabel,
		"apps.kubernetes.io/pod-index", "controller-uid", "job-name", "batch.kubernetes.io/controller-uid",
		"batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index":
		return true
	}
	return false
}
