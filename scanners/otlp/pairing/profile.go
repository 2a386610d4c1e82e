package pairing

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/databases"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// role is what a span does, as far as the span itself says.
type role uint8

const (
	roleNone   role = iota // work of the service itself
	roleServer             // answers a call
	roleClient             // calls
	roleSend               // sends messages
	roleCreate             // makes a message that another span sends
	roleReceive
	roleProcess
	roleSettle // tells the broker what came of a message
)

func (r role) calls() bool    { return r >= roleClient && r <= roleCreate }
func (r role) sends() bool    { return r == roleSend || r == roleCreate }
func (r role) consumes() bool { return r == roleReceive || r == roleProcess }

// target is what the attributes of a span name as the called.
type target uint8

const (
	targetNone target = iota
	targetDatabase
	targetTopic
	targetPeer
	targetHost
)

// profile is what the attributes of spans say, as far as it matters. Most spans share theirs with many others.
type profile struct {
	uses int
	key  string

	role   role
	target target
	place  place // in lower case
	// system of the database or of the messages; "" = not said.
	database, messaging string
	topic               catalog.Alias // that it names; "" = none
	destination         string        // without a system, while topic is ""
	databaseName        string
	peer, peerNamespace string
	operation           string
	rpc                 bool // gRPC

	// The node that it names when this service says so, as of an epoch of names.
	caller, node, epoch uint32
}

// profiles interns them. 0 is that of a span that says nothing.
type profiles struct {
	entries []profile
	byKey   map[string]uint32
	free    []uint32
	bytes   int64
	sweepAt int64
	key     []byte
}

const (
	profileBytes = 420
	// maxProfiles is how many bytes of them are held that no span needs.
	maxProfiles = 1 << 20
	maxText     = 256
	maxWords    = 100 // of operations
)

func (p *profiles) reset() {
	*p = profiles{entries: make([]profile, 1), byKey: map[string]uint32{}, sweepAt: maxProfiles}
}

func (p *profiles) release(i uint32) {
	if i != 0 {
		p.entries[i].uses--
	}
}

// sweep forgets those that no span needs.
func (p *profiles) sweep() {
	for key, i := range p.byKey {
		if entry := &p.entries[i]; entry.uses == 0 {
			p.bytes -= profileBytes + 2*int64(len(key))
			delete(p.byKey, key)
			*entry = profile{}
			p.free = append(p.free, i)
		}
	}
	p.sweepAt = max(maxProfiles, 2*p.bytes)
}

// of interns what the span's attributes say.
func (p *profiles) of(span *spans.Span) uint32 {
	if span.Kind == spans.KindInternal && len(span.DBSystem) == 0 && len(span.RPCSystem) == 0 && !messaging(span) {
		return 0
	}
	p.key = keyOf(p.key[:0], span)
	if i, there := p.byKey[string(p.key)]; there {
		p.entries[i].uses++
		return i
	}
	if p.bytes > p.sweepAt {
		p.sweep()
	}
	entry := newProfile(span)
	entry.uses, entry.key = 1, string(p.key)
	p.bytes += profileBytes + 2*int64(len(entry.key))
	var i uint32
	if last := len(p.free) - 1; last >= 0 {
		i, p.free = p.free[last], p.free[:last]
		p.entries[i] = entry
	} else {
		i = uint32(len(p.entries))
		p.entries = append(p.entries, entry)
	}
	p.byKey[entry.key] = i
	return i
}

func messaging(span *spans.Span) bool {
	return len(span.MessagingSystem) > 0 || len(span.MessagingDestination) > 0 || len(span.MessagingOperation) > 0
}

