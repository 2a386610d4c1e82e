package edges

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// policies are the NetworkPolicies of a namespace by the workloads whose traffic they rule, for each direction.
type policies struct {
	ingress, egress map[catalog.Alias][]*inventory.Object
}

// support is a policy that lets edges of one workload pass, by the labels of their ends.
type support struct {
	policy *inventory.Object
	needs  []*need
}

// confront says which policies let the edges of a workload pass, and which stop them. Where no policy rules a direction, all
// may pass; where some do, one of them must let the edge pass.
func (in *inference) confront(w *inventory.Workload, needs []*need) (supports []support, problems []catalog.Problem) {
	let := make(map[inventory.Key]*support)
	for _, n := range needs {
		if n.workload == nil {
			continue
		}
		out := in.pass(in.policiesOf(w).egress[w.Alias], n, egress, n.workload)
		into := in.pass(in.policiesOf(n.workload).ingress[n.target], n, ingress, w)
		for _, policy := range slices.Concat(out.by, into.by) {
			if let[policy.Key] == nil {
				let[policy.Key] = &support{policy: policy}
			}
			let[policy.Key].needs = append(let[policy.Key].needs, n)
		}
		for _, stopped := range []passage{out, into} {
			if stopped.ruled != nil && !stopped.passes {
				problems = append(problems, catalog.Problem{
					Location: w.Object.Location, Line: n.line, Field: n.field, Severity: catalog.Warning, Code: "network-policy-contradicts", Ref: w.Ref,
					Message: fmt.Sprintf("the configuration suggests that %s is needed, but NetworkPolicy %s/%s does not let the traffic pass",
						n.workload.Object.Namespace+"/"+n.workload.Name(), stopped.ruled.Namespace, stopped.ruled.Name),
					Fix: "let the traffic pass in a NetworkPolicy, or take the setting out",
				})
				break
			}
		}
	}
	for _, s := range let {
		supports = append(supports, *s)
	}
	slices.SortFunc(supports, func(a, b support) int {
		return slices.Compare([]string{a.policy.Namespace, a.policy.Name}, []string{b.policy.Namespace, b.policy.Name})
	})
	return supports, problems
}

// passage says what policies make of an edge in one direction.
type passage struct {
	ruled  *inventory.Object // the first policy that rules the direction; nil = none does
	passes bool
	by     []*inventory.Object // policies that let it pass by the labels of the other end
}

// rule is one of a policy, of either direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func (in *inference) pass(ruling []*inventory.Object, n *need, rules func(*inventory.Object) []rule, peer *inventory.Workload) passage {
	var p passage
	for _, policy := range ruling {
		if p.ruled == nil {
			p.ruled = policy
		}
		named := false
		for _, r := range rules(policy) {
			if !onPort(r.ports, n) {
				continue
			}
			if len(r.peers) == 0 {
				p.passes = true
			}
			for _, allowed := range r.peers {
				if in.isPeer(policy, &allowed, peer) {
					p.passes = true
					named = named || allowed.PodSelector != nil && !empty(allowed.PodSelector)
				}
			}
		}
		if named {
			p.by = append(p.by, policy)
		}
	}
	return p
}

func empty(s *metav1.LabelSelector) bool {
	return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

// isPeer says whether a workload is one that a rule names. Of ranges of addresses only the one of all says so.
func (in *inference) isPeer(policy *inventory.Object, peer *networkingv1.NetworkPolicyPeer, w *inventory.Workload) bool {
	if peer.IPBlock != nil {
		return peer.IPBlock.CIDR == "0.0.0.0/0" || peer.IPBlock.CIDR == "::/0"
	}
	if peer.NamespaceSelector == nil {
		if w.Object.Namespace != policy.Namespace {
			return false
		}
	} else if !in.namespaceMatches(peer.NamespaceSelector, w.Object.Namespace) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, w.Template.Labels)
}

func (in *inference) namespaceMatches(selector *metav1.LabelSelector, namespace string) bool {
	with := map[string]string{corev1.LabelMetadataName: namespace}
	if o := in.inv.Get(inventory.Namespaces, "", namespace); o != nil {
		for key, value := range o.Value.GetLabels() {
			with[key] = value
		}
	}
	return matches(selector, with)
}

func matches(selector *metav1.LabelSelector, with map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(with))
}

// onPort says whether a rule is for the port of an edge. Rules name ports of pods, edges those of Services, so that it is
// told from the containers' ports, too; where the edge has no port, any rule may be for it.
func onPort(ports []networkingv1.NetworkPolicyPort, n *need) bool {
	if len(ports) == 0 || n.port == 0 {
		return true
	}
	declared := make(map[int32]string)
	for _, c := range n.workload.Template.Spec.Containers {
		for _, port := range c.Ports {
			declared[port.ContainerPort] = port.Name
		}
	}
	if _, known := declared[n.port]; !known {
		return true // the Service leads to another port of the pod
	}
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return declared[n.port] == p.Port.StrVal
		case p.EndPort != nil:
			return n.port >= p.Port.IntVal && n.port <= *p.EndPort
		}
		return p.Port.IntVal == n.port
	})
}

func ingress(policy *inventory.Object) []rule {
	value, ok := policy.Value.(*networkingv1.NetworkPolicy)
	if !ok {
		return nil
	}
	rules := make([]rule, 0, len(value.Spec.Ingress))
	for _, r := range value.Spec.Ingress {
		rules = append(rules, rule{r.From, r.Ports})
	}
	return rules
}

func egress(policy *inventory.Object) []rule {
	value, ok := policy.Value.(*networkingv1.NetworkPolicy)
	if !ok {
		return nil
	}
	rules := make([]rule, 0, len(value.Spec.Egress))
	for _, r := range value.Spec.Egress {
		rules = append(rules, rule{r.To, r.Ports})
	}
	return rules
}

// policiesOf finds the policies of a workload's namespace.
func (in *inference) policiesOf(w *inventory.Workload) *policies {
	namespace := w.Object.Namespace
	if namespace != in.namespace {
		in.rests[namespace] = true
	}
	if p := in.policies[namespace]; p != nil {
		return p
	}
	p := &policies{ingress: make(map[catalog.Alias][]*inventory.Object), egress: make(map[catalog.Alias][]*inventory.Object)}
	in.policies[namespace] = p
	for o := range in.inv.List(inventory.NetworkPolicies, namespace) {
		value, ok := o.Value.(*networkingv1.NetworkPolicy)
		if !ok {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(&value.Spec.PodSelector)
		if err != nil {
			continue
		}
		into, out := directions(value)
		for _, w := range in.inv.Selected(namespace, selector) {
			if into {
				p.ingress[w.Alias] = append(p.ingress[w.Alias], o)
			}
			if out {
				p.egress[w.Alias] = append(p.egress[w.Alias], o)
			}
		}
	}
	return p
}

// directions are those that a policy rules. Where it does not say, it is ingress, and egress if it has rules for that.
func directions(policy *networkingv1.NetworkPolicy) (ingress, egress bool) {
	if len(policy.Spec.PolicyTypes) == 0 {
		return true, len(policy.Spec.Egress) > 0
	}
	return slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress),
		slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
}
