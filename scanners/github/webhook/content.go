package webhook

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/google/go-github/v60/github"
)

// handled are the events for which something may be to be done.
var handled = map[string]bool{
	"push": true, "repository": true, "public": true, "installation": true, "installation_repositories": true,
	"installation_target": true, "team": true, "membership": true, "organization": true, "member": true, "pull_request": true,
	"check_run": true, "check_suite": true,
}

// eventLabel is an event as metrics and the log name it: whoever sends cannot make up names.
func eventLabel(event string) string {
	if handled[event] || event == "ping" {
		return event
	}
	return "other"
}

// content is what a delivery says.
type content struct {
	event any // one of go-github's
	// host is where it happened; "" = it does not say.
	host string
	// formerly is the name that an organisation or a user had until it was renamed; "" = it was not.
	formerly string
}

// places are the parts of a payload that tell where it happened.
type places struct {
	Repository, Organization, Sender, Account place
	Installation                              struct{ Account place }
	Changes                                   struct {
		Login struct{ From string }
	}
}

type place struct {
	HTMLURL string `json:"html_url"`
}

// parse reads the payload of a handled event.
func parse(event string, payload []byte) (content, error) {
	parsed, err := github.ParseWebHook(event, payload)
	if err != nil {
		return content{}, err
	}
	var at places
	if err := json.Unmarshal(payload, &at); err != nil {
		return content{}, err
	}
	c := content{event: parsed, formerly: at.Changes.Login.From}
	for _, p := range []place{at.Repository, at.Organization, at.Account, at.Installation.Account, at.Sender} {
		if u, err := url.Parse(p.HTMLURL); err == nil && u.Host != "" {
			c.host = u.Host
			break
		}
	}
	return c, nil
}

// at are those of the targets that are where it happened. It is to be asked only of targets of several hosts: their secret
// has told all others already, whatever the host calls itself.
func (c content) at(targets []Target) []Target {
	several := false
	for _, t := range targets {
		several = several || !strings.EqualFold(t.Host, targets[0].Host)
	}
	if !several || c.host == "" {
		return targets
	}
	var here []Target
	for _, t := range targets {
		if strings.EqualFold(t.Host, c.host) {
			here = append(here, t)
		}
	}
	return here
}

// pullRequests are what happened to pull requests.
func (c content) pullRequests(t Target) []PullRequest {
	switch e := c.event.(type) {
	case *github.PullRequestEvent:
		base, head := e.GetPullRequest().GetBase(), e.GetPullRequest().GetHead()
		return t.pullRequests(PullRequest{
			Action: e.GetAction(), Repository: e.GetRepo().GetFullName(), Number: e.GetNumber(),
			Base: base.GetRef(), BaseCommit: base.GetSHA(), Head: head.GetRef(), HeadCommit: head.GetSHA(),
			HeadFrom: head.GetRepo().GetFullName(), Draft: e.GetPullRequest().GetDraft(), Merged: e.GetPullRequest().GetMerged(),
			BaseChanged:  e.GetChanges().GetBase().GetRef().GetFrom() != "",
			Installation: e.GetInstallation().GetID(),
		})
	case *github.CheckRunEvent:
		if run := e.GetCheckRun(); run != nil && e.GetAction() == ActionRerequested {
			return t.pullRequests(rerequested(e.GetRepo(), run.GetHeadSHA(), e.GetInstallation(), run.PullRequests)...)
		}
	case *github.CheckSuiteEvent:
		if suite := e.GetCheckSuite(); suite != nil && e.GetAction() == ActionRerequested {
			return t.pullRequests(rerequested(e.GetRepo(), suite.GetHeadSHA(), e.GetInstallation(), suite.PullRequests)...)
		}
	}
	return nil
}

// rerequested are the pull requests of which checks were asked for again; where GitHub names none, one of which only the
// commit is known.
func rerequested(repository *github.Repository, commit string, by *github.Installation, of []*github.PullRequest) []PullRequest {
	again := PullRequest{Action: ActionRerequested, Repository: repository.GetFullName(), HeadCommit: commit, Installation: by.GetID()}
	if len(of) == 0 {
		return []PullRequest{again}
	}
	var events []PullRequest
	for _, p := range of {
		again.Number, again.Base, again.BaseCommit, again.Head = p.GetNumber(), p.GetBase().GetRef(), p.GetBase().GetSHA(), p.GetHead().GetRef()
		events = append(events, again)
	}
	return events
}

// pullRequests are those of the events that are in repositories the target may have.
func (t Target) pullRequests(events ...PullRequest) []PullRequest {
	var concern []PullRequest
	for _, event := range events {
		owner, name, _ := strings.Cut(event.Repository, "/")
		if isName(owner) && isName(name) && (t.Owners == nil || t.Owners(owner)) {
			event.Host = t.Host
			concern = append(concern, event)
		}
	}
	return concern
}

// isName says whether something can be the name of an owner or of a repository.
func isName(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("-_.", rune(c)) {
			return false
		}
	}
	return name != "" && name != "." && name != ".."
}
