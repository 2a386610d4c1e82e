package health

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// purpose is what a probe is for.
type purpose string

const (
	liveness  purpose = "liveness"
	readiness purpose = "readiness"
	startup   purpose = "startup"
)

// purposed is a probe with its purpose.
type purposed struct {
	purpose
	*catalog.Probe
}

// probesOf lists the probes of a container.
func probesOf(c *catalog.Container) []purposed {
	var list []purposed
	for _, p := range []purposed{{liveness, c.Liveness}, {readiness, c.Readiness}, {startup, c.Startup}} {
		if p.Probe != nil {
			list = append(list, p)
		}
	}
	return list
}

// portOf is the number of the port that the kubelet asks: a name stands for the first port of this container that is
// called so, whatever its protocol. Other containers of the pod do not count.
func portOf(c *catalog.Container, p *catalog.Probe) (int32, bool) {
	if n, err := strconv.Atoi(p.Port); err == nil {
		return int32(n), n >= 1 && n <= 65535
	}
	if p.Handler == catalog.ProbeGRPC || p.Port == "" {
		return 0, false
	}
	for _, port := range c.Ports {
		if port.Name == p.Port {
			return port.Number, true
		}
	}
	return 0, false
}

// requestPath is what the kubelet asks for: a path without a slash before it gets one, an empty one is "/", and a fragment
// is not sent.
func requestPath(p *catalog.Probe) string {
	parsed, err := url.Parse(p.Path)
	if err != nil {
		parsed = &url.URL{Path: p.Path}
	}
	request := &url.URL{Path: "/" + strings.TrimPrefix(parsed.Path, "/"), RawPath: parsed.RawPath, RawQuery: parsed.RawQuery}
	if request.RawPath != "" {
		request.RawPath = "/" + strings.TrimPrefix(request.RawPath, "/")
	}
	return request.RequestURI()
}

// pathAlone is [requestPath] without a query.
func pathAlone(p *catalog.Probe) string {
	path, _, _ := strings.Cut(requestPath(p), "?")
	return path
}

// sameEndpoint says whether two probes ask the same thing of the same place.
func sameEndpoint(c *catalog.Container, a, b *catalog.Probe) bool {
	if a.Handler != b.Handler || !strings.EqualFold(a.Host, b.Host) {
		return false
	}
	if a.Handler == catalog.ProbeExec {
		return a.Command == b.Command
	}
	// What cannot be resolved is only the same where it is written the same.
	aPort, aKnown := portOf(c, a)
	bPort, bKnown := portOf(c, b)
	if a.Port != b.Port && (!aKnown || !bKnown || aPort != bPort) {
		return false
	}
	switch a.Handler {
	case catalog.ProbeHTTP:
		return scheme(a) == scheme(b) && requestPath(a) == requestPath(b)
	case catalog.ProbeGRPC:
		return a.Service == b.Service
	default:
		return true
	}
}

func scheme(p *catalog.Probe) string {
	if p.Scheme == "" {
		return "HTTP"
	}
	return strings.ToUpper(p.Scheme)
}

// differences names what two probes of the same endpoint do differently.
func differences(a, b *catalog.Probe) []string {
	var list []string
	for _, d := range []struct {
		name string
		same bool
	}{
		{"headers", slices.Equal(a.Headers, b.Headers)},
		{"initialDelaySeconds", a.InitialDelay == b.InitialDelay},
		{"periodSeconds", a.Period == b.Period},
		{"timeoutSeconds", a.Timeout == b.Timeout},
		{"successThreshold", a.SuccessThreshold == b.SuccessThreshold},
		{"failureThreshold", a.FailureThreshold == b.FailureThreshold},
	} {
		if !d.same {
			list = append(list, d.name)
		}
	}
	return list
}

// tolerance is for how many seconds a probe lets a container fail before it acts.
func tolerance(p *catalog.Probe) int64 { return int64(p.Period) * int64(p.FailureThreshold) }

// budget is how many seconds a container has, from its start, until a probe that never succeeds acts.
func budget(p *catalog.Probe) int64 { return int64(p.InitialDelay) + tolerance(p) }

// described is a probe in a few words.
func described(p *catalog.Probe) string {
	port := p.Host + ":" + p.Port
	switch p.Handler {
	case catalog.ProbeHTTP:
		return fmt.Sprintf("%s GET %s%s", scheme(p), port, requestPath(p))
	case catalog.ProbeGRPC:
		return strings.TrimRight("gRPC "+port+"/"+p.Service, "/")
	case catalog.ProbeExec:
		program, _, _ := strings.Cut(p.Command, " ")
		return "exec " + program
	default:
		return string(p.Handler) + " " + port
	}
}
