package health

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Check is one rule with all that a person needs to follow it. It is immutable.
type Check struct {
	ID    string // stable; it names the defect that FAIL means
	Title string // the defect in a few words
	// Rationale says why it matters, Fix what to do, Reference where the rule comes from; each in sentences.
	Rationale, Fix, Reference string
	// Severity is that of its findings, unless the check grades them or the policy says otherwise; then it is the gravest.
	Severity catalog.Severity
	About    Subject

	container func(*workload, *container) verdict // of SubjectContainer
	workload  func(*workload) []verdict           // of SubjectWorkload
}

// Subject is what a check looks at.
type Subject string

// The subjects of checks. Those of a cluster are found where the cluster is read, as a [catalog.LooseEnd] of their code.
const (
	SubjectContainer Subject = "CONTAINER"
	SubjectWorkload  Subject = "WORKLOAD"
	SubjectCluster   Subject = "CLUSTER"
)

// Checks lists all checks in the order in which they are told.
func Checks() []*Check {
	return []*Check{
		noProbes(), noReadiness(), noLiveness(),
		identicalProbes(), livenessBeforeReadiness(), slowStartUnprotected(), timeoutOverPeriod(),
		probePortUnresolved(), probePortUndeclared(), probeAsksNode(),
		probeCallsDependency(), livenessOnDependencyEndpoint(), unconventionalPath(),
		tooFewReplicas(), autoscalerBelowTier(), noDisruptionBudget(), disruptionBudgetBlocks(), noSpread(), recreateStrategy(),
		serviceWithoutEndpoints(), servicePortUnresolved(),
		liveProbeFailed(), logFormat(),
		serviceSelectsNothing(), routeToNowhere(), autoscalerWithoutTarget(), budgetSelectsNothing(),
	}
}

// verdict is what a check says of one subject.
type verdict struct {
	outcome  graph.Outcome
	severity catalog.Severity // 0 = that of the check
	message  string
	location string // "" = that of the workload
	line     int32  // 0 = that of the container
}

func pass(format string, args ...any) verdict {
	return verdict{outcome: graph.OutcomePass, message: fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) verdict {
	return verdict{outcome: graph.OutcomeFail, message: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) verdict {
	return verdict{outcome: graph.OutcomeUnknown, message: fmt.Sprintf(format, args...)}
}

func notApplicable(format string, args ...any) verdict {
	return verdict{message: fmt.Sprintf(format, args...)}
}

// as grades a finding.
func (v verdict) as(severity catalog.Severity) verdict {
	v.severity = severity
	return v
}

// at says where the probe is written.
func (v verdict) at(p *catalog.Probe) verdict {
	v.line = p.Line
	return v
}

func one(v verdict) []verdict { return []verdict{v} }

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
