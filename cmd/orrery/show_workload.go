package main

import (
	"fmt"
	"strings"
)

const probeFields = "{ handler port path scheme host headers service command calls initialDelaySeconds periodSeconds " +
	"timeoutSeconds successThreshold failureThreshold line }"

const workloadFields = `workload { cluster namespace kind name environment version replicas { wanted ready nodes zones }
	spread { topologyKey required maxSkew } recreate hostNetwork gracePeriodSeconds
	containers { name image role ports { name number protocol } liveness ` + probeFields + ` readiness ` + probeFields + `
		startup ` + probeFields + ` line }
	services { namespace name type headless ports { name port target protocol appProtocol } readyEndpoints publishNotReady location line }
	routes { kind namespace name hosts paths services location line }
	autoscalers { name min max } budgets { name minAvailable maxUnavailable }
	probed { container purpose endpoint healthy failures status latencyUnderMillis }
	logs { container format missing unreadable } }`

const nodeFields = "node { cluster name zone region ready }"

const runningFields = "ref stale workload { environment version replicas { wanted ready } }"

// workload is what is known of an entity of that kind.
type workload struct {
	Cluster     string             `json:"cluster"`
	Namespace   string             `json:"namespace"`
	Kind        string             `json:"kind"`
	Name        string             `json:"name"`
	Environment *string            `json:"environment"`
	Version     *string            `json:"version"`
	Replicas    replicaCounts      `json:"replicas"`
	Spread      []spread           `json:"spread"`
	Recreate    bool               `json:"recreate"`
	HostNetwork bool               `json:"hostNetwork"`
	GracePeriod *int               `json:"gracePeriodSeconds"`
	Containers  []container        `json:"containers"`
	Services    []service          `json:"services"`
	Routes      []route            `json:"routes"`
	Autoscalers []autoscaler       `json:"autoscalers"`
	Budgets     []disruptionBudget `json:"budgets"`
	Probed      []probeResult      `json:"probed"`
	Logs        []logSample        `json:"logs"`
}

type replicaCounts struct {
	Wanted *int `json:"wanted"`
	Ready  *int `json:"ready"`
	Nodes  *int `json:"nodes"`
	Zones  *int `json:"zones"`
}

type spread struct {
	TopologyKey string `json:"topologyKey"`
	Required    bool   `json:"required"`
	MaxSkew     *int   `json:"maxSkew"`
}

type container struct {
	Name      string          `json:"name"`
	Image     *string         `json:"image"`
	Role      string          `json:"role"`
	Ports     []containerPort `json:"ports"`
	Liveness  *probe          `json:"liveness"`
	Readiness *probe          `json:"readiness"`
	Startup   *probe          `json:"startup"`
	Line      *int            `json:"line"`
}

type containerPort struct {
	Name     *string `json:"name"`
	Number   int     `json:"number"`
	Protocol *string `json:"protocol"`
}

type probe struct {
	Handler          string   `json:"handler"`
	Port             *string  `json:"port"`
	Path             *string  `json:"path"`
	Scheme           *string  `json:"scheme"`
	Host             *string  `json:"host"`
	Headers          []string `json:"headers"`
	Service          *string  `json:"service"`
	Command          *string  `json:"command"`
	Calls            []string `json:"calls"`
	InitialDelay     int      `json:"initialDelaySeconds"`
	Period           int      `json:"periodSeconds"`
	Timeout          int      `json:"timeoutSeconds"`
	SuccessThreshold int      `json:"successThreshold"`
	FailureThreshold int      `json:"failureThreshold"`
	Line             *int     `json:"line"`
}

type service struct {
	Namespace       string        `json:"namespace"`
	Name            string        `json:"name"`
	Type            *string       `json:"type"`
	Headless        bool          `json:"headless"`
	Ports           []servicePort `json:"ports"`
	ReadyEndpoints  *int          `json:"readyEndpoints"`
	PublishNotReady bool          `json:"publishNotReady"`
	Location        *string       `json:"location"`
	Line            *int          `json:"line"`
}

type servicePort struct {
	Name        *string `json:"name"`
	Port        int     `json:"port"`
	Target      *string `json:"target"`
	Protocol    *string `json:"protocol"`
	AppProtocol *string `json:"appProtocol"`
}

