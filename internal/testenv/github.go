package testenv

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	githubFetches = 10 * time.Minute
	githubAnswers = 5 * time.Minute // on a busy machine
)

// githubPackages name what npm fetches, with the versions of all that it needs.
//
//go:embed github/package.json github/package-lock.json
var githubPackages embed.FS

// GitHubDescriptions are GitHub's own descriptions of its API.
type GitHubDescriptions struct {
	OpenAPI string // path of a file: REST, in OpenAPI 3.0, as JSON; of the paths that Orrery may ask for
	GraphQL string // path of a file: the schema
	prism   string // the program
}

// GitHub finds GitHub's published descriptions of its API, which npm fetches once into the cache folder of the user. Quick
// tests do not wait for that.
func GitHub(t testing.TB) GitHubDescriptions {
	t.Helper()
	if testing.Short() && !required(PartGitHub) && !githubFetched() {
		Missing(t, PartGitHub, "its descriptions are not fetched yet, and quick tests do not wait for that: run make servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), githubFetches)
	defer cancel()
	descriptions, err := githubDescriptions(ctx)
	found(t, PartGitHub, err)
	return descriptions
}

// Mock starts a server that ends with the test, and returns its address once it answers. It answers by the examples of the
// description of REST, and refuses with 422 a request that the description does not allow. So it takes webhooks at
// /webhooks/event-action ("/webhooks/push", "/webhooks/installation-repositories-added").
func (g GitHubDescriptions) Mock(t testing.TB) (address string) {
	t.Helper()
	return g.serve(t, "mock", g.OpenAPI)
}

func (g GitHubDescriptions) serve(t testing.TB, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), githubAnswers)
	defer cancel()
	at := unusedAddress(ctx, t)
	arguments = append([]string{g.prism, arguments[0], "--host", host(at), "--port", port(at)}, arguments[1:]...)
	startAnswering(ctx, t, "http://"+at+"/meta", "node", arguments...)
	return "http://" + at
}

// PrepareGitHub fetches the descriptions, where they are not there yet. A *MissingError tells what is not there.
func PrepareGitHub(ctx context.Context) error {
	_, err := githubDescriptions(ctx)
	return err
}

// githubFolder is where the descriptions are kept, until other versions or other paths are wanted.
func githubFolder() (string, error) {
	lock, err := githubPackages.ReadFile("github/package-lock.json")
	if err != nil {
		return "", err
	}
	return cacheFolder(fmt.Sprintf("github-%.6x", sha256.Sum256(append(lock, describedPaths+describedWebhooks...))))
}

func githubFetched() bool {
	folder, err := githubFolder()
	if err == nil {
		_, err = os.Stat(folder)
	}
	return err == nil
}

func githubDescriptions(ctx context.Context) (GitHubDescriptions, error) {
	folder, err := githubFolder()
	if err != nil {
		return GitHubDescriptions{}, err
	}
	if err := fillOnce(ctx, folder, fetchGitHub); err != nil {
		return GitHubDescriptions{}, &MissingError{err.Error()}
	}
	packages := filepath.Join(folder, "node_modules")
	return GitHubDescriptions{
		OpenAPI: filepath.Join(folder, "openapi.json"),
		GraphQL: filepath.Join(packages, "@octokit", "graphql-schema", "schema.graphql"),
		prism:   filepath.Join(packages, "@stoplight", "prism-cli", "dist", "index.js"),
	}, nil
}

// fetchGitHub fills the folder by npm, and leaves of the description of REST what is asked for.
func fetchGitHub(ctx context.Context, folder string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := githubPackages.ReadFile("github/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("there is no npm to fetch the descriptions of GitHub with: %w: install Node.js 20 or newer", err)
	}
	fetch := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit")
	fetch.Dir = folder
	if words, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching the descriptions of GitHub by npm: %w: %s", err, lastLines(string(words), 10))
	}
	all := filepath.Join(folder, "node_modules", "@octokit", "openapi", "generated")
	description, err := os.ReadFile(filepath.Join(all, "api.github.com.json"))
	if err != nil {
		return err
	}
	part, err := partOf(description, describedPaths, describedWebhooks)
	if err != nil {
		return fmt.Errorf("the description of GitHub's REST API: %w", err)
	}
	return errors.Join(os.WriteFile(filepath.Join(folder, "openapi.json"), part, 0o644), os.RemoveAll(all))
}
