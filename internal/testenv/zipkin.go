package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	zipkinVersion = "3.5.1"
	zipkinAnswers = 5 * time.Minute // its download included
)

// Zipkin starts a Zipkin that keeps its traces in memory and ends with the test, and returns its address once it answers.
func Zipkin(t testing.TB) (address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), zipkinAnswers)
	defer cancel()
	zipkin, err := zipkinLibrary(ctx)
	found(t, PartZipkin, err)
	at := unusedAddress(ctx, t)
	startAnswering(ctx, t, "http://"+at+"/health", zipkin.java, "-Xmx256m", "-jar", zipkin.jars,
		"--armeria.ports[0].ip="+host(at), "--armeria.ports[0].port="+port(at), "--armeria.ports[0].protocols[0]=http",
		"--logging.level.root=WARN")
	return "http://" + at
}

// zipkinLibrary finds Java and the jar of the server, which Maven copies once into the cache folder of the user. A
// *MissingError tells what is not there.
func zipkinLibrary(ctx context.Context) (library, error) {
	java, err := findJava(ctx)
	if err != nil {
		return library{}, &MissingError{err.Error()}
	}
	folder, err := cacheFolder("zipkin-" + zipkinVersion)
	if err != nil {
		return library{}, err
	}
	name := "zipkin-server-" + zipkinVersion + "-exec.jar"
	err = fillOnce(ctx, folder, func(ctx context.Context, empty string) error {
		maven, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("there is no Maven to fetch Zipkin with: %w: %s", err, installJava)
		}
		fetch := exec.CommandContext(ctx, maven, "--batch-mode", "--quiet", "dependency:copy",
			"-Dartifact=io.zipkin:zipkin-server:"+zipkinVersion+":jar:exec", "-DoutputDirectory="+empty)
		fetch.Dir = filepath.Dir(empty)
		if words, err := fetch.CombinedOutput(); err != nil {
			return fmt.Errorf("fetching Zipkin by Maven: %w: %s", err, lastLines(string(words), 10))
		}
		_, err = os.Stat(filepath.Join(empty, name))
		return err
	})
	if err != nil {
		return library{}, &MissingError{err.Error()}
	}
	return library{java: java, jars: filepath.Join(folder, name)}, nil
}
