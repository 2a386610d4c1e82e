package catalog

// Facts are what a cluster, or its manifests, say of the subject of a claim, beside its edges. They are contributions: of
// Workload and Node the first by precedence counts, the lists unite, one of each key. The numbers in the cbor tags are the
// stored format.
type Facts struct {
	Workload    *Workload          `cbor:"1,keyasint,omitempty"`
	Node        *Node              `cbor:"2,keyasint,omitempty"`
	Services    []Service          `cbor:"3,keyasint,omitempty"` // that lead to the workload; key: Namespace, Name
	Routes      []Route            `cbor:"4,keyasint,omitempty"` // that lead to it; key: Kind, Namespace, Name
	Autoscalers []Autoscaler       `cbor:"5,keyasint,omitempty"` // that scale it; key: Name
	Budgets     []DisruptionBudget `cbor:"6,keyasint,omitempty"` // that protect it; key: Name
	Probed      []ProbeResult      `cbor:"7,keyasint,omitempty"` // live; key: Container, Purpose
	Logs        []LogSample        `cbor:"8,keyasint,omitempty"` // key: Container
	LooseEnds   []LooseEnd         `cbor:"9,keyasint,omitempty"` // of a Cluster; key: Kind, Namespace, Name, Code
}

// Workload is a controller that keeps pods running, or a pod without one.
type Workload struct {
	Cluster   string `cbor:"1,keyasint"` // as configured
	Namespace string `cbor:"2,keyasint"`
	Kind      string `cbor:"3,keyasint"` // one of [WorkloadKinds]
	Name      string `cbor:"4,keyasint"`
	// Version is that of the label app.kubernetes.io/version, else of the image of the first container; "" = unknown.
	Version string `cbor:"5,keyasint,omitempty"`
	// Wanted and Ready are numbers of replicas; nil = unknown (Ready from manifests) or no fixed number (a DaemonSet).
	Wanted     *int32      `cbor:"6,keyasint,omitempty"`
	Ready      *int32      `cbor:"7,keyasint,omitempty"`
	Containers []Container `cbor:"8,keyasint,omitempty"` // in the order of the pod, those that initialise first
	Spread     []Spread    `cbor:"9,keyasint,omitempty"`
	// Zones and Nodes count over how many of them the running replicas are spread; 0 = unknown.
	Zones int32 `cbor:"10,keyasint,omitempty"`
	Nodes int32 `cbor:"11,keyasint,omitempty"`
	// Recreate says that an update stops all replicas before it starts new ones.
	Recreate    bool  `cbor:"12,keyasint,omitempty"`
	HostNetwork bool  `cbor:"13,keyasint,omitempty"`
	GracePeriod int64 `cbor:"14,keyasint,omitempty"` // seconds; 0 = unknown
}

// Container is one of a workload's pods.
type Container struct {
	Name  string          `cbor:"1,keyasint"`
	Image string          `cbor:"2,keyasint,omitempty"`
	Role  ContainerRole   `cbor:"3,keyasint,omitempty"`
	Ports []ContainerPort `cbor:"4,keyasint,omitempty"` // as declared
	// A probe is nil where there is none. What the API server fills in is filled in: thresholds, periods, the scheme.
	Liveness  *Probe `cbor:"5,keyasint,omitempty"`
	Readiness *Probe `cbor:"6,keyasint,omitempty"`
	Startup   *Probe `cbor:"7,keyasint,omitempty"`
	Line      int32  `cbor:"8,keyasint,omitempty"` // 1-based, in the manifest; 0 = none
}

// ContainerRole says when a container runs.
type ContainerRole uint8

// The roles of containers.
const (
	MainContainer    ContainerRole = iota
	InitContainer                  // ends before the others start
	SidecarContainer               // an init container that keeps running (restartPolicy Always)
)

// ContainerPort is a declared port. An undeclared one works as well.
type ContainerPort struct {
	Name     string `cbor:"1,keyasint,omitempty"`
	Number   int32  `cbor:"2,keyasint"`
	Protocol string `cbor:"3,keyasint,omitempty"` // TCP, UDP or SCTP
}

