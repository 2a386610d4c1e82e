package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	// telemetryBuilds is how long the programs may take to build, once; telemetryWorks how long the tests wait for them.
	telemetryBuilds = 15 * time.Minute
	telemetryWorks  = time.Minute
)

// telemetryPrograms is the folder of otel (otel/main.go) and telemetrygen, built once into the cache folder of the user.
func telemetryPrograms(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		if folder, _, err := moduleFolder("otel"); err == nil {
			if _, err := os.Stat(folder); err != nil {
				t.Skip("the collector is not built yet")
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), telemetryBuilds)
	defer cancel()
	folder, err := builtModule(ctx, "otel", func(ctx context.Context, module, folder string) error {
		for program, source := range map[string]string{
			"otel":         ".",
			"telemetrygen": "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen",
		} {
			_, err := goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
				"-o", filepath.Join(folder, program), source)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		Missing(t, PartTelemetry, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// Telemetrygen runs OpenTelemetry's generator of telemetry with the arguments, until it is done.
func Telemetrygen(t testing.TB, args ...string) {
	t.Helper()
	program := filepath.Join(telemetryPrograms(t), "telemetrygen")
	ctx, cancel := context.WithTimeout(t.Context(), telemetryWorks)
	defer cancel()
	if words, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("telemetrygen: %v: %s", err, lastLines(string(words), 20))
	}
}

// Collector is a running OpenTelemetry collector.
type Collector struct {
	GRPC, HTTP string // host:port where it takes OTLP

	server *process
	log    string
}

// StartCollector starts a real OpenTelemetry collector, which takes traces by OTLP and hands them to the exporters, a list by
// name in YAML such as `{otlphttp: {endpoint: "http://127.0.0.1:4318"}}`. It ends with the test.
func StartCollector(t testing.TB, exporters map[string]string) *Collector {
	t.Helper()
	program := filepath.Join(telemetryPrograms(t), "otel")
	ctx, cancel := context.WithTimeout(t.Context(), telemetryWorks)
	defer cancel()
	for attempt := 1; ; attempt++ {
		c, err := startCollector(ctx, t, program, exporters)
		// Another process may have taken a port since it was found to be free.
		if attempt < 3 && errors.As(err, new(*collectorEnded)) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// collectorEnded says that the collector ended instead of answering.
type collectorEnded struct{ log string }

func (e *collectorEnded) Error() string { return "the collector ended at once: " + e.log }

func startCollector(ctx context.Context, t testing.TB, program string, exporters map[string]string) (*Collector, error) {
	home := t.TempDir()
	c := &Collector{log: filepath.Join(home, "console.log")}
	for _, address := range []*string{&c.GRPC, &c.HTTP} {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		*address = loopback(port)
	}
	names, configured := "", ""
	for name, config := range exporters {
		names += name + ","
		configured += fmt.Sprintf("  %s: %s\n", name, config)
	}
	settings := filepath.Join(home, "collector.yaml")
	err := os.WriteFile(settings, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}
exporters:
%sservice:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [%s]}}
`, c.GRPC, c.HTTP, configured, names), 0o600)
	if err != nil {
		return nil, err
	}
	return c, c.start(ctx, t, program, settings)
}

// start runs the collector with the settings, until it listens.
func (c *Collector) start(ctx context.Context, t testing.TB, program, settings string) (err error) {
	if c.server, err = startProcess(c.log, "", program, "--config", "file:"+settings); err != nil {
		return err
	}
	t.Cleanup(c.server.kill)
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", c.HTTP) // the second that it opens
		if err == nil {
			return connection.Close()
		}
		if !c.server.running() {
			return &collectorEnded{c.Log()}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the collector does not answer: %w: %s", context.Cause(ctx), c.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// RunCollector starts a real OpenTelemetry collector with a configuration as people write it, in which it takes OTLP at these
// addresses, host:port. It ends with the test.
func RunCollector(t testing.TB, configuration, grpc, http string) *Collector {
	t.Helper()
	program := filepath.Join(telemetryPrograms(t), "otel")
	ctx, cancel := context.WithTimeout(t.Context(), telemetryWorks)
	defer cancel()
	home := t.TempDir()
	c := &Collector{GRPC: grpc, HTTP: http, log: filepath.Join(home, "console.log")}
	settings := filepath.Join(home, "collector.yaml")
	if err := os.WriteFile(settings, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.start(ctx, t, program, settings); err != nil {
		t.Fatal(err)
	}
	return c
}

// Process is the id of its process.
func (c *Collector) Process() int { return c.server.pid() }

// Log is the last that it told.
func (c *Collector) Log() string {
	words, _ := os.ReadFile(c.log) // which may not be there yet
	return lastLines(string(words), 20)
}

// Stop lets it hand on what it has, and end.
func (c *Collector) Stop(t testing.TB) {
	t.Helper()
	c.server.terminate()
	ctx, cancel := context.WithTimeout(t.Context(), telemetryWorks)
	defer cancel()
	for c.server.running() {
		select {
		case <-ctx.Done():
			t.Fatalf("the collector does not stop: %s", c.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
