// Package hosts finds the names of hosts in configuration: in values of variables, arguments and files. It only says what
// looks like a host, and how sure that is; whether there is one is for others to say. What it returns never holds
// credentials, paths or any other part of a value.
package hosts

import (
	"slices"
	"strings"
)

// Reference is something in a value that may name a host.
type Reference struct {
	Host string // in lower case, without a final dot; never an IP address of a link or the loopback
	Port int32  // 0 = none stated
	// Protocol is what the value says of it by a scheme or a well-known port: a lower-case word such as http, grpc,
	// postgresql, redis, amqp or kafka; "" = nothing.
	Protocol string
	Form     Form
	// Named is what the name that the value stands under says of it: the nearest one, where a file has names of its own.
	Named Naming
	// Whole says that the value was this host, with or without a port, and nothing else.
	Whole bool
}

// Form says how the host was written, which is how sure it is that it is one.
type Form uint8

// The forms, the least sure first.
const (
	// Word is a single word that could as well be anything else: redis.
	Word Form = iota
	// Dotted is a name with dots that could be a file, a class or a version: shop.cart, api.stripe.com.
	Dotted
	// WithPort is host:port.
	WithPort
	// InURL stands where only a host stands: in a URL, a JDBC or AMQP address, a list of brokers with ports.
	InURL
)

// The bounds of what is looked at and returned. A ConfigMap is smaller than the first; nobody depends on as many hosts as
// the second says.
const (
	maxBytes      = 2 << 20
	maxReferences = 512
)

// Extract finds the hosts in a value. The name is that of the variable, key or flag that the value stands under, or "".
// A host is returned once for each way in which it is written. The time is linear in the length of the value.
func Extract(name, value string) []Reference {
	c := collector{seen: make(map[Reference]bool), local: make(map[string]bool), off: Off(name, value)}
	whole := !strings.Contains(strings.TrimSpace(value), "\n")
	walk(name, value, func(s setting) {
		if s.upstream {
			c.local[s.value] = true
			return
		}
		if !Disabled(s.path, c.off) {
			c.setting(s.path, s.value, whole && s.path == name)
		}
	})
	return slices.DeleteFunc(c.found, func(r Reference) bool { return r.Port == 0 && c.local[r.Host] })
}

// collector gathers references.
type collector struct {
	found []Reference
	seen  map[Reference]bool
	local map[string]bool // names that a file gives to groups of hosts of its own: upstreams
	off   []string        // features that the value switches off
}

func (c *collector) add(r Reference) {
	if len(c.found) < maxReferences && !c.seen[r] {
		c.seen[r] = true
		c.found = append(c.found, r)
	}
}