// Probe is how the kubelet asks a container for its health.
type Probe struct {
	Handler ProbeHandler `cbor:"1,keyasint"`
	// Port is as written: a number in digits, or the name of a port of the container; "" for EXEC. Digits that a manifest
	// has in quotes are in quotes here, too: no API server takes such a name.
	Port string `cbor:"2,keyasint,omitempty"`
	// Path is that of HTTP, with its query, of which a value that may be a secret is [MaskedValue] and a digest.
	Path   string `cbor:"3,keyasint,omitempty"`
	Scheme string `cbor:"4,keyasint,omitempty"` // of HTTP: "HTTP" or "HTTPS"
	Host   string `cbor:"5,keyasint,omitempty"` // of HTTP and TCP; "" = the pod
	// Headers are the names of the headers of HTTP, in canonical form, sorted, each with a digest of its value, since a
	// value may be a secret: "Cookie=1a2b3c4d".
	Headers []string `cbor:"6,keyasint,omitempty"`
	Service string   `cbor:"7,keyasint,omitempty"` // of GRPC
	// Command is, of EXEC, the program with a digest of all its arguments, which may hold secrets.
	Command string `cbor:"8,keyasint,omitempty"`
	// Calls are the hosts, other than the container itself, that the arguments of EXEC or Host name, sorted.
	Calls []string `cbor:"9,keyasint,omitempty"`
	// In seconds and numbers of attempts, with the defaults of Kubernetes where nothing is stated.
	InitialDelay     int32 `cbor:"10,keyasint,omitempty"`
	Period           int32 `cbor:"11,keyasint,omitempty"`
	Timeout          int32 `cbor:"12,keyasint,omitempty"`
	SuccessThreshold int32 `cbor:"13,keyasint,omitempty"`
	FailureThreshold int32 `cbor:"14,keyasint,omitempty"`
	Line             int32 `cbor:"15,keyasint,omitempty"`
}

// MaskedValue begins what stands in the Path of a [Probe] for a value that may be a secret. Such a path cannot be asked for.
const MaskedValue = "masked-"

// ProbeHandler is the way in which a probe asks.
type ProbeHandler string

// The handlers of probes.
const (
	ProbeHTTP ProbeHandler = "HTTP"
	ProbeTCP  ProbeHandler = "TCP"
	ProbeGRPC ProbeHandler = "GRPC"
	ProbeExec ProbeHandler = "EXEC"
)

// Spread is a wish to keep replicas apart.
type Spread struct {
	TopologyKey string `cbor:"1,keyasint"` // a label of nodes, for example topology.kubernetes.io/zone
	// Required says that the scheduler must keep to it, not only try.
	Required bool `cbor:"2,keyasint,omitempty"`
	// MaxSkew is that of a topology spread constraint; 0 = pod anti-affinity, which allows one in each.
	MaxSkew int32 `cbor:"3,keyasint,omitempty"`
}

// Service is a Kubernetes Service that selects pods of a workload.
type Service struct {
	Namespace string        `cbor:"1,keyasint"`
	Name      string        `cbor:"2,keyasint"`
	Type      string        `cbor:"3,keyasint,omitempty"` // ClusterIP, NodePort, LoadBalancer, ExternalName
	Headless  bool          `cbor:"4,keyasint,omitempty"`
	Ports     []ServicePort `cbor:"5,keyasint,omitempty"`
	// ReadyEndpoints counts those of all workloads behind it; nil = unknown.
	ReadyEndpoints *int32 `cbor:"6,keyasint,omitempty"`
	// PublishNotReady says that it also leads to pods that are not ready.
	PublishNotReady bool   `cbor:"7,keyasint,omitempty"`
	Location        string `cbor:"8,keyasint,omitempty"`
	Line            int32  `cbor:"9,keyasint,omitempty"`
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name string `cbor:"1,keyasint,omitempty"`
	Port int32  `cbor:"2,keyasint"`
	// Target is a number in digits or the name of a container's port, never "".
	Target      string `cbor:"3,keyasint,omitempty"`
	Protocol    string `cbor:"4,keyasint,omitempty"`
	AppProtocol string `cbor:"5,keyasint,omitempty"`
}

