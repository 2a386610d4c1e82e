package catalog

import "strings"

// likeness says which entity a name of another world is equal to, where nobody stated anything: one of the kinds, the
// first that has the name, in the namespace.
//
//   - A service in telemetry, a Kubernetes Service and a workload are like a Component, or else a Resource, of their own
//     name. Their namespace is that of the entity.
//   - A host is like an External, a Resource or a Component whose name is the whole host: "stripe" is not
//     "api.stripe.com", and "db" not "db.example.com". Only where the host is that of a Kubernetes Service
//     (ledger-db.shop.svc.cluster.local) the name and namespace of the Service count instead.
//   - A database is like a Resource or a Component that its host is like. The name of the database itself does not
//     count, since the same one ("orders", "app") is on many servers.
//   - A topic is like a Resource of the destination's name; a Component of that name is rather what publishes there.
//   - A repository is like nothing, since one may hold many entities or none.
//
// The names of entities are in lower case, so "Orders" and "orders" are equal here, though not as topics.
type likeness struct {
	kinds           []string
	namespace, name string // "" = like nothing by name
}

func likenessOf(alias Alias) likeness {
	world, rest := alias.cut()
	like := likeness{kinds: []string{"component", "resource"}}
	switch world {
	case WorldOTel:
		like.namespace, like.name = splitService(rest)
	case WorldDNS:
		like.name, like.namespace, _ = splitDNS(rest)
	case WorldKubernetes:
		if w, ok := splitWorkload(rest); ok {
			like.namespace, like.name = w.namespace, w.name
		}
	case WorldHost:
		like.kinds = []string{"external", "resource", "component"}
		like.ofHost(rest)
	case WorldDatabase:
		like.kinds = []string{"resource", "component"}
		if d, ok := splitDatabase(rest); ok {
			like.ofHost(d.host)
		}
	case WorldTopic:
		like.kinds = []string{"resource"}
		_, like.name, _ = strings.Cut(rest, ":")
	}
	like.name = lower(like.name)
	return like
}

func (l *likeness) ofHost(host string) {
	var inCluster bool
	if l.name, l.namespace, inCluster = splitDNS(host); !inCluster {
		l.name = host
	}
}
