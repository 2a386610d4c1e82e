// Package hosts finds the names of hosts in configuration: in values of variables, arguments and files. It only says what
// looks like a host, and how sure that is; whether there is one is for others to say. What it returns never holds
// credentials, paths or any other part of a value.
package hosts

// Reference is something in a value that may name a host.
type Reference struct {
	Host string // in lower case, without a final dot; never an IP address of a link or the loopback
	Port int32  // 0 = none stated
	// Protocol is what the value says of it by a scheme or a well-known port: a lower-case word such as http, grpc,
	// postgresql, redis, amqp or kafka; "" = nothing.
	Protocol string
	Form     Form
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