// Route leads requests from outside, or within a mesh, to a Service.
type Route struct {
	Kind      string   `cbor:"1,keyasint"` // Ingress, HTTPRoute, GRPCRoute, VirtualService
	Namespace string   `cbor:"2,keyasint"`
	Name      string   `cbor:"3,keyasint"`
	Hosts     []string `cbor:"4,keyasint,omitempty"` // sorted; "*" = any
	Paths     []string `cbor:"5,keyasint,omitempty"` // sorted
	// Services are those of the workload that it leads to, as namespace/name, sorted.
	Services []string `cbor:"6,keyasint,omitempty"`
	Location string   `cbor:"7,keyasint,omitempty"`
	Line     int32    `cbor:"8,keyasint,omitempty"`
}

// Autoscaler is a HorizontalPodAutoscaler.
type Autoscaler struct {
	Name string `cbor:"1,keyasint"`
	Min  int32  `cbor:"2,keyasint"`
	Max  int32  `cbor:"3,keyasint"`
}

// DisruptionBudget is a PodDisruptionBudget.
type DisruptionBudget struct {
	Name string `cbor:"1,keyasint"`
	// MinAvailable or MaxUnavailable is a number or a percentage, as written; "" = not stated.
	MinAvailable   string `cbor:"2,keyasint,omitempty"`
	MaxUnavailable string `cbor:"3,keyasint,omitempty"`
}

// Node is a machine of a cluster.
type Node struct {
	Cluster string `cbor:"1,keyasint"`
	Name    string `cbor:"2,keyasint"`
	Zone    string `cbor:"3,keyasint,omitempty"`
	Region  string `cbor:"4,keyasint,omitempty"`
	Ready   *bool  `cbor:"5,keyasint,omitempty"` // nil = unknown
}

// ProbeResult is what Orrery itself got from the health endpoint of a container. It changes only with its outcome, so that
// the history of the workload tells when that changed.
type ProbeResult struct {
	Container string `cbor:"1,keyasint"`
	Purpose   string `cbor:"2,keyasint"` // READINESS, LIVENESS or STARTUP
	Endpoint  string `cbor:"3,keyasint"` // a URL: http, https, tcp or grpc
	Healthy   bool   `cbor:"4,keyasint,omitempty"`
	// Failures say what is not as it should be, each in one line; none where it is healthy and of the right shape.
	Failures []string `cbor:"5,keyasint,omitempty"`
	Status   int32    `cbor:"6,keyasint,omitempty"` // of HTTP; 0 = no answer
	// LatencyUnder is the least of 10, 30, 100, 300, 1000, 3000 and 10000 milliseconds that the answer took less than.
	LatencyUnder int32 `cbor:"7,keyasint,omitempty"`
}

// LogSample is what was seen of the lines that a container logs. The lines themselves are never kept.
type LogSample struct {
	Container string `cbor:"1,keyasint"`
	Format    string `cbor:"2,keyasint,omitempty"` // that was asked for: json or logfmt
	// Missing are fields that too few lines have (timestamp, level, message, correlation), or "format" itself, sorted.
	Missing []string `cbor:"3,keyasint,omitempty"`
	// Unreadable says why no lines were seen; "" where some were.
	Unreadable string `cbor:"4,keyasint,omitempty"`
}

// LooseEnd is an object of a cluster that leads to nothing.
type LooseEnd struct {
	Kind      string `cbor:"1,keyasint"` // Service, Ingress, HTTPRoute, HorizontalPodAutoscaler ...
	Namespace string `cbor:"2,keyasint"`
	Name      string `cbor:"3,keyasint"`
	Code      string `cbor:"4,keyasint"` // stable, the id of the check that tells it, for example "service-selects-nothing"
	Message   string `cbor:"5,keyasint"`
	Location  string `cbor:"6,keyasint,omitempty"`
	Line      int32  `cbor:"7,keyasint,omitempty"`
}
