package testenv

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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
	jars, err := cacheFolder("neo4j-" + neo4jVersion)
	if err != nil {
		return library{}, err
	}
	if err := fillOnce(ctx, jars, fetchJars); err != nil {
		return library{}, &MissingError{err.Error()}
	}
	return library{java: java, jars: jars}, nil
}

// PrepareNeo4j fetches what a server needs, where it is not there yet. A *MissingError tells what is not there.
func PrepareNeo4j(ctx context.Context) error {
	_, err := neo4jLibrary(ctx)
	return err
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

// fetchJars fills the folder by Maven.
func fetchJars(ctx context.Context, folder string) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("there is no Maven to fetch Neo4j with: %w: %s", err, installJava)
	}
	project := filepath.Join(filepath.Dir(folder), "project")
	if err := os.Mkdir(project, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), neo4jPOM, 0o644); err != nil {
		return err
	}
	fetch := exec.CommandContext(ctx, maven, "--batch-mode", "--quiet", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+folder)
	fetch.Dir = project
	if words, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching Neo4j by Maven: %w: %s", err, lastLines(string(words), 10))
	}
	if _, err := os.Stat(filepath.Join(folder, "neo4j-"+neo4jVersion+".jar")); err != nil {
		return fmt.Errorf("fetching Neo4j by Maven: %w", err)
	}
	return nil
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
