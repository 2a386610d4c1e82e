package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// prometheusAnswers is how long a Prometheus may take until it answers, its download included.
const prometheusAnswers = 3 * time.Minute

// PrometheusConf says what a Prometheus server of a test knows.
type PrometheusConf struct {
	Targets []string // host:port of exporters, which are scraped each second
	// History is what was scraped before, in the text form of OpenMetrics with a time behind each sample; "" = nothing.
	History string
	Flags   []string // of the server, beside those that are needed
}

// Prometheus starts a Prometheus server that ends with the test, and returns its address once it answers.
func Prometheus(t testing.TB, conf PrometheusConf) (address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), prometheusAnswers)
	defer cancel()
	programs, err := prometheusPrograms(ctx)
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		Missing(t, PartPrometheus, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		address, err := startPrometheus(ctx, t, programs, conf)
		// Another process may have taken the port since it was found to be free.
		if attempt < 3 && errors.As(err, new(*prometheusEnded)) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
}

// prometheusEnded says that the server ended instead of answering.
type prometheusEnded struct{ log string }

func (e *prometheusEnded) Error() string { return "the Prometheus server ended at once: " + e.log }

func startPrometheus(ctx context.Context, t testing.TB, programs string, conf PrometheusConf) (string, error) {
	home := t.TempDir()
	data, settings, log := filepath.Join(home, "data"), filepath.Join(home, "prometheus.yml"), filepath.Join(home, "console.log")
	var scrapes strings.Builder
	scrapes.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: test\n  static_configs:\n")
	for _, target := range conf.Targets {
		fmt.Fprintf(&scrapes, "  - targets: [%q]\n", target)
	}
	if err := os.WriteFile(settings, []byte(scrapes.String()), 0o644); err != nil {
		return "", err
	}
	if conf.History != "" {
		history := filepath.Join(home, "history.txt")
		if err := os.WriteFile(history, []byte(conf.History), 0o644); err != nil {
			return "", err
		}
		blocks := exec.CommandContext(ctx, filepath.Join(programs, "promtool"), "tsdb", "create-blocks-from", "openmetrics", history, data)
		if words, err := blocks.CombinedOutput(); err != nil {
			return "", fmt.Errorf("reading the history: %w: %s", err, lastLines(string(words), 10))
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	server, err := startProcess(log, "", filepath.Join(programs, "prometheus"), append([]string{
		"--config.file=" + settings, "--storage.tsdb.path=" + data, "--web.listen-address=" + loopback(port),
		"--storage.tsdb.retention.time=100y", "--log.level=warn",
	}, conf.Flags...)...)
	if err != nil {
		return "", err
	}
	t.Cleanup(server.kill)
	address := "http://" + loopback(port)
	for {
		if prometheusIsReady(ctx, address) {
			return address, nil
		}
		if !server.running() {
			words, err := os.ReadFile(log)
			return "", errors.Join(&prometheusEnded{lastLines(string(words), 10)}, err)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("prometheus does not answer: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func prometheusIsReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/-/ready", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // only its status counts
	return response.StatusCode == http.StatusOK
}

// prometheusPrograms is the folder of prometheus and promtool: those that are installed, else those of Debian's package,
// which is unpacked once into the cache folder of the user. A *MissingError tells what is not there.
func prometheusPrograms(ctx context.Context) (string, error) {
	if installed, err := exec.LookPath("prometheus"); err == nil {
		folder := filepath.Dir(installed)
		if _, err := os.Stat(filepath.Join(folder, "promtool")); err == nil {
			return folder, nil
		}
	}
	cache, err := cacheFolder("prometheus")
	if err != nil {
		return "", err
	}
	if err := fillOnce(ctx, cache, unpackPrometheus); err != nil {
		return "", &MissingError{fmt.Sprintf("there is no Prometheus, and Debian's package cannot be had: %s", err)}
	}
	return filepath.Join(cache, "usr", "bin"), nil
}

func unpackPrometheus(ctx context.Context, folder string) error {
	work := filepath.Dir(folder)
	run := func(program string, args ...string) error {
		command := exec.CommandContext(ctx, program, args...)
		command.Dir = work
		if words, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, lastLines(string(words), 5))
		}
		return nil
	}
	err := run("apt-get", "download", "-qq", "prometheus")
	if err != nil && os.Geteuid() == 0 && run("apt-get", "update", "-qq") == nil { // its lists may be missing, or of yesterday
		err = run("apt-get", "download", "-qq", "prometheus")
	}
	if err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(work, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return errors.Join(fmt.Errorf("apt-get download left %d packages", len(packages)), err)
	}
	return run("dpkg-deb", "--extract", packages[0], folder)
}
