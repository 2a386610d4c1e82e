package testenv

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// neo4jVersion is that of neo4j/pom.xml.
const neo4jVersion = "5.26.12"

//go:embed neo4j/pom.xml
var neo4jPOM []byte

// library is what a Neo4j server needs to run.
type library struct {
	java string // the program
	jars string // the folder of its jars
}

// neo4jLibrary finds Java and the jars, which Maven copies once into the cache folder of the user. A *MissingError tells
// what is not there.
func neo4jLibrary(ctx context.Context) (library, error) {
	java, err := findJava(ctx)
	if err != nil {
		return library{}, &MissingError{err.Error()}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return library{}, &MissingError{fmt.Sprintf("there is no place for the jars of Neo4j: %s", err)}
	}
	jars := filepath.Join(cache, "orrery", "neo4j-"+neo4jVersion)
	if err := fetchJars(ctx, jars); err != nil {
		return library{}, &MissingError{err.Error()}
	}
	return library{java: java, jars: jars}, nil
}

const installJava = "install JDK 17 (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven)"

var javaVersion = regexp.MustCompile(`version "(\d+)`)

func findJava(ctx context.Context) (string, error) {
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	java, err := exec.LookPath(java)
	if err != nil {
		return "", fmt.Errorf("there is no Java: %w: %s", err, installJava)
	}
	words, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s -version: %w: %s", java, err, words)
	}
	version := javaVersion.FindSubmatch(words)
	if version == nil {
		return "", fmt.Errorf("%s does not tell its version: %s", java, words)
	}
	if major, err := strconv.Atoi(string(version[1])); err != nil || major < 17 {
		return "", fmt.Errorf("%s is Java %s, and Neo4j needs 17 or newer: %s", java, version[1], installJava)
	}
	return java, nil
}

// fetchJars fills the folder, whole or not at all, once for all processes.
func fetchJars(ctx context.Context, folder string) (err error) {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	lock := flock.New(folder + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return fmt.Errorf("another process fetches Neo4j: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := os.Stat(folder); err == nil {
		return nil // by somebody else, in the meantime
	}
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("there is no Maven to fetch Neo4j with: %w: %s", err, installJava)
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), neo4jPOM, 0o644); err != nil {
		return err
	}
	copied := filepath.Join(work, "jars")
	fetch := exec.CommandContext(ctx, maven, "--batch-mode", "--quiet", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+copied)
	fetch.Dir = work
	if words, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching Neo4j by Maven: %w: %s", err, lastLines(string(words), 10))
	}
	if _, err := os.Stat(filepath.Join(copied, "neo4j-"+neo4jVersion+".jar")); err != nil {
		return fmt.Errorf("fetching Neo4j by Maven: %w", err)
	}
	return os.Rename(copied, folder)
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
