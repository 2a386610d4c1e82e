package facts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// probe normalises a probe: what the API server would fill in is filled in, so that a manifest and the cluster that it was
// applied to say the same. A probe without a handler, which no API server takes, is none.
func probe(p *corev1.Probe, line int32, left *cuts) *catalog.Probe {
	if p == nil {
		return nil
	}
	told := &catalog.Probe{
		InitialDelay:     p.InitialDelaySeconds,
		Period:           cmp.Or(p.PeriodSeconds, 10),
		Timeout:          cmp.Or(p.TimeoutSeconds, 1),
		SuccessThreshold: cmp.Or(p.SuccessThreshold, 1),
		FailureThreshold: cmp.Or(p.FailureThreshold, 3),
		Line:             line,
	}
	switch {
	case p.HTTPGet != nil:
		get := p.HTTPGet
		told.Handler = catalog.ProbeHTTP
		told.Port = probedPort(get.Port)
		told.Path = clip(cmp.Or(pathOf(get.Path), "/"), maxText)
		told.Scheme = clip(cmp.Or(string(get.Scheme), string(corev1.URISchemeHTTP)), maxWord)
		told.Host = clip(withoutUser(get.Host), maxName)
		told.Headers = headers(get.HTTPHeaders, left)
	case p.TCPSocket != nil:
		told.Handler = catalog.ProbeTCP
		told.Port = probedPort(p.TCPSocket.Port)
		told.Host = clip(withoutUser(p.TCPSocket.Host), maxName)
	case p.GRPC != nil:
		told.Handler = catalog.ProbeGRPC
		told.Port = strconv.Itoa(int(p.GRPC.Port))
		if p.GRPC.Service != nil {
			told.Service = clip(*p.GRPC.Service, maxName)
		}
	case p.Exec != nil:
		told.Handler = catalog.ProbeExec
		told.Command = commandOf(p.Exec.Command)
		told.Calls = keep(left, called(p.Exec.Command), maxNamed, "hosts that a probe calls")
	default:
		return nil
	}
	if told.Host != "" && !isLocal(told.Host) {
		told.Calls = []string{strings.ToLower(told.Host)}
	}
	return told
}

// probedPort is [portOf] of a probe. Digits in quotes stay in quotes: they are a name, and none that an API server takes.
func probedPort(port intstr.IntOrString) string {
	if _, err := strconv.Atoi(port.StrVal); port.Type == intstr.String && err == nil {
		return strconv.Quote(portOf(port))
	}
	return portOf(port)
}

// portOf writes a port as it was written: as a number in digits, or a name.
func portOf(port intstr.IntOrString) string { return clip(port.String(), maxWord) }

// headers are names of headers with digests of their values, which may be secrets.
func headers(all []corev1.HTTPHeader, left *cuts) []string {
	var told []string
	for _, header := range keep(left, all, maxNamed, "headers of a probe") {
		told = append(told, clip(http.CanonicalHeaderKey(header.Name), maxName)+"="+digest(header.Value))
	}
	slices.Sort(told)
	return told
}

// commandOf is the program, where one can be told, with a digest of the whole command.
func commandOf(command []string) string {
	if len(command) == 0 {
		return ""
	}
	ordinary := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-+/", r)
	}
	program := command[0]
	if len(program) > maxName || strings.ContainsFunc(program, func(r rune) bool { return !ordinary(r) }) {
		program = "command" // a whole line, which may hold anything
	}
	program = path.Base(program)
	return program + " " + digest(strings.Join(command, "\x00"))
}

// digest is short: it tells values apart and gives none away.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:4])
}

// called are the hosts, other than the container itself, that a command surely names: a single word may be anything.
func called(command []string) []string {
	var found []string
	flag := ""
	for _, argument := range command[min(1, len(command)):min(maxArguments, len(command))] {
		for _, host := range hosts.Extract(flag, argument) {
			switch {
			case host.Form < hosts.WithPort && (host.Named != hosts.NamesHost || !host.Whole):
			case isLocal(host.Host):
			default:
				found = append(found, clip(host.Host, maxName))
			}
		}
		if flag = ""; strings.HasPrefix(argument, "-") && !strings.Contains(argument, "=") {
			flag = argument
		}
	}
	for _, host := range hosts.Extract("", strings.Join(command, " ")) { // as it would be typed: psql -h host
		if host.Named == hosts.NamesHost && !isLocal(host.Host) {
			found = append(found, clip(host.Host, maxName))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isLocal says whether a host is the machine that asks.
func isLocal(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && (address.IsLoopback() || address.IsUnspecified())
}
