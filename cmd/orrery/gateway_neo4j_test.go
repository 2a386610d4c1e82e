package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
)

// gateway is the documented configuration of a collector before several replicas.
const gateway = "../../deploy/scaling/collector.yaml"

// TestNeo4jTracesByGateway has a real collector, with the documented configuration, split one stream between three replicas.
func TestNeo4jTracesByGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a collector and three servers")
	}
	t.Parallel()
	running, collector := behindGateway(t)
	var s shop
	send(t, "http://"+collector.HTTP, s.traces(t, 2000, 1)[0]...)
	all := called{int(s.next), s.failed}
	requireCalls(t, running, all, all)
	for number, r := range running {
		if accepted := r.accepted(); accepted < 1000 { // of 10,000
			t.Errorf("replica %d took %d spans", number, accepted)
		}
	}
}

// behindGateway starts three replicas, and a collector before them.
func behindGateway(t *testing.T) ([]*replica, *testenv.Collector) {
	t.Helper()
	addresses := freePorts(t, 3)
	running, _ := tracedReplicas(t, addresses)
	configuration, err := os.ReadFile(gateway)
	if err != nil {
		t.Fatal(err)
	}
	text := string(configuration)
	replace := func(old, fresh string) {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %s", gateway, old)
		}
		text = strings.ReplaceAll(text, old, fresh)
	}
	for number, address := range addresses {
		replace(fmt.Sprintf("orrery-%d:4317", number+1), address)
	}
	ports := freePorts(t, 2)
	replace("0.0.0.0:4317", ports[0])
	replace("0.0.0.0:4318", ports[1])
	replace("${env:ORRERY_OTLP_TOKEN}", otlpToken)
	return running, testenv.RunCollector(t, text, ports[0], ports[1])
}

var acceptedSpans = regexp.MustCompile(`(?m)^orrery_otlp_spans_total\{.*outcome="accepted".*\} (\S+)`)

// accepted is how many spans the replica took.
func (r *replica) accepted() int {
	r.t.Helper()
	metrics, _ := get(r.t, r.url+"/metrics")
	found := acceptedSpans.FindStringSubmatch(metrics)
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return int(n)
}

// TestGatewayCosts tells how many spans a second of the processor is enough for, in the gateway and in the replicas. It
// needs nothing to be idle, but some time: `make` does not run it.
func TestGatewayCosts(t *testing.T) {
	if os.Getenv("ORRERY_MEASURE") == "" {
		t.Skip("measures, and holds nothing: set ORRERY_MEASURE")
	}
	running, collector := behindGateway(t)
	requests, err := otlptest.Requests(1, 40, 60, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	batch := func(from, to int) {
		for number := from; number < to; number++ {
			request := requests[number%len(requests)]
			request.Fresh(uint64(number))
			sendBytes(t, "http://"+collector.HTTP, request.Bytes)
			sent += request.Spans
		}
		eventually(t, "all is taken", func() bool {
			taken := 0
			for _, r := range running {
				taken += r.accepted()
			}
			return taken >= sent
		})
	}
	batch(0, 100) // what is done once only
	cost := func() (gateway, replicas time.Duration) {
		for _, r := range running {
			replicas += processorTime(t, r.command.Process.Pid)
		}
		return processorTime(t, collector.Process()), replicas
	}
	gateway, replicas := cost()
	before := sent
	batch(100, 1500)
	gatewayAfter, replicasAfter := cost()
	spans := float64(sent - before)
	t.Logf("%.0f spans: %.0f a second of the processor in the gateway, %.0f in the replicas", spans,
		spans/(gatewayAfter-gateway).Seconds(), spans/(replicasAfter-replicas).Seconds())
}

// processorTime is what a process has used of the processor.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
