package catalog

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Alias is a name of another world, prefixed by that world:
//
//	otel:[namespace/]service                     a service as it names itself in telemetry
//	k8s:cluster/namespace/kind/name              a controller or bare pod; kind is one of [WorkloadKinds]
//	dns:checkout.shop.svc                        a Kubernetes Service
//	host:api.stripe.com                          a host of a third party, or any other
//	db:system:host[:port][/database]             a database
//	topic:system:destination                     a topic or queue
//	faas:arn:aws:lambda:eu-west-1:1:function:pay a function, by what its cloud calls it
//	repo:github.com/acme/checkout                a repository
//
// Aliases are equal exactly when the strings are: make one with [ParseAlias], which gives the normal form.
type Alias string

// The worlds that aliases come from.
const (
	WorldOTel       = "otel"
	WorldKubernetes = "k8s"
	WorldDNS        = "dns"
	WorldHost       = "host"
	WorldDatabase   = "db"
	WorldTopic      = "topic"
	WorldFunction   = "faas"
	WorldRepository = "repo"
)

// MaxAliasBytes is the length of the longest alias.
const MaxAliasBytes = 1024

// ErrAlias is what every error of [ParseAlias] wraps.
var ErrAlias = errors.New("not an alias")

// WorkloadKinds lists the kinds of a Kubernetes alias: controllers, and a pod that has none.
func WorkloadKinds() []string {
	return []string{"deployment", "statefulset", "daemonset", "cronjob", "job", "pod"}
}

// ParseAlias reads an alias and gives its normal form. Where the other world does not tell upper from lower case, or
// hardly ever means it (services, hosts, repositories), the normal form is in lower case; names of databases, functions and
// destinations of messages keep theirs. A DNS name ends at ".svc", a host has no final dot, a repository neither a
// scheme nor ".git". Ports stay as they are. A service without a namespace whose name holds a slash is written with a
// slash before it. Errors wrap [ErrAlias].
func ParseAlias(s string) (Alias, error) {
	world, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	world = strings.ToLower(world)
	switch {
	case len(s) > MaxAliasBytes:
		return "", fmt.Errorf("%w: %d bytes are more than %d", ErrAlias, len(s), MaxAliasBytes)
	case !ok:
		return "", fmt.Errorf("%w: %q has none of otel:, k8s:, dns:, host:, db:, topic:, faas: and repo: in front", ErrAlias, s)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "", fmt.Errorf("%w: %q holds characters that no name has", ErrAlias, s)
	}
	normal, shape := normalise(world, strings.TrimSpace(rest))
	if shape == "" {
		return "", fmt.Errorf("%w: %q has none of otel:, k8s:, dns:, host:, db:, topic:, faas: and repo: in front", ErrAlias, s)
	}
	if normal == "" {
		return "", fmt.Errorf("%w: %q does not look like %s:%s", ErrAlias, s, world, shape)
	}
	if len(world)+1+len(normal) > MaxAliasBytes { // lower case may be longer
		return "", fmt.Errorf("%w: it is longer than %d bytes", ErrAlias, MaxAliasBytes)
	}
	return Alias(world + ":" + normal), nil
}

// World is the part before the first colon, one of the World constants.
func (a Alias) World() string {
	world, _ := a.cut()
	return world
}

func (a Alias) cut() (world, rest string) {
	world, rest, _ = strings.Cut(string(a), ":")
	return world, rest
}

// normalise gives the normal form of what stands behind the world, "" where it has not the shape, and the shape: "" for
// an unknown world.
func normalise(world, rest string) (normal, shape string) {
	switch world {
	case WorldOTel:
		return normalService(rest)
	case WorldKubernetes:
		return normalWorkload(rest)
	case WorldDNS:
		return normalDNS(rest)
	case WorldHost:
		return normalHost(rest), "name or IP address, without a port"
	case WorldDatabase:
		return normalDatabase(rest)
	case WorldTopic:
		return normalTopic(rest)
	case WorldFunction:
		return rest, "id of the resource in its cloud"
	case WorldRepository:
		return normalRepository(rest)
	}
	return "", ""
}

func normalService(s string) (normal, shape string) {
	const form = "[namespace/]service"
	namespace, service := splitService(lower(s))
	namespace, service = strings.TrimSpace(namespace), strings.TrimSpace(service)
	switch {
	case service == "":
		return "", form
	case namespace != "":
		return namespace + "/" + service, form
	case strings.Contains(service, "/"):
		return "/" + service, form
	}
	return service, form
}

// splitService takes apart what stands behind "otel:".
func splitService(rest string) (namespace, service string) {
	if namespace, service, ok := strings.Cut(rest, "/"); ok {
		return namespace, service
	}
	return "", rest
}

