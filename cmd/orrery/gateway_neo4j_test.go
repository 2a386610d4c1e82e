package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// gateway is the documented configuration of a collector before several replicas.
const gateway = "../../deploy/scaling/collector.yaml"

var acceptedSpans = regexp.MustCompile(`(?m)^orrery_otlp_spans_total\{.*outcome="accepted".*\} (\d+)`)

// TestNeo4jTracesByGateway has a real collector, with the documented configuration, split one stream between three replicas.
func TestNeo4jTracesByGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a collector and three servers")
	}
	t.Parallel()
	addresses := freePorts(t, 3)
	running, _ := tracedReplicas(t, addresses)
	configuration, err := os.ReadFile(gateway)
	if err != nil {
		t.Fatal(err)
	}
	text := string(configuration)
	for number, address := range addresses {
		text = strings.ReplaceAll(text, fmt.Sprintf("orrery-%d:4317", number+1), address)
	}
	ports := freePorts(t, 2)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "0.0.0.0:4317", ports[0]), "0.0.0.0:4318", ports[1])
	const token = "${env:ORRERY_OTLP_TOKEN}"
	if !strings.Contains(text, token) {
		t.Fatalf("%s sends no token", gateway)
	}
	collector := testenv.RunCollector(t, strings.ReplaceAll(text, token, otlpToken), ports[0], ports[1])
	var s shop
	send(t, "http://"+collector.HTTP, s.traces(t, 2000, 1)[0]...)
	all := called{int(s.next), s.failed}
	requireCalls(t, running, all, all)
	for number, r := range running {
		metrics, _ := get(t, r.url+"/metrics")
		if taken := acceptedSpans.FindStringSubmatch(metrics); taken == nil || len(taken[1]) < 4 { // thousands of 10,000
			t.Errorf("replica %d took %v", number, taken)
		}
	}
}
