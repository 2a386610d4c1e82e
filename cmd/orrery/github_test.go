package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// gitHubConfig writes a configuration with one source, acme, on a GitHub of a test.
func gitHubConfig(t *testing.T, api, settings string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "orrery.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nsources:\n  - {id: acme, kind: github, organization: acme, apiURL: %q, %s}\n", api, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// answered waits until the question has an answer that holds.
func answered(t *testing.T, url, query string, holds func(answer string) bool) time.Duration {
	t.Helper()
	began := time.Now()
	var last string
	for time.Since(began) < 30*time.Second {
		answer, err := post(t.Context(), url, query)
		if err != nil {
			t.Fatal(err)
		}
		if last = string(answer); holds(last) {
			return time.Since(began)
		}
		select { // a real server, asked again
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(context.Cause(t.Context()))
		}
	}
	t.Fatalf("%s\nis still answered by\n%s", query, last)
	return 0
}

// TestServeGitHub is an organisation from its first scan on: an app signs in, the catalog is there with its teams, a push is
// in it soon after its webhook, and what is forged or comes again is refused.
func TestServeGitHub(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(githubtest.Options{})
	acme, repositories := hub.AddCompany("acme", 40)
	ada := hub.AddUser("ada", githubtest.Profile{Name: "Ada"})
	acme.AddMember(ada, "member")
	payments := acme.AddTeam("payments", nil, githubtest.TeamSettings{Name: "Payments"})
	payments.Add("member", ada)
	app, err := hub.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	app.Install(acme)
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, app.PrivateKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	file := gitHubConfig(t, hub.Start(t), fmt.Sprintf("app: {id: %d, privateKeyFile: %q}, webhookSecret: not-to-be-guessed", app.ID(), key))
	server := serve(t, "--config", file)

	name := githubtest.ServiceName(1)
	answered(t, server.url, fmt.Sprintf(`{entity(ref: "component:%s") {lifecycle source {location url}} group: entity(ref: "group:payments") {members {nodes {ref}}}}`, name),
		func(answer string) bool {
			return strings.Contains(answer, "/acme/"+repositories[1].FullName()[len("acme/"):]+"/blob/") && strings.Contains(answer, "user:default/ada")
		})

	// A push is seen by its webhook.
	hook := app.AddHook(server.url+"/webhooks/github", "not-to-be-guessed")
	hub.ForgetCalls()
	repositories[1].Push(githubtest.Push{Files: githubtest.Files{
		"catalog-info.yaml": strings.Replace(githubtest.ServiceFile(1, 0), "lifecycle: production", "lifecycle: pushed", 1),
	}})
	waiting := hook.Waiting()
	if len(waiting) == 0 {
		t.Fatal("nothing is delivered")
	}
	statuses, err := hook.Deliver(t.Context())
	if err != nil || statuses[0] != http.StatusAccepted {
		t.Fatalf("statuses %v, %v", statuses, err)
	}
	took := answered(t, server.url, fmt.Sprintf(`{entity(ref: "component:%s") {lifecycle}}`, name), func(answer string) bool {
		return strings.Contains(answer, `"pushed"`)
	})
	t.Logf("visible %s after the webhook, by %d requests", took, len(hub.Calls()))

	if status, err := hook.Send(t.Context(), waiting[0]); err != nil || status != http.StatusConflict {
		t.Errorf("a delivery that came before is answered by %d, %v", status, err)
	}
	forged := forge(t, server.url, waiting[0])
	if forged != http.StatusUnauthorized {
		t.Errorf("a forged delivery is answered by %d", forged)
	}
	if log := server.logged.String(); strings.Contains(log, "not-to-be-guessed") || strings.Contains(log, "head_commit") {
		t.Error("the log holds a secret, or what was delivered")
	}
}

// forge sends a delivery under a new id, signed by somebody who does not know the secret.
func forge(t *testing.T, url string, delivery *githubtest.Delivery) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/webhooks/github", bytes.NewReader(delivery.Payload))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Event", delivery.Event)
	request.Header.Set("X-GitHub-Delivery", "00000000-0000-0000-0000-000000000001")
	request.Header.Set("X-Hub-Signature-256", githubtest.Sign("guessed", delivery.Payload))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestGitHubTeamsAndFiles holds that a team and a member of it whom a catalog file describes too are one with them: the file
// counts, both memberships do, and that they differ is nobody's problem.
func TestGitHubTeamsAndFiles(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(githubtest.Options{})
	acme := hub.AddOrganization("acme")
	ada := hub.AddUser("ada", githubtest.Profile{Name: "Ada L."})
	acme.AddMember(ada, "admin")
	acme.AddTeam("payments", nil, githubtest.TeamSettings{Name: "Payments"}).Add("member", ada)
	hub.AddRepository("acme/org", githubtest.Files{"catalog-info.yaml": `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments, title: The payers}
spec: {type: squad, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada, title: Ada}
spec: {memberOf: [on-call]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: on-call}
spec: {type: rota, children: []}
`}, githubtest.Settings{})
	file := gitHubConfig(t, hub.Start(t), fmt.Sprintf(`token: %q`, hub.Token("ada")))
	must(t, "scan", "--config", file)
	if problems := must(t, "problems", "--config", file); strings.Contains(problems, "describe") {
		t.Errorf("there are problems:\n%s", problems)
	}
	var shown struct{ Type, Title string }
	if err := json.Unmarshal([]byte(must(t, "show", "group:payments", "--format", "json", "--config", file)), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Type != "squad" || shown.Title != "The payers" {
		t.Errorf("the group is %+v", shown)
	}
	exported := must(t, "export", "--config", file)
	for _, group := range []string{"payments", "on-call"} {
		if !strings.Contains(strings.Join(strings.Fields(exported), ""), `"from":"user:default/ada","to":"group:default/`+group+`"`) {
			t.Errorf("ada is not in %s:\n%s", group, exported)
		}
	}
}

// TestGitHubAsFiles holds that an organisation's repositories give the same catalog as their folders do.
func TestGitHubAsFiles(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(githubtest.Options{})
	company := demoFolder(t)
	files, err := githubtest.FilesOf(company)
	if err != nil {
		t.Fatal(err)
	}
	hub.AddRepository("acme/company", files, githubtest.Settings{})
	reader := hub.AddUser("reader", githubtest.Profile{})
	hub.Account("acme").AddMember(reader, "member")
	file := gitHubConfig(t, hub.Start(t), fmt.Sprintf(`token: %q, teams: false, catalogFiles: ["**/*.yaml", "**/*.yml", "**/*.json"]`, hub.Token("reader")))
	must(t, "scan", "--config", file)
	type exported struct {
		Entities []struct{ Ref, Kind, Name, Title, Description, Owner, Lifecycle string }
		Edges    []struct{ From, To, Type, Strength, AnyOf, Via string }
	}
	read := func(args ...string) (all exported) {
		if err := json.Unmarshal([]byte(must(t, append(args, "export")...)), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	ours, theirs := read("--config", file), read("--catalog", company)
	if fmt.Sprint(ours) != fmt.Sprint(theirs) || len(ours.Entities) == 0 {
		t.Errorf("%d entities and %d edges from GitHub, %d and %d from files", len(ours.Entities), len(ours.Edges), len(theirs.Entities), len(theirs.Edges))
	}
}
