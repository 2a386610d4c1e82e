package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestProbePortUnresolved(t *testing.T) {
	ports := func(ports ...catalog.ContainerPort) func(*catalog.Container) {
		return func(c *catalog.Container) { c.Ports = ports }
	}
	judge(t, "probe-port-unresolved", map[string]judgement{
		"no probes":     {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"exec":          {facts: facts(serving(live(run("x")))), want: "main NOT_APPLICABLE"},
		"a number":      {facts: facts(serving(live(tcp("8080")))), want: "main PASS"},
		"undeclared":    {facts: facts(serving(live(tcp("9999")))), want: "main PASS"},
		"a name":        {facts: facts(serving(live(tcp("http")))), want: "main PASS"},
		"no such name":  {facts: facts(serving(ready(get("https", "/")))), want: "main FAIL ERROR", says: "the readiness probe asks port https"},
		"a neighbour's": {facts: facts(silent(live(tcp("http"))), serving(named("b"))), want: "main FAIL ERROR; b NOT_APPLICABLE"},
		"another case":  {facts: facts(serving(live(tcp("HTTP")))), want: "main FAIL ERROR"},
		"zero":          {facts: facts(serving(live(tcp("0")))), want: "main FAIL ERROR"},
		"too large":     {facts: facts(serving(live(tcp("65536")))), want: "main FAIL ERROR"},
		"far too large": {facts: facts(serving(live(tcp("99999999999999999999")))), want: "main FAIL ERROR"},
		"none":          {facts: facts(serving(live(tcp("")))), want: "main FAIL ERROR", says: "no port"},
		"in quotes":     {facts: facts(serving(live(tcp(`"8080"`)))), want: "main FAIL ERROR", says: "needs a letter"},
		"gRPC by name":  {facts: facts(serving(live(grpc("http", "")))), want: "main FAIL ERROR", says: "takes a number"},
		"gRPC":          {facts: facts(serving(live(grpc("8080", "")))), want: "main PASS"},
		"one name twice": {
			facts: facts(serving(ports(catalog.ContainerPort{Name: "http", Number: 1}, catalog.ContainerPort{Name: "http", Number: 2}), live(tcp("http")))),
			want:  "main FAIL ERROR", says: "more than once",
		},
		"another protocol": {
			facts: facts(serving(ports(catalog.ContainerPort{Name: "dns", Number: 53, Protocol: "UDP"}), live(tcp("dns")))),
			want:  "main FAIL WARNING", says: "another protocol",
		},
	})
}

func TestProbePortUndeclared(t *testing.T) {
	judge(t, "probe-port-undeclared", map[string]judgement{
		"no probes":      {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"exec":           {facts: facts(serving(live(run("x")))), want: "main NOT_APPLICABLE"},
		"declared":       {facts: facts(serving(live(tcp("8080")))), want: "main PASS"},
		"by name":        {facts: facts(serving(live(tcp("http")))), want: "main PASS"},
		"undeclared":     {facts: facts(serving(live(tcp("8080")), ready(get("8081", "/readyz")))), want: "main FAIL WARNING", says: "readiness probe asks port 8081"},
		"gRPC":           {facts: facts(serving(live(grpc("9999", "")))), want: "main FAIL WARNING"},
		"nothing at all": {facts: facts(silent(live(tcp("8080")))), want: "main FAIL WARNING"},
		"a neighbour's":  {facts: facts(silent(live(tcp("8080"))), serving(named("b"))), want: "main FAIL WARNING; b NOT_APPLICABLE"},
		"another host's": {facts: facts(serving(live(get("443", "/", host("example.com"))))), want: "main NOT_APPLICABLE"},
		"a sidecar's":    {facts: facts(serving(role(catalog.SidecarContainer), live(tcp("15021")))), want: "main FAIL WARNING"},
	})
}

func TestProbeAsksNode(t *testing.T) {
	ask := func(name string) *catalog.Facts { return facts(serving(live(get("8080", "/", host(name))))) }
	judge(t, "probe-asks-node", map[string]judgement{
		"no probes":    {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"the pod":      {facts: ask(""), want: "main PASS"},
		"localhost":    {facts: ask("LocalHost"), want: "main FAIL ERROR"},
		"a loopback":   {facts: ask("127.0.0.1"), want: "main FAIL ERROR"},
		"of six":       {facts: ask("::1"), want: "main FAIL ERROR"},
		"another host": {facts: ask("db.shop"), want: "main PASS"},
		"host network": {facts: edited(ask("127.0.0.1"), func(f *catalog.Facts) { f.Workload.HostNetwork = true }), want: "main PASS"},
	})
}
