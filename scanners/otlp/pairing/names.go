package pairing

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// names numbers the services that spans come from, and everything that can be called ("nodes", services among them). 0 is
// none of both.
type names struct {
	services   []service
	byKey      map[traffic.ServiceKey]uint32
	byResource map[*spans.Resource]uint32
	// resourceBytes is about what the resources in it take.
	resourceBytes int
	last          *spans.Resource
	lastService   uint32
	free          []uint32
	nodes         []catalog.Alias
	byAlias       map[catalog.Alias]uint32
	epoch         uint32 // of the numbers of nodes
	maxServices   int
	bytes         int64
	maxBytes      int64
}

// service is one service in one environment.
type service struct {
	traffic.ServiceKey
	namespace string // in which it names others
	aliases   []catalog.Alias
	node      uint32
	uses      int // records and totals that hold its number
	bytes     int64
}

const (
	serviceBytes = 400
	nodeBytes    = 160
	// maxResourceBytes bounds the resources that are known. Those of others that make spans of the same service are most.
	maxResourceBytes = 4 << 20
	maxAliases       = 16
)

func (n *names) reset(maxServices int, maxBytes int64) {
	*n = names{
		services: make([]service, 1), byKey: map[traffic.ServiceKey]uint32{}, byResource: map[*spans.Resource]uint32{},
		nodes: make([]catalog.Alias, 1), byAlias: map[catalog.Alias]uint32{}, maxServices: maxServices, maxBytes: maxBytes,
	}
}

// service numbers the service of a resource, or says by which reason its spans are lost.
func (n *names) service(resource *spans.Resource) (number uint32, lost string) {
	switch resource {
	case nil:
		return 0, traffic.LostNoServiceName
	case n.last:
		return n.lastService, ""
	}
	number, known := n.byResource[resource]
	if !known {
		if who := identify(resource); who.Alias != "" {
			if number = n.numberOf(who); number == 0 {
				return 0, traffic.LostTooManyServices
			}
		}
		n.resourceBytes += resource.Size()
		if n.resourceBytes > maxResourceBytes {
			clear(n.byResource)
			n.resourceBytes = resource.Size()
		}
		n.byResource[resource] = number
	}
	if number == 0 {
		return 0, traffic.LostNoServiceName
	}
	n.last, n.lastService = resource, number
	return number, ""
}

// numberOf is the number of the service; 0 where there are too many.
func (n *names) numberOf(who service) uint32 {
	number := n.byKey[who.ServiceKey]
	if number == 0 {
		node := n.node(who.Alias)
		if len(n.byKey) >= n.maxServices || node == 0 {
			return 0
		}
		if last := len(n.free) - 1; last >= 0 {
			number, n.free = n.free[last], n.free[:last]
		} else {
			number = uint32(len(n.services))
			n.services = append(n.services, service{})
		}
		who.bytes = serviceBytes + int64(len(who.Alias)+len(who.Environment)+len(who.namespace))
		n.bytes += who.bytes
		n.byKey[who.ServiceKey] = number
		aliases := who.aliases
		who.aliases, who.node = nil, node
		n.services[number] = who
		who.aliases = aliases
	}
	known := &n.services[number]
	for _, alias := range who.aliases {
		if len(known.aliases) < maxAliases && !contains(known.aliases, alias) {
			known.aliases = append(known.aliases, alias)
		}
	}
	return number
}

func contains(in []catalog.Alias, alias catalog.Alias) bool {
	for _, there := range in {
		if there == alias {
			return true
		}
	}
	return false
}

// node numbers what can be called; 0 where there are too many.
func (n *names) node(alias catalog.Alias) uint32 {
	if alias == "" {
		return 0
	}
	number := n.byAlias[alias]
	if number == 0 {
		if n.bytes > n.maxBytes {
			return 0
		}
		number = uint32(len(n.nodes))
		n.nodes = append(n.nodes, alias)
		n.byAlias[alias] = number
		n.bytes += nodeBytes + int64(len(alias))
	}
	return number
}