type route struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Hosts     []string `json:"hosts"`
	Paths     []string `json:"paths"`
	Services  []string `json:"services"`
	Location  *string  `json:"location"`
	Line      *int     `json:"line"`
}

type autoscaler struct {
	Name string `json:"name"`
	Min  int    `json:"min"`
	Max  int    `json:"max"`
}

type disruptionBudget struct {
	Name           string  `json:"name"`
	MinAvailable   *string `json:"minAvailable"`
	MaxUnavailable *string `json:"maxUnavailable"`
}

type probeResult struct {
	Container    string   `json:"container"`
	Purpose      string   `json:"purpose"`
	Endpoint     string   `json:"endpoint"`
	Healthy      bool     `json:"healthy"`
	Failures     []string `json:"failures"`
	Status       *int     `json:"status"`
	LatencyUnder *int     `json:"latencyUnderMillis"`
}

type logSample struct {
	Container  string   `json:"container"`
	Format     *string  `json:"format"`
	Missing    []string `json:"missing"`
	Unreadable *string  `json:"unreadable"`
}

// machine is a node of a cluster.
type machine struct {
	Cluster string  `json:"cluster"`
	Name    string  `json:"name"`
	Zone    *string `json:"zone"`
	Region  *string `json:"region"`
	Ready   *bool   `json:"ready"`
}

// running is a workload that an entity runs on.
type running struct {
	Ref         string  `json:"ref"`
	Environment *string `json:"environment"`
	Version     *string `json:"version"`
	Wanted      *int    `json:"wanted"`
	Ready       *int    `json:"ready"`
	Stale       bool    `json:"stale"`
}

type runningNode struct {
	Ref      string
	Stale    bool
	Workload *struct {
		Environment, Version *string
		Replicas             replicaCounts
	}
}

func runningOn(nodes []runningNode) []running {
	list := make([]running, len(nodes))
	for i, n := range nodes {
		list[i] = running{Ref: n.Ref, Stale: n.Stale}
		if w := n.Workload; w != nil {
			list[i].Environment, list[i].Version, list[i].Wanted, list[i].Ready = w.Environment, w.Version, w.Replicas.Wanted, w.Replicas.Ready
		}
	}
	return list
}

// facts are those of a workload that fit a line each.
func (w *workload) facts(known func(name, value string)) {
	known("Cluster", w.Cluster)
	known("Environment", shown(w.Environment))
	known("Version", shown(w.Version))
	known("Replicas", w.Replicas.text())
	for _, s := range w.Spread {
		text := s.TopologyKey
		if !s.Required {
			text += " if possible"
		}
		known("Spread over", text)
	}
	if w.Recreate {
		known("Updates", "all replicas stop before new ones start")
	}
	for _, s := range w.Services {
		known("Service", s.text())
	}
	for _, r := range w.Routes {
		known("Route", r.text())
	}
	for _, a := range w.Autoscalers {
		known("Autoscaler", fmt.Sprintf("%s: %d to %d replicas", a.Name, a.Min, a.Max))
	}
	for _, b := range w.Budgets {
		var limits []string
		if b.MinAvailable != nil {
			limits = append(limits, "at least "+*b.MinAvailable+" available")
		}
		if b.MaxUnavailable != nil {
			limits = append(limits, "at most "+*b.MaxUnavailable+" unavailable")
		}
		known("Budget", b.Name+": "+strings.Join(limits, ", "))
	}
	for _, r := range w.Probed {
		known("Probed", r.text())
	}
	for _, l := range w.Logs {
		known("Logs", l.text())
	}
}

// table shows the containers.
func (w *workload) table(p *printer) {
	if len(w.Containers) == 0 {
		return
	}
	rows := make([][]cell, len(w.Containers))
	for i := range w.Containers {
		c := &w.Containers[i]
		name := c.Name
		if c.Role != "MAIN" {
			name += " (" + strings.ToLower(c.Role) + ")"
		}
		ports := make([]string, len(c.Ports))
		for j, port := range c.Ports {
			ports[j] = port.text()
		}
		rows[i] = []cell{
			text(name), text(shown(c.Image)), text(strings.Join(ports, ", ")), text(c.Readiness.text()), text(c.Liveness.text()),
			text(c.Startup.text()),
		}
	}
	p.line("")
	p.table([]column{
		{title: "CONTAINER", shrinks: true},
		{title: "IMAGE", shrinks: true, endings: true},
		{title: "PORTS", shrinks: true},
		{title: "READINESS", shrinks: true},
		{title: "LIVENESS", shrinks: true},
		{title: "STARTUP", shrinks: true},
	}, rows)
}

