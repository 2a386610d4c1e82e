package graph

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// factTexts are the facts that the history tells, by field. Numbers of replicas and endpoints, where they run, and whether
// a node is ready, are not among them.
func factTexts(f *catalog.Facts) map[string]string {
	texts := map[string]string{}
	if f == nil {
		return texts
	}
	set := func(field, text string) {
		if text != "" {
			texts[field] = text
		}
	}
	if w := f.Workload; w != nil {
		set("version", w.Version)
		if w.Recreate {
			set("update", "all replicas stop before new ones start")
		}
		if w.HostNetwork {
			set("hostNetwork", "true")
		}
		if w.GracePeriod != 0 {
			set("gracePeriod", seconds(int32(w.GracePeriod)))
		}
		set("spread", joined(w.Spread, spreadText))
		for i := range w.Containers {
			containerTexts(&w.Containers[i], set)
		}
	}
	for i := range f.Services {
		s := &f.Services[i]
		set("services."+s.Namespace+"/"+s.Name, serviceText(s))
	}
	for _, r := range f.Routes {
		set("routes."+r.Kind+"."+r.Namespace+"/"+r.Name, routeText(&r))
	}
	for _, a := range f.Autoscalers {
		set("autoscalers."+a.Name, fmt.Sprintf("%d to %d replicas", a.Min, a.Max))
	}
	for _, b := range f.Budgets {
		set("budgets."+b.Name, budgetText(&b))
	}
	for _, p := range f.Probed {
		set("probed."+p.Container+"."+strings.ToLower(p.Purpose), probedText(&p))
	}
	for _, l := range f.Logs {
		set("logs."+l.Container, logText(&l))
	}
	for _, end := range f.LooseEnds {
		set("looseEnds."+end.Kind+"."+end.Namespace+"/"+end.Name+"."+end.Code, end.Code)
	}
	return texts
}

func containerTexts(c *catalog.Container, set func(field, text string)) {
	prefix := "containers." + c.Name + "."
	set(prefix+"image", cmp.Or(c.Image, "unknown"))
	switch c.Role {
	case catalog.InitContainer:
		set(prefix+"role", "INIT")
	case catalog.SidecarContainer:
		set(prefix+"role", "SIDECAR")
	default: // it runs as long as its pod
	}
	set(prefix+"ports", joined(c.Ports, func(p catalog.ContainerPort) string {
		return portText(p.Name, strconv.Itoa(int(p.Number)), p.Protocol)
	}))
	set(prefix+"liveness", probeText(c.Liveness))
	set(prefix+"readiness", probeText(c.Readiness))
	set(prefix+"startup", probeText(c.Startup))
}

// probeText writes a probe in a line, with all that it says but where it stands; "" of none.
func probeText(p *catalog.Probe) string {
	if p == nil {
		return ""
	}
	var words []string
	add := func(prefix, word string) {
		if word != "" {
			words = append(words, prefix+word)
		}
	}
	add("", string(p.Handler))
	add("", p.Command)
	if p.Scheme != "HTTP" {
		add("", p.Scheme)
	}
	add("", p.Path)
	add("service ", p.Service)
	add("port ", p.Port)
	add("host ", p.Host)
	add("headers ", strings.Join(p.Headers, " "))
	add("calls ", strings.Join(p.Calls, " "))
	text := strings.Join(words, " ")
	words = nil
	if p.InitialDelay != 0 {
		add("after ", seconds(p.InitialDelay))
	}
	if p.Period != 0 {
		add("every ", seconds(p.Period))
	}
	if p.Timeout != 0 {
		add("timeout ", seconds(p.Timeout))
	}
	if p.SuccessThreshold > 1 {
		add("healthy after ", strconv.Itoa(int(p.SuccessThreshold)))
	}
	if p.FailureThreshold != 0 {
		add("unhealthy after ", strconv.Itoa(int(p.FailureThreshold)))
	}
	return strings.Join(append([]string{text}, words...), ", ")
}

func seconds(n int32) string { return strconv.Itoa(int(n)) + "s" }

// portText writes "http 8080/TCP".
func portText(name, number, protocol string) string {
	text := number
	if protocol != "" {
		text += "/" + protocol
	}
	if name != "" {
		text = name + " " + text
	}
	return text
}

func spreadText(s catalog.Spread) string {
	text := "over " + s.TopologyKey
	if s.MaxSkew != 0 {
		text += fmt.Sprintf(" with a skew of at most %d", s.MaxSkew)
	}
	if s.Required {
		text += ", required"
	}
	return text
}

func serviceText(s *catalog.Service) string {
	words := []string{cmp.Or(s.Type, "Service")}
	if s.Headless {
		words = append(words, "headless")
	}
	for _, p := range s.Ports {
		text := portText(p.Name, strconv.Itoa(int(p.Port)), p.Protocol) + " to " + p.Target
		if p.AppProtocol != "" {
			text += " by " + p.AppProtocol
		}
		words = append(words, text)
	}
	if s.PublishNotReady {
		words = append(words, "also to pods that are not ready")
	}
	return strings.Join(words, ", ")
}

func routeText(r *catalog.Route) string {
	words := []string{"hosts " + cmp.Or(strings.Join(r.Hosts, " "), "*")}
	if len(r.Paths) > 0 {
		words = append(words, "paths "+strings.Join(r.Paths, " "))
	}
	if len(r.Services) > 0 {
		words = append(words, "to "+strings.Join(r.Services, " "))
	}
	return strings.Join(words, ", ")
}

func budgetText(b *catalog.DisruptionBudget) string {
	var words []string
	if b.MinAvailable != "" {
		words = append(words, "at least "+b.MinAvailable+" available")
	}
	if b.MaxUnavailable != "" {
		words = append(words, "at most "+b.MaxUnavailable+" unavailable")
	}
	return cmp.Or(strings.Join(words, ", "), "no limit")
}

// probedText leaves the latency out, which says less than what it would fill the history with.
func probedText(p *catalog.ProbeResult) string {
	text := "unhealthy"
	if p.Healthy {
		text = "healthy"
	}
	if p.Status != 0 {
		text += ", status " + strconv.Itoa(int(p.Status))
	}
	if len(p.Failures) > 0 {
		text += ": " + strings.Join(p.Failures, "; ")
	}
	return text + " (" + p.Endpoint + ")"
}

func logText(l *catalog.LogSample) string {
	text := cmp.Or(l.Format, "unknown format")
	if len(l.Missing) > 0 {
		text += ", missing " + strings.Join(l.Missing, " ")
	}
	if l.Unreadable != "" {
		text += ", unreadable: " + l.Unreadable
	}
	return text
}

func joined[T any](list []T, text func(T) string) string {
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = text(x)
	}
	return strings.Join(texts, "; ")
}
