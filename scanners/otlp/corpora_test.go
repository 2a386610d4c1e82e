package otlp_test

import (
	"bytes"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
)

func TestScenariosOverHTTP(t *testing.T) {
	for _, scenario := range otlptest.Scenarios(t, testenv.Corpora(t)) {
		t.Run(scenario.Name, func(t *testing.T) {
			r := listen(t, otlp.Config{})
			for _, request := range scenario.Requests {
				post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(request), "Content-Type", typeJSON)
			}
			scenario.Check(t, r.stop())
		})
	}
}

func TestScenariosOverGRPC(t *testing.T) {
	for _, scenario := range otlptest.Scenarios(t, testenv.Corpora(t)) {
		t.Run(scenario.Name, func(t *testing.T) {
			r := listen(t, otlp.Config{})
			client := dial(t, r.grpc)
			for _, request := range scenario.Requests {
				read := ptraceotlp.NewExportRequest()
				if err := read.UnmarshalJSON(request); err != nil {
					t.Skip("others cannot read it: ", err)
				}
				written, err := read.MarshalProto()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := export(t, client, written); err != nil {
					t.Fatal(err)
				}
			}
			scenario.Check(t, r.stop())
		})
	}
}