// keyOf writes down all that newProfile reads.
func keyOf(key []byte, span *spans.Span) []byte {
	key = append(key, byte(span.Kind))
	key = field(key, span.PeerService, maxText)
	key = field(key, span.PeerNamespace, maxText)
	key = field(key, span.DBSystem, maxText)
	key = field(key, span.RPCSystem, maxText)
	key = field(key, span.RPCMethod, maxWords)
	key = field(key, span.HTTPMethod, maxWords)
	key = field(key, span.HTTPRoute, maxWords)
	key = field(key, wordOf(span), maxWords)
	if span.Kind == spans.KindServer {
		return key
	}
	written, port, kind := whereOf(span)
	key = append(key, byte(kind), byte(port), byte(port>>8))
	if kind == whereURL {
		written = serverOf(written)
	}
	key = field(key, written, 2*maxText)
	if len(span.DBSystem) > 0 {
		old := byte(0)
		if span.DBSystemOld {
			old = 1
		}
		key = append(key, old)
		key = field(key, span.DBNamespace, maxText)
		key = field(key, span.DBIndex, maxText)
		key = field(key, span.DBTable, maxText)
		if kind != whereConnection {
			key = field(key, span.DBConnectionString, 2*maxText)
		}
	}
	key = field(key, span.MessagingSystem, maxText)
	key = field(key, span.MessagingDestination, maxText)
	key = field(key, span.MessagingOperation, maxText)
	return field(key, span.MessagingRoutingKey, maxText)
}

func field(key, value []byte, longest int) []byte {
	value = value[:min(len(value), longest)]
	key = append(key, byte(len(value)), byte(len(value)>>8))
	return append(key, value...)
}

// serverOf cuts a URL after its server, so that paths make no profiles.
func serverOf(url []byte) []byte {
	slashes := 0
	for i, c := range url {
		if c == '/' || c == '?' || c == '#' {
			if slashes++; slashes > 2 || c != '/' {
				return url[:i]
			}
		}
	}
	return url
}

// where says which attribute tells the host.
type where byte

const (
	whereNone where = iota
	whereServer
	whereNetwork
	whereURL
	whereConnection
)

// whereOf finds what tells the host, and the port that belongs to it.
func whereOf(span *spans.Span) (written []byte, port uint16, kind where) {
	switch {
	case len(span.ServerAddress) > 0:
		return span.ServerAddress, span.ServerPort, whereServer
	case len(span.NetworkAddress) > 0:
		if span.NetworkPort == 0 {
			return span.NetworkAddress, span.ServerPort, whereNetwork
		}
		return span.NetworkAddress, span.NetworkPort, whereNetwork
	case len(span.URL) > 0:
		return span.URL, 0, whereURL
	case len(span.DBConnectionString) > 0:
		return span.DBConnectionString, 0, whereConnection
	}
	return nil, 0, whereNone
}

// wordOf is what of the span's name says which operation it is, where no attribute does.
func wordOf(span *spans.Span) []byte {
	switch {
	case len(span.DBOperation) > 0:
		return span.DBOperation
	case len(span.DBSystem) > 0:
		for i, c := range span.Name {
			if c == ' ' {
				return span.Name[:i]
			}
		}
		return span.Name
	case len(span.RPCMethod) > 0 || len(span.HTTPMethod) > 0 || span.Kind != spans.KindServer && span.Kind != spans.KindUnspecified:
		return nil
	}
	return span.Name
}

// newProfile reads the attributes of a span.
func newProfile(span *spans.Span) profile {
	text := func(b []byte) string { return string(b[:min(len(b), maxText)]) }
	p := profile{
		role: roleOf(span), database: databaseSystem(text(span.DBSystem), span.DBSystemOld),
		messaging: strings.ToLower(clean(text(span.MessagingSystem))),
		peer:      withoutSecrets(strings.TrimSpace(text(span.PeerService))), peerNamespace: strings.TrimSpace(text(span.PeerNamespace)),
		operation: operationOf(span),
		rpc:       strings.Contains(strings.ToLower(text(span.RPCSystem)), "grpc"),
	}
	if span.Kind == spans.KindServer {
		return p
	}
	p.place = placeOf(span)
	p.nameTopic(text(span.MessagingDestination), text(span.MessagingRoutingKey))
	if p.database != "" {
		p.databaseName = databaseNameOf(p.database, span)
		if p.databaseName == "" {
			p.databaseName = p.place.name
		}
		if databases.IsRedis(p.database) && p.databaseName == "" {
			p.databaseName = "0"
		}
	}
	switch {
	case p.database != "" && p.place.host != "" && span.Kind != spans.KindProducer && span.Kind != spans.KindConsumer:
		p.target, p.role = targetDatabase, roleClient
	case p.role.sends() && p.topic != "":
		p.target = targetTopic
	case p.peer != "":
		p.target = targetPeer
	case p.place.host != "":
		p.target = targetHost
	}
	return p
}

