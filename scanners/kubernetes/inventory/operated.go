package inventory

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
)

// Foreign is an object of a kind that is not known here.
type Foreign struct {
	v1.ObjectMeta `json:"metadata"`
	Kind          string
	// Labels are, as key=value, those of the object and whatever in it may be one: what its pods are to have, or what
	// selects them.
	Labels map[string]bool
}

// DecodeController reads the JSON of an object of a kind that is not known here, with the template of its pods where a
// Deployment has it. It is a ReplicaSet in which what follows from its kind is left open.
func DecodeController(data []byte) (*appsv1.ReplicaSet, error) {
	var stated struct {
		v1.ObjectMeta `json:"metadata"`
		Spec          struct {
			Replicas *int32                 `json:"replicas"`
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(data, &stated); err != nil {
		return nil, err
	}
	controller := &appsv1.ReplicaSet{ObjectMeta: stated.ObjectMeta}
	controller.Spec.Replicas, controller.Spec.Template = stated.Spec.Replicas, stated.Spec.Template
	trimTemplate(&controller.Spec.Template)
	trimMeta(controller)
	return controller, nil
}

// MayMake finds an object of a namespace for which an operator may make pods that have all of these labels; nil = there is
// none. It has one of them itself, or its name is in one: nobody but the operator knows more.
func (i *Inventory) MayMake(namespace string, labels map[string]string) *Foreign {
	for o := range i.List(Operated, namespace) {
		foreign, ok := o.Value.(*Foreign)
		if !ok {
			continue
		}
		for key, value := range labels {
			switch key {
			case "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "app.kubernetes.io/version":
				continue // what has nothing to do with each other may share them
			}
			if foreign.Labels[key+"="+value] || value == foreign.Name || strings.HasPrefix(value, foreign.Name+"-") {
				return foreign
			}
		}
	}
	return nil
}
