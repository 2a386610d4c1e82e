package main

import (
	"fmt"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// shortName is how a ref is said where space is short: its name, with the namespace unless it is the default.
func shortName(ref string) string {
	r := catalog.Ref(ref)
	switch {
	case r.Name() == "":
		return ref
	case r.Namespace() == catalog.DefaultNamespace:
		return r.Name()
	default:
		return r.Namespace() + "/" + r.Name()
	}
}

func shortNames(refs []string) string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = shortName(ref)
	}
	return strings.Join(names, ", ")
}

// shortRef is a ref without the default namespace, which commands take as well.
func shortRef(ref string) string {
	if r := catalog.Ref(ref); r.Name() != "" && r.Namespace() == catalog.DefaultNamespace {
		return r.Kind() + ":" + r.Name()
	}
	return ref
}

// namesApart are the short names of what is told together: with the kind, where an API is called like its service.
func namesApart(refs []string) []string {
	called := map[string]string{}
	shared := map[string]bool{}
	for _, ref := range refs {
		name := shortName(ref)
		if other, taken := called[name]; taken && other != ref {
			shared[name] = true
		}
		called[name] = ref
	}
	names := make([]string, len(refs))
	for i, ref := range refs {
		if names[i] = shortName(ref); shared[names[i]] {
			names[i] = shortRef(ref)
		}
	}
	return names
}

// chain is a path for people: checkout → cart → ledger-db.
func chain(refs []string) string { return strings.Join(namesApart(refs), arrow) }

const arrow = " → "

// restOfChain leaves out the first of a chain.
func restOfChain(chain string) string {
	if i := strings.Index(chain, arrow); i >= 0 {
		return strings.TrimLeft(chain[i:], " ")
	}
	return chain
}

// many counts things in words: "1 entity", "2 entities".
func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// shown is the text of a value that may be unknown.
func shown[T any](value *T) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(*value)
}

// place is a file with its line.
func place(location *string, line *int) string {
	text := shown(location)
	if text != "" && line != nil {
		text += fmt.Sprintf(":%d", *line)
	}
	return text
}

func impactPaint(impact string) paint {
	switch impact {
	case "OUTAGE":
		return red
	case "DEGRADED":
		return yellow
	case "DELAYED":
		return blue
	default:
		return unpainted
	}
}

func strengthPaint(strength string) paint {
	switch strength {
	case "HARD":
		return red
	case "SOFT":
		return yellow
	case "ASYNC":
		return blue
	default:
		return unpainted
	}
}
