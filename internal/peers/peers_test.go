package peers

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// programs are the peers that are run.
var programs = []peer{kubeScore, kubeLinter, polaris}

// TestPeersSay runs the programs on all cases, where ORRERY_PEERS is set, and holds what they were recorded to say.
func TestPeersSay(t *testing.T) {
	if os.Getenv("ORRERY_PEERS") == "" {
		t.Skip("ORRERY_PEERS is not set: what the programs were recorded to say is used")
	}
	all := questions(t)
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			program, version := p.find(t)
			said := []verdict{}
			for _, q := range all {
				for _, v := range p.judge(t, p, program, q.manifest(t)) {
					v.Case = q.Name
					if p.asksBy(q.Check, v.Check) {
						said = append(said, v)
					}
				}
			}
			sortVerdicts(said)
			if *update {
				record(t, p.name, asked{Version: version, Cases: digest(all)}, said)
				return
			}
			held, by := recorded(t)
			if by[p.name].Version != version {
				t.Skipf("this is %s %s, recorded was %s: -update records it", p.name, version, by[p.name].Version)
			}
			if diff := cmp.Diff(of(held, p.name), said); diff != "" {
				t.Errorf("%s does not say what is recorded (-recorded +said):\n%s", p.name, diff)
			}
		})
	}
}

func of(vs []verdict, tool string) []verdict {
	said := []verdict{}
	for _, v := range vs {
		if v.Tool == tool {
			said = append(said, v)
		}
	}
	return said
}

// TestRecordIsOfTheCases holds that no manifest changed since the programs were asked.
func TestRecordIsOfTheCases(t *testing.T) {
	_, by := recorded(t)
	now := digest(questions(t))
	for _, p := range programs {
		if by[p.name].Cases != now {
			t.Errorf("the cases changed since %s was asked: run it again (make peers)", p.name)
		}
	}
}
