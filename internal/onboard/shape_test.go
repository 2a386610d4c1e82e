package onboard_test

import (
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/internal/onboard"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestProposalAsksWhatGitHubDescribes holds that what is asked and sent is as GitHub's description of its API has it.
func TestProposalAsksWhatGitHubDescribes(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some seconds")
	}
	h := newHub(t)
	h.web = testenv.GitHub(t).Judge(t, h.GitHub)
	r := h.AddRepository("acme/checkout", goService(), githubtest.Settings{})
	s := snapshotOf(seen("otel:shop/checkout"), deployed("shop", "checkout", "ghcr.io/acme/checkout:7"))
	if got := consider(t, h.proposer(t, nil), s); !slices.Equal(got, []string{"acme/checkout"}) {
		t.Fatalf("opened %v", got)
	}
	if got := r.Files(r.Pulls()[0].Head())[onboard.FileName]; got == "" {
		t.Error("the pull request brings no file")
	}
	r.Pulls()[0].Close()
	if got := consider(t, h.proposer(t, nil), s); got != nil { // anew, it finds the old one
		t.Errorf("opened again %v", got)
	}
}
