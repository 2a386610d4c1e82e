package hosts

import (
	"slices"
	"strings"
)

// Off are the features that a value switches off, as words that begin the names of their settings: "zipkin" for
// -Dspring.zipkin.enabled=false and for ZIPKIN_ENABLED=0.
func Off(name, value string) []string {
	var off []string
	walk(name, value, func(s setting) {
		if s.upstream {
			return
		}
		add := func(name, value string) {
			if feature := switchedOff(name, value); feature != "" && len(off) < maxReferences && !slices.Contains(off, feature) {
				off = append(off, feature)
			}
		}
		add(s.path, s.value)
		if len(s.value) < maxWords && strings.Contains(s.value, "=") {
			for _, word := range strings.Fields(s.value) {
				if key, value, ok := strings.Cut(word, "="); ok {
					add(strings.TrimPrefix(key, "-D"), value)
				}
			}
		}
	})
	return off
}

// maxWords is the longest value, in bytes, that is looked at for switches.
const maxWords = 1 << 16

// Disabled says whether a setting belongs to a feature that is off. A feature covers the settings whose names begin with
// its words, whatever framework stands before.
func Disabled(name string, off []string) bool {
	if len(off) == 0 {
		return false
	}
	words := bare(Words(name))
	joined := strings.Join(words, " ")
	return slices.ContainsFunc(off, func(feature string) bool {
		return joined == feature || strings.HasPrefix(joined, feature+" ") || feature == "tracing" && isTracer(words)
	})
}

// isTracer says whether a setting is one of a tracer, as most call theirs by its product.
func isTracer(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return tracers[w] }) &&
		!slices.ContainsFunc(words, func(w string) bool { return w == "metrics" || w == "logs" })
}

func switchedOff(name, value string) string {
	if len(value) > 8 {
		return ""
	}
	words := bare(Words(name))
	if len(words) > 2 && words[0] == "otel" && words[1] == "sdk" { // all of it
		words = slices.Delete(words, 1, 2)
	}
	if len(words) == 0 {
		return ""
	}
	first, last := words[0], words[len(words)-1]
	switch {
	case len(words) > 1 && isNo(value) && slices.Contains([]string{"enabled", "enable", "active", "on"}, last),
		len(words) > 1 && isYes(value) && slices.Contains([]string{"disabled", "disable"}, last):
		return strings.Join(words[:len(words)-1], " ")
	case len(words) > 1 && isNo(value) && slices.Contains([]string{"enable", "enabled", "use", "with"}, first),
		len(words) > 1 && isYes(value) && slices.Contains([]string{"disable", "disabled", "no", "skip"}, first):
		return strings.Join(words[1:], " ")
	case isNo(value) && strings.Trim(value, "0") != "" && last != "enabled" && last != "enable": // ZIPKIN=false; but not DB=0
		return strings.Join(words, " ")
	}
	return ""
}

// bare takes off words that frameworks put before every name.
func bare(words []string) []string {
	for len(words) > 1 && frameworks[words[0]] {
		words = words[1:]
	}
	return words
}

var tracers = set("jaeger zipkin otel otlp opentelemetry collector tempo")

// frameworks are the words before the names of their settings.
var frameworks = set("spring quarkus micronaut management d application app config data")

func isNo(value string) bool {
	return slices.Contains([]string{"false", "0", "no", "off", "none", "disabled"}, strings.ToLower(strings.Trim(value, `"' `)))
}

func isYes(value string) bool {
	return slices.Contains([]string{"true", "1", "yes", "on"}, strings.ToLower(strings.Trim(value, `"' `)))
}