// nameTopic names the topic by its destination, else by the routing key.
func (p *profile) nameTopic(destination, routingKey string) {
	if destination = strings.TrimSpace(destination); destination == "" {
		destination = strings.TrimSpace(routingKey)
	}
	if destination == "" {
		return
	}
	destination = withoutSecrets(destination)
	if p.messaging == "" {
		p.destination = destination
	}
	p.topic = topicAlias(p.messaging, destination)
}

// topicAlias is the alias of a topic.
func topicAlias(system, destination string) catalog.Alias {
	if destination == "" {
		return ""
	}
	if system == "" {
		system = noSystem
	}
	return aliasOf(catalog.WorldTopic, strings.ReplaceAll(system, ":", "_")+":"+destination)
}

func placeOf(span *spans.Span) place {
	const most = 4096
	written, port, kind := whereOf(span)
	text := string(written[:min(len(written), most)])
	var found place
	switch kind {
	case whereURL:
		found = placeOfURL(text)
	case whereConnection:
		return placeOfConnection(text)
	default:
		found = hostOf(text)
	}
	if port != 0 {
		found.port = digits(port)
	}
	if len(span.DBConnectionString) > 0 {
		connection := placeOfConnection(string(span.DBConnectionString[:min(len(span.DBConnectionString), most)]))
		found.name = connection.name
		if found.host == "" {
			found.host = connection.host
		}
		if found.port == "" && connection.host == found.host {
			found.port = connection.port
		}
	}
	return found
}

// roleOf says what a span does, by its kind and, where kinds are missing or say little, by what it does with messages.
func roleOf(span *spans.Span) role {
	operation := strings.ToLower(string(span.MessagingOperation[:min(len(span.MessagingOperation), maxText)]))
	word := messagingRoles[operation]
	switch span.Kind {
	case spans.KindServer:
		return roleServer
	case spans.KindProducer:
		if word == roleCreate || word == roleSettle {
			return word
		}
		return roleSend
	case spans.KindConsumer:
		if word == roleReceive || word == roleSettle {
			return word
		}
		return roleProcess
	case spans.KindClient:
		switch {
		case word != roleNone:
			return word
		case messaging(span):
			return roleSend
		}
		return roleClient
	case spans.KindUnspecified:
		switch {
		case word != roleNone:
			return word
		case len(span.DBSystem) > 0 || len(span.PeerService) > 0:
			return roleClient
		case messaging(span):
			return roleSend
		}
		return roleNone
	}
	switch {
	case word != roleNone:
		return word
	case len(span.DBSystem) > 0:
		return roleClient
	}
	return roleNone
}

// messagingRoles are the words of messaging.operation.type, and those that systems write as messaging.operation.name. It is
// never written to.
var messagingRoles = map[string]role{
	"create": roleCreate,
	"send":   roleSend, "publish": roleSend, "produce": roleSend, "enqueue": roleSend,
	"receive": roleReceive, "poll": roleReceive, "consume": roleReceive, "dequeue": roleReceive, "get": roleReceive,
	"process": roleProcess, "deliver": roleProcess, "handle": roleProcess,
	"settle": roleSettle, "ack": roleSettle, "nack": roleSettle, "acknowledge": roleSettle, "reject": roleSettle,
	"commit": roleSettle, "complete": roleSettle, "abandon": roleSettle, "defer": roleSettle, "dead_letter": roleSettle,
	"deadletter": roleSettle, "delete": roleSettle, "renew_lock": roleSettle,
}

// operationOf names what was called at the called.
func operationOf(span *spans.Span) string {
	cut := func(b []byte) string {
		return withoutSecrets(strings.TrimSpace(clean(string(b[:min(len(b), maxWords)]))))
	}
	switch {
	case len(span.DBSystem) > 0:
		return cut(wordOf(span))
	case len(span.RPCMethod) > 0:
		return cut(span.RPCMethod)
	case len(span.HTTPMethod) > 0:
		return strings.TrimSpace(cut(span.HTTPMethod) + " " + cut(span.HTTPRoute))
	}
	return cut(wordOf(span))
}
