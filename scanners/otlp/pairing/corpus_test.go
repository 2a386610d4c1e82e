package pairing_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

func TestScenariosOfTheCorpus(t *testing.T) {
	for _, scenario := range otlptest.Scenarios(t, testenv.Corpora(t)) {
		t.Run(scenario.Name, func(t *testing.T) {
			pairer := pairing.New(pairing.Config{})
			resources := spans.NewResources(1 << 20)
			for i, request := range scenario.Requests {
				if err := spans.ReadJSON(resources, request, pairer.Add); err != nil {
					t.Fatalf("%s: %v", scenario.Files[i], err)
				}
			}
			pairer.SettleAll()
			scenario.Check(t, together(pairer.Drain(0)))
		})
	}
}

// together unites the hours.
func together(hours map[traffic.Hour]*traffic.Counts) *traffic.Counts {
	all := &traffic.Counts{}
	for _, counts := range hours {
		all.Merge(counts)
	}
	return all
}
