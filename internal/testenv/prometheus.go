package testenv

import (
	"context"
	"errors"
	"fmt"
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
	found(t, PartPrometheus, err)
	home := t.TempDir()
	data, settings := filepath.Join(home, "data"), filepath.Join(home, "prometheus.yml")
	var scrapes strings.Builder
	scrapes.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: test\n  static_configs:\n")
	for _, target := range conf.Targets {
		fmt.Fprintf(&scrapes, "  - targets: [%q]\n", target)
	}
	if err := os.WriteFile(settings, []byte(scrapes.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if conf.History != "" {
		history := filepath.Join(home, "history.txt")
		if err := os.WriteFile(history, []byte(conf.History), 0o644); err != nil {
			t.Fatal(err)
		}
		blocks := exec.CommandContext(ctx, filepath.Join(programs, "promtool"), "tsdb", "create-blocks-from", "openmetrics", history, data)
		if words, err := blocks.CombinedOutput(); err != nil {
			t.Fatalf("reading the history: %v: %s", err, lastLines(string(words), 10))
		}
	}
	at := unusedAddress(ctx, t)
	startAnswering(ctx, t, "http://"+at+"/-/ready", filepath.Join(programs, "prometheus"), append([]string{
		"--config.file=" + settings, "--storage.tsdb.path=" + data, "--web.listen-address=" + at,
		"--storage.tsdb.retention.time=100y", "--log.level=warn",
	}, conf.Flags...)...)
	return "http://" + at
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