func (r replicaCounts) text() string {
	text := counted(r.Ready, r.Wanted)
	if r.Nodes != nil {
		text += " on " + many(*r.Nodes, "node", "nodes")
	}
	if r.Zones != nil {
		text += " in " + many(*r.Zones, "zone", "zones")
	}
	return strings.TrimSpace(text)
}

// counted writes how many are ready of how many are wanted, as far as that is known.
func counted(ready, wanted *int) string {
	switch {
	case ready != nil && wanted != nil:
		return fmt.Sprintf("%d of %d ready", *ready, *wanted)
	case ready != nil:
		return fmt.Sprintf("%d ready", *ready)
	case wanted != nil:
		return fmt.Sprintf("%d wanted", *wanted)
	}
	return ""
}

func (c containerPort) text() string {
	text := fmt.Sprint(c.Number)
	if c.Protocol != nil && *c.Protocol != "TCP" {
		text += "/" + *c.Protocol
	}
	if c.Name != nil {
		text = *c.Name + " " + text
	}
	return text
}

// text is how a probe asks, without its times.
func (b *probe) text() string {
	if b == nil {
		return ""
	}
	words := []string{b.Handler}
	for _, more := range []struct {
		prefix string
		value  *string
	}{{"", b.Path}, {"", b.Service}, {"", b.Command}, {":", b.Port}} {
		if more.value != nil {
			words = append(words, more.prefix+*more.value)
		}
	}
	return strings.Join(words, " ")
}

func (s *service) text() string {
	ports := make([]string, len(s.Ports))
	for i, port := range s.Ports {
		ports[i] = fmt.Sprint(port.Port)
		if port.Target != nil && *port.Target != ports[i] {
			ports[i] += " to " + *port.Target
		}
	}
	text := s.Namespace + "/" + s.Name + ", " + strings.Join(append([]string{shown(s.Type)}, ports...), ", ")
	if s.ReadyEndpoints != nil {
		text += fmt.Sprintf(", %d ready", *s.ReadyEndpoints)
	}
	return text
}

func (r *route) text() string {
	text := r.Kind + " " + r.Namespace + "/" + r.Name + ": " + strings.Join(r.Hosts, ", ")
	if len(r.Paths) > 0 {
		text += " (" + strings.Join(r.Paths, ", ") + ")"
	}
	return text
}

func (r *probeResult) text() string {
	text := r.Container + " " + strings.ToLower(r.Purpose)
	if r.Healthy {
		text += " is healthy"
	} else {
		text += " is not healthy"
	}
	if len(r.Failures) > 0 {
		text += ": " + strings.Join(r.Failures, "; ")
	}
	return text
}

func (l *logSample) text() string {
	switch {
	case l.Unreadable != nil:
		return l.Container + " cannot be read: " + *l.Unreadable
	case len(l.Missing) > 0:
		return l.Container + " lacks " + strings.Join(l.Missing, ", ")
	}
	return l.Container + " is " + shown(l.Format)
}

// runningTable shows the workloads that an entity runs on.
func runningTable(p *printer, list []running) {
	if len(list) == 0 {
		return
	}
	rows := make([][]cell, len(list))
	for i, r := range list {
		ready := text(counted(r.Ready, r.Wanted))
		if r.Ready != nil && r.Wanted != nil && *r.Ready < *r.Wanted {
			ready.paint = yellow
		}
		rows[i] = []cell{text(r.Ref), text(shown(r.Version)), ready, text(shown(r.Environment))}
	}
	p.line("")
	p.table([]column{
		{title: "RUNS ON", shrinks: true, short: shortRef},
		{title: "VERSION", shrinks: true},
		{title: "REPLICAS"},
		{title: "ENVIRONMENT"},
	}, rows)
}
