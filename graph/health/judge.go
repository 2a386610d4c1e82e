package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// DefaultEnvironment is the one that is judged where none is named.
const DefaultEnvironment = "production"

// Judge makes the checks that a policy asks for. It may be used from many goroutines.
type Judge struct {
	policy Policy
	checks []*Check // those that are made
	byID   map[string]*Check
	order  map[*Check]int
}

// NewJudge makes a judge. The error says what is wrong in the policy.
func NewJudge(policy Policy) (*Judge, error) {
	if err := policy.check(); err != nil {
		return nil, err
	}
	j := &Judge{policy: policy.orDefaults(), byID: make(map[string]*Check), order: make(map[*Check]int)}
	for i, check := range Checks() {
		if slices.Contains(policy.Disabled, check.ID) {
			continue
		}
		j.checks = append(j.checks, check)
		j.byID[check.ID], j.order[check] = check, i
	}
	return j, nil
}

// Checks lists the checks that are made, in the order in which they are told.
func (j *Judge) Checks() []*Check { return j.checks }

// Severity is that of the findings of a check by the policy; the gravest, where the check grades them.
func (j *Judge) Severity(check *Check) catalog.Severity {
	return cmp.Or(j.policy.Severities[check.ID], check.Severity)
}

// Service is how an entity came out: one that runs on workloads, a workload that belongs to nobody, or a cluster with
// loose ends.
type Service struct {
	Entity *catalog.Entity
	// Outcome is FAIL where a check of severity ERROR failed; else UNKNOWN where one of severity ERROR is unknown and
	// passed nowhere in the entity; else PASS. It is NOT_APPLICABLE where nothing was judged.
	Outcome graph.Outcome
	Results []Result // by workload, then in the order of the checks, then of the containers
}

// Result is how one check of one subject came out.
type Result struct {
	Check    *Check
	Outcome  graph.Outcome
	Severity catalog.Severity
	// Workload is the one that was judged; "" for a loose end of a cluster. Container is one of it, or "".
	Workload  catalog.Ref
	Container string
	Message   string // one sentence, never empty
	Location  string // a path or URL; "" = unknown
	Line      int32  // 1-based; 0 = unknown
	// Exemption excuses the finding, which is told in the message; nil = none does.
	Exemption *Exemption
}

// All judges everything in an environment (lower case; "" = production), in the order of Ref. The cost is linear in the
// catalog.
func (j *Judge) All(s *graph.Snapshot, environment string, now time.Time) []*Service {
	var services []*Service
	targets := newTargets(s)
	for entity := range s.Entities("") {
		if service := j.judge(targets, entity, environment, now); service != nil {
			services = append(services, service)
		}
	}
	return services
}

// One judges one entity; nil where there is nothing to judge about it: it runs on no workload, or is one that belongs to
// another.
func (j *Judge) One(s *graph.Snapshot, ref catalog.Ref, environment string, now time.Time) (*Service, error) {
	entity, err := s.Entity(ref)
	if err != nil {
		return nil, err
	}
	return j.judge(newTargets(s), entity, environment, now), nil
}

func (j *Judge) judge(targets *targets, entity *catalog.Entity, environment string, now time.Time) *Service {
	s := targets.snapshot
	environment = cmp.Or(environment, DefaultEnvironment)
	if entity.Facts != nil && len(entity.Facts.LooseEnds) > 0 && isIn(s, entity, environment) {
		return j.judgeLooseEnds(entity, now)
	}
	on := runsOn(s, entity, environment)
	if len(on) == 0 {
		return nil
	}
	service := &Service{Entity: entity}
	looked := make([]*workload, len(on))
	for i, p := range on {
		looked[i] = newWorkload(p.entity.Facts, &j.policy)
		looked[i].tier = cmp.Or(entity.Tier(), p.entity.Tier())
		looked[i].noProbes, looked[i].targets = j.byID["no-probes"] != nil, targets
	}
	expected := 0
	for _, w := range looked {
		expected += len(j.checks) * max(1, len(w.containers))
	}
	service.Results = make([]Result, 0, expected)
	groups := groupsOf(looked)
	for i, w := range looked {
		w.groups = groups
		j.judgeWorkload(service, w, on[i], now)
	}
	service.Outcome = outcomeOf(service.Results)
	return service
}

