package drift

import (
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// declaredNeverObserved finds what a file says an entity needs, where the entity is traced and was never, or not for long,
// seen to call it. What no trace can show is passed over: a system, a library, something that runs on nothing of its own.
func (f *finder) declaredNeverObserved(entity *catalog.Entity) {
	traced, since, until, ok := f.traced(entity)
	if !ok {
		return
	}
	out, _ := f.Relations(entity.Ref)
	for edge := range out {
		if !isCall(edge) || edge.Environment != "" || !edge.KindsOfEvidence().Has(catalog.Declared) {
			continue
		}
		if now := f.measure(false, edge); now.seen() {
			continue
		}
		target := f.Lookup(edge.To)
		if target == nil || !isCallable(target) {
			continue
		}
		finding := &Finding{
			Kind: DeclaredNeverObserved, From: edge.From, To: edge.To, Ref: entity.Ref,
			Confidence: f.confidenceOfAbsence(traced, until.Sub(since), target), Evidence: edge.Evidence,
		}
		finding.Message = fmt.Sprintf("%s declares that it needs %s, and none of %s since %s called it",
			edge.From, edge.To, amount(traced, "request that was seen", "requests that were seen"), since.UTC().Format("2006-01-02"))
		if before := f.measure(true, edge); before.seen() {
			finding.Requests, finding.Errors, finding.First, finding.Last = before.Requests, before.Errors, before.First, before.Last
			finding.Message = fmt.Sprintf("%s declares that it needs %s, and called it last on %s",
				edge.From, edge.To, before.Last.UTC().Format("2006-01-02"))
		}
		finding.Patch = f.removeDependency(entity, edge)
		f.add(finding)
	}
}

// traced is how many requests of an entity were seen, and since and until when; false where it was not traced in the
// environment.
func (f *finder) traced(entity *catalog.Entity) (requests float64, since, until time.Time, ok bool) {
	if entity.Entry == catalog.EntryUnknown {
		return 0, since, until, false
	}
	sum, entries := f.EntityTraffic(entity, f.environment)
	if sum == nil {
		return 0, since, until, false
	}
	return max(sum.Requests, entries), sum.First, sum.Last, true
}

// isCallable says whether traffic would show that something calls the entity.
func isCallable(target *catalog.Entity) bool {
	switch target.Ref.Kind() {
	case "component", "api", "resource", "external":
	default:
		return false
	}
	notRunning := []string{
		"library", "package", "module", "documentation", "docs", "template", "tool", "cli", "dashboard", "repository", "account",
		"cluster", "kubernetes-cluster", "network", "certificate", "secret", "dataset", "model",
	}
	return !slices.Contains(notRunning, target.Type)
}

// confidenceOfAbsence grows with what was seen of the caller, and for how long: a call that one of a thousand requests makes shows within a
// week. It is lower where nobody was ever seen to call the target: maybe no instrumentation shows such calls.
func (f *finder) confidenceOfAbsence(requests float64, age time.Duration, target *catalog.Entity) Confidence {
	confidence := Low
	switch {
	case requests >= 1000 && age >= 7*24*time.Hour:
		confidence = High
	case requests >= 100 && age >= 24*time.Hour:
		confidence = Medium
	}
	if target.Entry != catalog.EntryUnknown || f.isSeenCalled(target.Ref) {
		return confidence
	}
	return confidence.lower()
}

// isSeenCalled says whether anybody was ever seen to call an entity, which thousands may declare that they need.
func (f *finder) isSeenCalled(ref catalog.Ref) bool {
	seen, known := f.called[ref]
	if known {
		return seen
	}
	_, in := f.Relations(ref)
	for edge := range in {
		if sum := f.measure(true, edge); sum.seen() {
			seen = true
			break
		}
	}
	f.called[ref] = seen
	return seen
}