func normalWorkload(s string) (normal, shape string) {
	const form = "cluster/namespace/kind/name (kind is deployment, statefulset, daemonset, cronjob, job or pod)"
	w, ok := splitWorkload(lower(s))
	if !ok || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", form
	}
	return strings.Join([]string{w.cluster, w.namespace, w.kind, w.name}, "/"), form
}

type workload struct{ cluster, namespace, kind, name string }

// splitWorkload takes apart what stands behind "k8s:", from the end, because names of clusters may hold slashes.
func splitWorkload(rest string) (w workload, ok bool) {
	parts := []*string{&w.name, &w.kind, &w.namespace}
	for _, part := range parts {
		i := strings.LastIndexByte(rest, '/')
		if i <= 0 || i+1 == len(rest) {
			return workload{}, false
		}
		rest, *part = rest[:i], rest[i+1:]
	}
	w.cluster = rest
	return w, isWorkloadKind(w.kind)
}

func isWorkloadKind(s string) bool { return slices.Contains(WorkloadKinds(), s) }

func normalDNS(s string) (normal, shape string) {
	const form = "name.namespace.svc"
	name, namespace, ok := splitDNS(lower(s))
	if !ok {
		return "", form
	}
	return name + "." + namespace + ".svc", form
}

// splitDNS takes apart the name of a Kubernetes Service: name.namespace.svc, with or without the domain of the cluster.
func splitDNS(host string) (name, namespace string, ok bool) {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(labels) < 3 || labels[2] != "svc" {
		return "", "", false
	}
	for _, label := range labels {
		if label == "" || normalHost(label) != label {
			return "", "", false
		}
	}
	return labels[0], labels[1], true
}

// normalHost is a host name or IP address in lower case, "" for anything else.
func normalHost(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	if address, err := netip.ParseAddr(s); err == nil && address.Zone() == "" {
		return address.String()
	}
	s = strings.TrimSuffix(lower(s), ".")
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && !strings.ContainsRune("-_.", r)
	}
	if strings.ContainsFunc(s, bad) || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return ""
	}
	return s
}

// ownHost is before the service on whose own host a database is: each service means another one by localhost. What follows
// it stays as it is.
const ownHost = "localhost@"

func normalDatabase(s string) (normal, shape string) {
	const form = "system:host[:port][/database]"
	if system, local, ok := strings.Cut(s, ":"+ownHost); ok && system != "" && !strings.ContainsAny(system, ":/") {
		if local = strings.TrimSpace(local); local == "" {
			return "", form
		}
		return lower(strings.TrimSpace(system)) + ":" + ownHost + local, form
	}
	d, ok := splitDatabase(s)
	system, host := lower(strings.TrimSpace(d.system)), normalHost(d.host)
	if !ok || system == "" || host == "" {
		return "", form
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	normal = system + ":" + host
	if d.port != "" {
		port, err := strconv.ParseUint(d.port, 10, 16)
		if err != nil {
			return "", form
		}
		normal += ":" + strconv.FormatUint(port, 10)
	}
	if name := strings.TrimSpace(d.name); name != "" {
		normal += "/" + name
	}
	return normal, form
}

type database struct{ system, host, port, name string }

// splitDatabase takes apart what stands behind "db:". An IPv6 address stands in brackets, and stays in them.
func splitDatabase(rest string) (d database, ok bool) {
	d.system, rest, ok = strings.Cut(rest, ":")
	if !ok || strings.Contains(d.system, "/") {
		return database{}, false
	}
	rest, d.name, _ = strings.Cut(rest, "/")
	bracket := strings.LastIndexByte(rest, ']')
	if colon := strings.LastIndexByte(rest, ':'); colon > bracket {
		rest, d.port = rest[:colon], rest[colon+1:]
		if d.port == "" {
			return database{}, false
		}
	}
	d.host = rest
	if strings.Contains(d.host, ":") && bracket < 0 {
		return database{}, false
	}
	return d, true
}

func normalTopic(s string) (normal, shape string) {
	const form = "system:destination"
	system, destination, _ := strings.Cut(s, ":")
	system, destination = lower(strings.TrimSpace(system)), strings.TrimSpace(destination)
	if system == "" || destination == "" {
		return "", form
	}
	return system + ":" + destination, form
}

func normalRepository(s string) (normal, shape string) {
	const form = "host[:port]/path"
	s = lower(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	for trimmed := ""; trimmed != s; {
		trimmed, s = s, strings.TrimSuffix(strings.TrimRight(s, "/"), ".git")
	}
	server, path, ok := strings.Cut(s, "/")
	host, port, hasPort := strings.Cut(server, ":")
	if !ok || host == "" || normalHost(host) != host || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", form
	}
	if _, err := strconv.ParseUint(port, 10, 16); hasPort && err != nil {
		return "", form
	}
	if slices.Contains(strings.Split(path, "/"), "") {
		return "", form
	}
	return s, form
}
