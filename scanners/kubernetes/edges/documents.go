package edges

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// need is an edge in the making.
type need struct {
	target   catalog.Alias
	workload *inventory.Workload // the target; nil = outside
	anyOf    string
	protocol string
	waits    bool // an init container waits for it
	line     int32
	field    string // path in the source's object; "" = another object says so
	port     int32
}

// documents say what a workload needs: one with the edges as its own object has them, and one for each policy that says so,
// too.
func (in *inference) documents(j *judged) []*catalog.Document {
	needs := in.needs(j)
	name := scope(in.namespace, j.w.Kind, j.w.Name())
	main := &catalog.Document{
		ID: catalog.DocumentID{Scope: name, Key: string(j.w.Alias)}, Location: j.w.Object.Location, Problems: problems(j),
	}
	claim := catalog.Claim{Subject: catalog.Subject{Alias: j.w.Alias}, Line: j.w.Object.Line("")}
	for _, n := range needs {
		claim.Edges = append(claim.Edges, n.edge())
	}
	if len(claim.Edges) > 0 {
		main.Claims = []catalog.Claim{claim}
	}
	supports, contradictions := in.confront(j.w, needs)
	main.Problems = append(main.Problems, contradictions...)
	if len(main.Claims) == 0 && len(main.Problems) == 0 {
		return nil
	}
	documents := []*catalog.Document{main}
	for _, s := range supports {
		claim := catalog.Claim{Subject: catalog.Subject{Alias: j.w.Alias}, Line: s.policy.Line("")}
		for _, n := range s.needs {
			edge := n.edge()
			edge.Line = s.policy.Line("spec")
			claim.Edges = append(claim.Edges, edge)
		}
		documents = append(documents, &catalog.Document{
			ID:       catalog.DocumentID{Scope: name, Key: string(j.w.Alias) + "#" + s.policy.Namespace + "/" + s.policy.Name},
			Location: s.policy.Location, Claims: []catalog.Claim{claim},
		})
	}
	return documents
}

func (n *need) edge() catalog.EdgeClaim {
	edge := catalog.EdgeClaim{
		Target: catalog.Subject{Alias: n.target}, Type: catalog.DependsOn, Evidence: catalog.Inferred,
		Line: n.line, AnyOf: n.anyOf, Protocol: n.protocol, Strength: strength(n.protocol),
	}
	if n.waits {
		edge.Strength = catalog.Hard
	}
	return edge
}

// needs unites the findings of one workload: one need for each target, sorted by it. What is reached by a Service that leads
// to it alone is needed for itself; else the first of the Services that lead to several makes the group.
func (in *inference) needs(j *judged) []*need {
	byTarget := make(map[catalog.Alias]*need)
	take := func(n *need) {
		had := byTarget[n.target]
		if had == nil {
			byTarget[n.target] = n
			return
		}
		had.waits = had.waits || n.waits
		if n.anyOf == "" || had.anyOf != "" && n.anyOf < had.anyOf {
			had.anyOf = n.anyOf
		}
		if had.protocol == "" || strength(had.protocol) == catalog.Async && n.protocol != "" && strength(n.protocol) != catalog.Async {
			had.protocol, had.port = n.protocol, n.port
		}
	}
	for i := range j.findings {
		f := &j.findings[i]
		line, protocol := j.w.Object.Line(f.field), in.protocol(f)
		if f.service == nil {
			if alias, err := catalog.ParseAlias("host:" + f.external); err == nil {
				take(&need{target: alias, protocol: protocol, waits: f.initial, line: line, field: f.field, port: f.Port})
			}
			continue
		}
		workloads := in.behind(f.service)
		group := ""
		if len(workloads) > 1 {
			group = "service " + f.group
		}
		for _, w := range workloads {
			take(&need{
				target: w.Alias, workload: w, anyOf: group, protocol: protocol, waits: f.initial, line: line, field: f.field, port: f.Port,
			})
		}
	}
	needs := make([]*need, 0, len(byTarget))
	for _, n := range byTarget {
		needs = append(needs, n)
	}
	slices.SortFunc(needs, func(a, b *need) int { return cmp.Compare(a.target, b.target) })
	return needs
}

// problems tell of names of the cluster that nothing answers, each once.
func problems(j *judged) []catalog.Problem {
	told := make(map[string]bool)
	var problems []catalog.Problem
	for i := range j.dangling {
		m := &j.dangling[i]
		if told[m.Host] {
			continue
		}
		told[m.Host] = true
		problems = append(problems, catalog.Problem{
			Location: j.w.Object.Location, Line: j.w.Object.Line(m.field), Field: m.field,
			Severity: catalog.Warning, Code: "dangling-host", Ref: j.w.Ref,
			Message: fmt.Sprintf("%s names the host %s, which no Service answers", said(m), m.Host),
			Fix:     "correct the name, add the Service, or take the setting out",
		})
	}
	return problems
}

func said(m *mention) string {
	if m.name != "" {
		return m.name
	}
	return "a command"
}