// judgeWorkload adds what the checks say of a workload.
func (j *Judge) judgeWorkload(service *Service, w *workload, p placed, now time.Time) {
	add := func(check *Check, container *container, v verdict) {
		r := Result{
			Check: check, Outcome: v.outcome, Severity: cmp.Or(j.policy.Severities[check.ID], v.severity, check.Severity),
			Workload: p.entity.Ref, Message: v.message, Location: cmp.Or(v.location, p.location), Line: v.line,
		}
		switch {
		case container != nil:
			r.Container = container.Name
			r.Line = cmp.Or(v.line, container.Line, p.line)
		case v.location == "":
			r.Line = cmp.Or(v.line, p.line)
		}
		j.excuse(&r, service.Entity.Ref, w.Workload, now)
		service.Results = append(service.Results, r)
	}
	for _, check := range j.checks {
		switch {
		case check.workload != nil && w.isJob():
			add(check, nil, notApplicable("a job runs to its end"))
		case check.workload != nil:
			for _, v := range check.workload(w) {
				add(check, nil, v)
			}
		case check.container != nil:
			for i := range w.containers {
				c := &w.containers[i]
				switch {
				case w.isJob():
					add(check, c, notApplicable("a job runs to its end"))
				case c.Role == catalog.InitContainer:
					add(check, c, notApplicable("it ends before the pod serves"))
				default:
					add(check, c, check.container(w, c))
				}
			}
		}
	}
}

// judgeLooseEnds tells what leads to nothing in a cluster. Each is a finding of the check that its code names.
func (j *Judge) judgeLooseEnds(cluster *catalog.Entity, now time.Time) *Service {
	service := &Service{Entity: cluster}
	for _, end := range cluster.Facts.LooseEnds {
		check := j.byID[end.Code]
		if check == nil || check.About != SubjectCluster {
			continue // one that the policy does not make, or that the workloads behind the object tell
		}
		r := Result{
			Check: check, Outcome: graph.OutcomeFail, Severity: j.Severity(check),
			Message: end.Kind + " " + end.Namespace + "/" + end.Name + ": " + end.Message, Location: end.Location, Line: end.Line,
		}
		j.excuse(&r, cluster.Ref, &catalog.Workload{Namespace: end.Namespace, Name: end.Name}, now)
		service.Results = append(service.Results, r)
	}
	slices.SortStableFunc(service.Results, func(a, b Result) int { return cmp.Compare(j.order[a.Check], j.order[b.Check]) })
	service.Outcome = outcomeOf(service.Results)
	return service
}

// excuse looks for an exemption from a finding, or from what could not be known.
func (j *Judge) excuse(r *Result, ref catalog.Ref, w *catalog.Workload, now time.Time) {
	if r.Outcome != graph.OutcomeFail && r.Outcome != graph.OutcomeUnknown {
		return
	}
	for i := range j.policy.Exemptions {
		e := &j.policy.Exemptions[i]
		if e.covers(r.Check.ID, ref, w, r.Container) && !e.Expired(now) {
			r.Exemption = e
			r.Message = "exempted: " + e.Reason + " (it would be " + r.Outcome.String() + ": " + r.Message + ")"
			r.Outcome = graph.OutcomeNotApplicable
			return
		}
	}
}

func outcomeOf(results []Result) graph.Outcome {
	outcome, passed := graph.OutcomeNotApplicable, make(map[*Check]bool)
	for i := range results {
		if r := &results[i]; r.Outcome == graph.OutcomePass {
			passed[r.Check] = true
		}
	}
	for i := range results {
		switch r := &results[i]; {
		case r.Outcome == graph.OutcomeNotApplicable:
		case r.Outcome == graph.OutcomeFail && r.Severity == catalog.Error:
			return graph.OutcomeFail
		case r.Outcome == graph.OutcomeUnknown && r.Severity == catalog.Error && !passed[r.Check]:
			outcome = max(outcome, graph.OutcomeUnknown)
		default:
			outcome = max(outcome, graph.OutcomePass)
		}
	}
	return outcome
}

// DefaultJudge judges by the default policy.
func DefaultJudge() *Judge {
	j, err := NewJudge(Policy{})
	if err != nil {
		return &Judge{} // the zero policy names nothing that could be wrong
	}
	return j
}
