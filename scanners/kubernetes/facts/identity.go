package facts

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// The names under which a workload reports to telemetry.
const (
	datadogService      = "tags.datadoghq.com/service"
	resourceAnnotations = "resource.opentelemetry.io/"
	serviceName         = "service.name"
	serviceNamespace    = "service.namespace"
)

// identity is what tells whose a workload is: its labels, and the names under which its telemetry comes, which are its
// aliases. Those names are also hints, behind the id for Backstage: what reports as a service that is described is that
// service. Else its telemetry would go from there to the workload.
func (d *Deriver) identity(w *inventory.Workload, left *cuts) catalog.Claim {
	claim := catalog.Claim{Labels: labelsOf(w, left)}
	names := []string{claim.Labels[catalog.LabelKubernetesID]}
	for _, service := range telemetry(w) {
		name := service.name
		if service.namespace != "" {
			name = service.namespace + "/" + name
		}
		alias, err := catalog.ParseAlias(catalog.WorldOTel + ":" + name)
		if err != nil || slices.ContainsFunc(claim.Aliases, func(a catalog.AliasClaim) bool { return a.Alias == alias }) {
			continue
		}
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias, Line: service.line})
		names = append(names, service.name)
	}
	names = append(names, claim.Labels[datadogService])
	if len(claim.Aliases) == 0 && names[len(names)-1] == "" {
		return claim // labels are looked at anyway
	}
	for _, name := range names {
		if name != "" && len(name) <= maxName {
			claim.Hints = append(claim.Hints, catalog.Hint{Name: name, Namespace: w.Object.Namespace}, catalog.Hint{Name: name})
		}
	}
	return claim
}

// labelsOf are the labels of a workload as far as they can be ones: what is longer than Kubernetes allows is left out,
// since a part of it would be another label.
func labelsOf(w *inventory.Workload, left *cuts) map[string]string {
	keys := sortedKeys(w.Labels)
	slices.SortStableFunc(keys, func(a, b string) int { return compareBools(identifies(b), identifies(a)) })
	labels := make(map[string]string, min(len(keys), maxLabels))
	tooLong := 0
	for _, key := range keep(left, keys, maxLabels, "labels") {
		if value := w.Labels[key]; len(key) > maxLabel || len(value) > maxName {
			tooLong++
		} else {
			labels[key] = value
		}
	}
	if tooLong > 0 {
		*left = append(*left, "labels that are too long")
	}
	return labels
}

// identifies says whether a label is one that names what has it.
func identifies(label string) bool {
	return label == catalog.LabelKubernetesID || label == datadogService || strings.HasPrefix(label, "app.kubernetes.io/")
}

// reported is the name of a service in telemetry.
type reported struct {
	name, namespace string
	line            int32
}

// telemetry are the names under which a workload's long-running containers report, as far as they are written: by the
// variables that the SDKs of OpenTelemetry read, else by the annotations that its operator reads.
func telemetry(w *inventory.Workload) []reported {
	var services []reported
	marks := w.Template.Annotations
	annotated := reported{
		name: marks[resourceAnnotations+serviceName], namespace: marks[resourceAnnotations+serviceNamespace],
		line: w.Object.Line(strings.TrimPrefix(w.TemplatePath+".metadata.annotations", ".")),
	}
	spec := &w.Template.Spec
	for i := range spec.Containers[:min(len(spec.Containers), maxContainers/2)] {
		service := reportedBy(w, &spec.Containers[i])
		if service.name != "" {
			service.line = w.Object.Line(fieldOf(w, "containers["+strconv.Itoa(i)+"].env"))
			services = append(services, service)
		}
	}
	if len(services) == 0 && annotated.name != "" {
		services = append(services, annotated)
	}
	return services
}

// reportedBy reads the variables of one container.
func reportedBy(w *inventory.Workload, c *corev1.Container) reported {
	var service reported
	named := ""
	for i := range c.Env {
		switch variable := &c.Env[i]; variable.Name {
		case "OTEL_SERVICE_NAME":
			if named = literal(w, variable); strings.Contains(named, "$(") {
				named = ""
			}
		case "OTEL_RESOURCE_ATTRIBUTES":
			attributes := attributesOf(literal(w, variable))
			service.name, service.namespace = attributes[serviceName], attributes[serviceNamespace]
		}
	}
	if named != "" { // it wins, as it does in the SDKs
		service.name = named
	}
	return service
}

// literal is the value of a variable that follows from the manifest alone: a written one, or a label or annotation of the
// pod; "" = unknown.
func literal(w *inventory.Workload, variable *corev1.EnvVar) string {
	value := variable.Value
	if from := variable.ValueFrom; from != nil {
		if from.FieldRef == nil {
			return ""
		}
		path := from.FieldRef.FieldPath
		for prefix, values := range map[string]map[string]string{
			"metadata.labels['": w.Template.Labels, "metadata.annotations['": w.Template.Annotations,
		} {
			if key, ok := strings.CutPrefix(path, prefix); ok {
				value = values[strings.TrimSuffix(key, "']")]
			}
		}
	}
	return strings.TrimSpace(value)
}

// attributesOf reads a list of key=value in which values are escaped as in URLs. What refers to variables is passed over.
func attributesOf(list string) map[string]string {
	attributes := make(map[string]string)
	for pair := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(pair, "=")
		if strings.Contains(value, "$(") {
			continue
		}
		if value, err := url.PathUnescape(strings.TrimSpace(value)); err == nil {
			attributes[strings.TrimSpace(key)] = value
		}
	}
	return attributes
}
