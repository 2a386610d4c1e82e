package facts

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
)

// The bounds of what one scope says: far above what anybody means, and low enough that nothing in a cluster or a folder
// makes a document that no store takes. What is over them is left out, and that is said.
const (
	maxContainers = 100
	maxPorts      = 250 // of a container, or of a Service
	maxNamed      = 20  // headers of a probe, hosts that it calls, wishes to spread: lists that hardly ever have three
	maxLabels     = 250
	maxRouted     = 100  // hosts of a route, its paths, its Services
	maxBehind     = 500  // workloads behind one Service or route
	maxGoverned   = 5000 // workloads of one budget, nodes of one workload
	maxLooseEnds  = 1000
	maxShown      = 5    // names in one message
	maxText       = 1024 // bytes of an image, a path, a command
	maxName       = 253  // bytes of a name, as Kubernetes has it
	maxArguments  = 250  // of a command, in which hosts are looked for
	maxWord       = 63   // bytes of the name of a port, or of a protocol
	maxLabel      = maxName + 1 + 63
)

// fits says whether an API server would take a name, roughly. No scope is made of another.
func fits(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '/' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// clip cuts a text, and marks that. What is no UTF-8 becomes question marks.
func clip(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "?")
	}
	end := most - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "?") + "…"
}

// cuts notes what was left out.
type cuts []string

// keep gives the first of a list.
func keep[T any](c *cuts, list []T, most int, what string) []T {
	if len(list) <= most {
		return list
	}
	*c = append(*c, fmt.Sprintf("%d of %d %s", len(list)-most, len(list), what))
	return list[:most]
}

// problems tell what was left out.
func (c cuts) problems(at catalog.Problem) []catalog.Problem {
	if len(c) == 0 {
		return nil
	}
	at.Severity, at.Code = catalog.Warning, "too-many"
	at.Message = clip("left out are "+strings.Join(c, ", "), maxText)
	at.Fix = "nothing has that many on purpose: look at what wrote it"
	return []catalog.Problem{at}
}
