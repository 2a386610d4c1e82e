package recorded

import (
	"strings"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// tellZipkinSpan hands over one span.
func (c *content) tellZipkinSpan(z *zipkin) error {
	c.span = spans.Span{Name: []byte(z.Name), ID: z.id, Parent: z.up, BadID: z.ID == "", Kind: kind(string(z.Kind))}
	s := &c.span
	s.TraceID, s.BadTraceID = c.ids.trace(string(z.Trace))
	s.Start, s.End = between(z.Timestamp, z.Duration)
	local, remote := z.Local.service(), z.Remote.service()
	if s.Kind == spans.KindUnspecified && local != "" && remote != "" {
		s.Kind = spans.KindClient // as Zipkin itself takes what names both sides
	}
	c.setter.Begin(&s.Attributes)
	c.resource.Begin()
	c.resource.Set("service.name", spans.Text([]byte(local)))
	for _, key := range sorted(z.Tags) {
		c.zipkinTag(s, key, string(z.Tags[key]))
	}
	s.Resource = c.resources.Intern(c.resource.Resource())
	switch s.Kind {
	case spans.KindProducer, spans.KindConsumer:
		c.zipkinBroker(remote, z.Tags)
	case spans.KindServer:
		c.setter.Set("peer.service", spans.Text([]byte(remote)))
	default:
		c.zipkinCallee(z.Remote, z.Tags)
	}
	return c.each(s)
}

// zipkinTag takes in a tag. Exporters that have no place for the attributes of a resource write them as tags.
func (c *content) zipkinTag(s *spans.Span, key, value string) {
	switch key {
	case "error": // what it says is the message; only some bridges write false
		s.ErrorTag = s.ErrorTag || !strings.EqualFold(value, "false")
	case "otel.status_code":
		s.Status = status(value)
	case "w3c.tracestate":
		s.TraceState = []byte(value)
	default:
		c.setter.Set(key, spans.Text([]byte(value)))
		c.resource.Set(key, spans.Text([]byte(value)))
	}
}

// zipkinCallee takes in the other side of a call: by its name, and only without one by its address, which may be that of
// whatever stands in between.
func (c *content) zipkinCallee(remote *zipkinEndpoint, tags map[string]text) {
	if remote == nil {
		return
	}
	name := string(remote.Service)
	c.setter.Set("peer.service", spans.Text([]byte(name)))
	if system := zipkinDatabase(strings.ToLower(name), tags); system != "" {
		c.setter.Set("db.system", spans.Text([]byte(system)))
	}
	if name != "" {
		return
	}
	address := string(remote.IPv4)
	if address == "" {
		address = string(remote.IPv6)
	}
	c.setter.Set("network.peer.address", spans.Text([]byte(address)))
	c.setter.Set("network.peer.port", spans.Text([]byte(remote.Port)))
}

// zipkinDatabase is the system of a database that is called, by the tags and names that Zipkin's tracers give; "" = it is
// none. They name the system in front of the database's own name, if at all.
func zipkinDatabase(name string, tags map[string]text) string {
	for _, system := range [...]string{"mysql", "postgresql", "mongodb", "redis", "cassandra", "memcached", "memcache", "elasticsearch"} {
		if name == system || strings.HasPrefix(name, system+"-") {
			return system
		}
	}
	for key := range tags {
		if strings.HasPrefix(key, "cassandra.") || strings.HasPrefix(key, "cql.") {
			return "cassandra"
		}
		if strings.HasPrefix(key, "mongodb.") {
			return "mongodb"
		}
	}
	if _, queries := tags["sql.query"]; queries {
		return "other_sql"
	}
	return ""
}

// zipkinBroker takes in where a message goes to or comes from: the remote side is the broker.
func (c *content) zipkinBroker(broker string, tags map[string]text) {
	system := strings.ToLower(broker)
	for _, known := range [...]struct{ tag, system string }{
		{"kafka.topic", "kafka"},
		{"rabbit.queue", "rabbitmq"},
		{"rabbit.routing_key", "rabbitmq"},
		{"rabbit.exchange", "rabbitmq"},
		{"jms.queue", ""},
		{"jms.topic", ""},
	} {
		destination, ok := tags[known.tag]
		if !ok {
			continue
		}
		if known.system != "" {
			system = known.system
		} else if system == "" {
			system = "jms"
		}
		if known.tag == "rabbit.routing_key" {
			c.setter.Set("messaging.rabbitmq.destination.routing_key", spans.Text([]byte(destination)))
			continue
		}
		if known.tag != "rabbit.exchange" {
			c.setter.Set("messaging.destination.name", spans.Text([]byte(destination)))
		}
	}
	c.setter.Set("messaging.system", spans.Text([]byte(system)))
}
