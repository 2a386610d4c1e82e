package spans_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

func TestWeight(t *testing.T) {
	for _, test := range []struct {
		traceState string
		weight     float64
		stated     bool
	}{
		{"", 1, false},
		{"ot=th:0", 1, true},
		{"ot=th:8", 2, true},
		{"ot=th:c", 4, true},
		{"ot=th:c;rv:d29d6a7215ced0", 4, true},
		{"ot=rv:d29d6a7215ced0;th:c", 4, true},
		{"vendor=th:8, ot=th:c\t,other=1", 4, true},
		{"ot=th:ffffffffffffff", 1 << 56, true},
		{"ot=th:fff8", 1 << 13, true},
		{"ot=th:c0000000000000", 4, true},
		{"ot=th:c00000000000000", 1, false}, // a digit too many
		{"ot=th:", 1, false},
		{"ot=th:C", 1, false}, // the specification has small letters
		{"ot=th:xyz", 1, false},
		{"ot=th:-8", 1, false},
		{"ot=rv:c", 1, false},
		{"ot=", 1, false},
		{"th:c", 1, false},
		{"foot=th:c", 1, false},
		{"ot=xth:c", 1, false},
		{"ot=p:2;r:3", 1, false},
		{",,;=", 1, false},
	} {
		if weight, stated := spans.Weight([]byte(test.traceState)); weight != test.weight || stated != test.stated {
			t.Errorf("Weight(%q) = %v, %v; want %v, %v", test.traceState, weight, stated, test.weight, test.stated)
		}
	}
}