// crowded says whether new names may soon be turned away.
func (n *names) crowded() bool { return n.bytes > n.maxBytes/2 || len(n.byKey) > n.maxServices/2 }

// sweep forgets services that no span holds, and all nodes. No totals may hold numbers of nodes.
func (n *names) sweep() {
	for key, number := range n.byKey {
		if known := &n.services[number]; known.uses == 0 {
			n.bytes -= known.bytes
			delete(n.byKey, key)
			*known = service{}
			n.free = append(n.free, number)
		}
	}
	clear(n.byResource)
	n.resourceBytes = 0
	n.last = nil
	for _, alias := range n.nodes[1:] {
		n.bytes -= nodeBytes + int64(len(alias))
	}
	n.nodes, n.byAlias = make([]catalog.Alias, 1), map[catalog.Alias]uint32{}
	n.epoch++
	for _, number := range n.byKey {
		known := &n.services[number]
		known.node = n.node(known.Alias)
	}
}

// identify says which service a resource is. Without an alias it is none.
func identify(resource *spans.Resource) (who service) {
	who.Environment = strings.TrimSpace(clean(resource.Environment))
	workload := catalog.Alias("")
	if resource.Workload != "" && resource.Cluster != "" && resource.KubernetesNamespace != "" {
		workload = aliasOf(catalog.WorldKubernetes, strings.Join([]string{
			resource.Cluster, resource.KubernetesNamespace, resource.WorkloadKind, resource.Workload,
		}, "/"))
	}
	function := catalog.Alias("")
	if resource.Function != "" {
		function = aliasOf(catalog.WorldFunction, resource.Function)
	}
	named := resource.Service
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(named)), "unknown_service") {
		named = ""
	}
	who.namespace = resource.Namespace
	if who.Alias = serviceAlias(resource.Namespace, named); who.Alias == "" {
		who.namespace = resource.KubernetesNamespace
		who.Alias = workload
		if who.Alias == "" {
			who.Alias = serviceAlias(resource.KubernetesNamespace, resource.Workload)
		}
		if who.Alias == "" {
			who.Alias = function
		}
	}
	for _, other := range []catalog.Alias{workload, function} {
		if other != "" && other != who.Alias {
			who.aliases = append(who.aliases, other)
		}
	}
	return who
}

// serviceAlias is the alias of a service by what telemetry calls it; "" = that is no name. What has no namespace and a slash in
// its name names its namespace so: `shop/checkout` is the same service however it says it.
func serviceAlias(namespace, name string) catalog.Alias {
	name = strings.Trim(clean(name), "/ \t")
	namespace = strings.Trim(clean(namespace), "/ \t")
	switch {
	case name == "":
		return ""
	case namespace != "":
		name = namespace + "/" + name
	}
	return aliasOf(catalog.WorldOTel, name)
}

// serviceName is how people write the service.
func serviceName(alias catalog.Alias) string {
	world, rest, _ := strings.Cut(string(alias), ":")
	if world == catalog.WorldKubernetes {
		if parts := strings.Split(rest, "/"); len(parts) >= 4 {
			return parts[len(parts)-3] + "/" + parts[len(parts)-1]
		}
	}
	return rest
}

// aliasOf is the alias in its normal form; "" where it cannot be one. What is too long is cut, and told apart by a hash.
func aliasOf(world, rest string) catalog.Alias {
	const longest = catalog.MaxAliasBytes / 2 // lower case may be longer
	rest = clean(rest)
	if len(rest) > longest {
		hash := sha256.Sum256([]byte(rest))
		cut := longest
		for cut > 0 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		rest = rest[:cut] + "-" + hex.EncodeToString(hash[:4])
	}
	alias, err := catalog.ParseAlias(world + ":" + rest)
	if err != nil {
		return ""
	}
	return alias
}

// clean replaces what no name may hold.
func clean(s string) string {
	ok := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
}
