// Package testenv finds or starts the real parts that tests need, and decides what a missing part means: the test is
// skipped with the reason, or fails where ORRERY_REQUIRE (a comma-separated list) names the part.
package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The parts a test may need, by the names that ORRERY_REQUIRE knows.
const (
	PartCorpora    = "corpora"    // real catalogs, kept beside the project
	PartBrowser    = "browser"    // a Chromium
	PartNeo4j      = "neo4j"      // Java and Maven, to run a Neo4j server; or a server that is named
	PartKube       = "kube"       // Go modules, to build and run Kubernetes; or a cluster that is named
	PartPrometheus = "prometheus" // an installed Prometheus, or Debian's package of it
	PartJaeger     = "jaeger"     // Go modules, to build a Jaeger
	PartZipkin     = "zipkin"     // Java and Maven, to run a Zipkin
	PartTelemetry  = "telemetry"  // Go modules, to build an OpenTelemetry collector and telemetrygen
	PartGitHub     = "github"     // Node and npm, to fetch GitHub's descriptions of its API and serve them
)

// Missing ends the test: by a skip that tells the reason, or by a failure where the part is required.
func Missing(t testing.TB, part, reason string) {
	t.Helper()
	if required(part) {
		t.Fatalf("%s is required by ORRERY_REQUIRE and missing: %s", part, reason)
	}
	t.Skipf("%s is missing: %s", part, reason)
}

func required(part string) bool {
	return slices.Contains(strings.Split(os.Getenv("ORRERY_REQUIRE"), ","), part)
}

// Corpora is the folder of the real catalogs: ORRERY_CORPORA, or `shared/corpora/dev` beside the project.
func Corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ORRERY_CORPORA")
	if dir == "" {
		dir = filepath.Join(ProjectRoot(t), "..", "shared", "corpora", "dev")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		Missing(t, PartCorpora, dir+" is not a folder (set ORRERY_CORPORA to where it is)")
	}
	return dir
}

// ProjectRoot is the folder that holds go.mod.
func ProjectRoot(t testing.TB) string {
	t.Helper()
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func projectRoot() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) { // built with -trimpath
		return "", errors.New("the place of the sources is unknown")
	}
	return filepath.Join(filepath.Dir(file), "..", ".."), nil
}
