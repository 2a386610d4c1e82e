package pairing

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/databases"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

func digits(port uint16) string { return strconv.Itoa(int(port)) }

// databaseSystem is the system by its present name.
func databaseSystem(written string, old bool) string { return databases.System(clean(written), old) }

// databaseNameOf is what tells databases of one host apart.
func databaseNameOf(system string, span *spans.Span) string {
	text := func(b []byte) string {
		return withoutSecrets(strings.TrimSpace(clean(string(b[:min(len(b), maxText)]))))
	}
	switch {
	case system == "aws.dynamodb" && len(span.DBTable) > 0:
		return text(span.DBTable)
	case len(span.DBNamespace) > 0:
		return text(span.DBNamespace)
	case databases.IsRedis(system):
		return text(span.DBIndex)
	}
	return ""
}

// noSystem is the word for the system of a topic where nobody names it.
const noSystem = "messaging"

// systemOf is the system of a topic; "" = nobody names it.
func systemOf(topic catalog.Alias) string {
	system, _, _ := strings.Cut(strings.TrimPrefix(string(topic), catalog.WorldTopic+":"), ":")
	if system == noSystem {
		return ""
	}
	return system
}

// databaseAlias names a database as the caller sees it: the caller's own host is another one for each caller.
func databaseAlias(system string, at place, name string, caller catalog.Alias) catalog.Alias {
	host := at.host
	if isLoopback(host) {
		host = localhost + "@" + serviceName(caller)
	} else if address, err := netip.ParseAddr(host); err == nil && address.Is6() {
		host = "[" + host + "]"
	}
	if at.port != "" && !databases.IsDefaultPort(system, at.port) {
		host += ":" + at.port
	}
	if name != "" {
		host += "/" + name
	}
	return aliasOf(catalog.WorldDatabase, system+":"+host)
}

// peerAlias names a service by what its peer calls it. Without a namespace it is of the peer's own.
func (p *profile) peerAlias(namespace string) catalog.Alias {
	if p.peer == "" {
		return ""
	}
	if p.peerNamespace != "" {
		namespace = p.peerNamespace
	} else if before, name, ok := strings.Cut(p.peer, "/"); ok && before != "" {
		return serviceAlias(before, name)
	}
	return serviceAlias(namespace, p.peer)
}

// callee names whom a span calls by its attributes, or "".
func (p *profile) callee(caller *service) catalog.Alias {
	switch p.target {
	case targetDatabase:
		return databaseAlias(p.database, p.place, p.databaseName, caller.Alias)
	case targetTopic:
		return p.topic
	case targetPeer:
		return p.peerAlias(caller.namespace)
	case targetHost:
		return aliasOf(catalog.WorldHost, withoutBucket(p.place.host))
	}
	return ""
}

// sameForAll says whether the callee is the same whoever calls it.
func (p *profile) sameForAll() bool {
	switch p.target {
	case targetDatabase:
		return !isLoopback(p.place.host)
	case targetPeer:
		return p.peerNamespace != ""
	}
	return true
}

// nodeOf is the number of the callee.
func (s *shard) nodeOf(p *profile, caller uint32) uint32 {
	if p.node != 0 && p.epoch == s.names.epoch && (p.caller == caller || p.sameForAll()) {
		return p.node
	}
	p.caller, p.epoch = caller, s.names.epoch
	p.node = s.names.node(p.callee(&s.names.services[caller]))
	return p.node
}

// sameCall says whether what a span calls within a call is that call, by what both name.
func sameCall(outer, inner *profile) bool {
	switch inner.target {
	case targetNone:
		return true
	case targetHost:
		return transports(outer, inner.place.host)
	case targetPeer:
		return outer.target == targetPeer && outer.peer == inner.peer && outer.peerNamespace == inner.peerNamespace ||
			outer.target == targetHost && sameHost(outer.place.host, strings.ToLower(inner.peer))
	case targetDatabase:
		return outer.target == targetHost && outer.place.host == inner.place.host ||
			outer.target == targetDatabase && outer.database == inner.database && outer.place.host == inner.place.host &&
				(outer.databaseName == inner.databaseName || outer.databaseName == "" || inner.databaseName == "") ||
			outer.database == inner.database && outer.place.host == "" && outer.target != targetTopic
	case targetTopic:
		return outer.target == targetTopic && outer.topic == inner.topic ||
			outer.target == targetHost && (outer.role == roleSend || outer.place.host == inner.place.host)
	}
	return false
}

// transports says whether a call of that host may be how the outer call reaches what it names: by the address that the name
// stands for, say.
func transports(outer *profile, host string) bool {
	switch {
	case outer.place.host != "":
		return sameHost(outer.place.host, host) || isAddress(outer.place.host) != isAddress(host)
	case isAddress(host):
		return outer.target != targetTopic
	}
	switch outer.target {
	case targetTopic:
		for _, cloud := range []string{"aws", "amazon", "gcp", "google", "azure", "servicebus", "eventhubs", "eventgrid"} {
			if strings.HasPrefix(outer.messaging, cloud) {
				return true
			}
		}
		return false
	case targetPeer:
		return sameHost(strings.ToLower(outer.peer), host)
	}
	return false
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// sameHost says whether two names of hosts may be one host: the short name of another is the same.
func sameHost(a, b string) bool {
	if a == b {
		return true
	}
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	return !isPublic(long) && strings.HasPrefix(long, short+".")
}

// tellsMore says whether the inner span of one call names the callee better than the outer.
func tellsMore(outer, inner *profile) bool {
	switch inner.target {
	case targetDatabase:
		return outer.target != targetDatabase || outer.databaseName == "" && inner.databaseName != ""
	case targetTopic, targetPeer:
		return outer.target == targetHost
	case targetHost:
		return outer.target == targetHost && isAddress(outer.place.host) && !isAddress(inner.place.host)
	}
	return false
}
