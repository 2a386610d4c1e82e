package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show REF",
		Short:             "Everything that is known of one entity",
		Example:           "  orrery show payments\n  orrery show group:payments --format json",
		Args:              arguments(1, 1, "one REF, such as payments or component:default/payments"),
		ValidArgsFunction: p.completeRefs(1),
	}
	d, format := dataFlags(cmd), formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askShow(ctx, q, args[0]) })
	}
	return cmd
}

// entity is the answer of `show`.
type entity struct {
	Ref          string            `json:"ref"`
	Kind         string            `json:"kind"`
	Namespace    string            `json:"namespace"`
	Name         string            `json:"name"`
	Title        *string           `json:"title"`
	Description  *string           `json:"description"`
	Type         *string           `json:"type"`
	Lifecycle    *string           `json:"lifecycle"`
	Tier         *int              `json:"tier"`
	Owner        *string           `json:"owner"`
	OnCall       []contact         `json:"oncall"`
	Runbooks     []string          `json:"runbooks"`
	Links        []link            `json:"links"`
	Profile      *profile          `json:"profile"`
	SLO          *slo              `json:"slo"`
	Capacity     *capacity         `json:"capacity"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	Tags         []string          `json:"tags"`
	Aliases      []alias           `json:"aliases"`
	System       *string           `json:"system"`
	Parents      []string          `json:"parents"`
	Parts        []string          `json:"parts"`
	Groups       []string          `json:"groups"`
	Members      []string          `json:"members"`
	Owns         []string          `json:"owns"`
	Dependencies []edge            `json:"dependencies"` // direct
	Dependents   []edge            `json:"dependents"`   // direct
	Workload     *workload         `json:"workload"`     // of a workload
	Node         *machine          `json:"node"`         // of a node
	Workloads    []running         `json:"workloads"`
	RunsOn       []string          `json:"runsOn"` // besides workloads
	Runs         []string          `json:"runs"`
	Problems     []problem         `json:"problems"`
	Placeholder  bool              `json:"placeholder"`
	Discovered   bool              `json:"discovered"`
	Found        bool              `json:"found"`
	Stale        bool              `json:"stale"`
	Source       *placed           `json:"source"`
	EntryPoint   *bool             `json:"entryPoint"` // whether requests begin there
	Traffic      *servedTraffic    `json:"traffic"`    // that it served, in production
	Suggested    []suggested       `json:"suggested"`  // who may own it, where nobody is known to
}

type profile struct {
	DisplayName *string `json:"displayName"`
	Email       *string `json:"email"`
	Picture     *string `json:"picture"`
}

type slo struct {
	Availability  float64  `json:"availability"`
	WindowSeconds *float64 `json:"windowSeconds"`
}

type capacity struct {
	RequestsPerSecond float64 `json:"requestsPerSecond"`
}

type alias struct {
	Alias     string `json:"alias"`
	MatchedBy string `json:"matchedBy"`
}

// text is the name with the rule that gave it, unless the entity was made from it.
func (a alias) text() string {
	if a.MatchedBy == "DISCOVERY" {
		return a.Alias
	}
	return a.Alias + " (" + a.MatchedBy + ")"
}

type pair struct{ Key, Value string }

// entityNode is what GraphQL says of one entity: what is equal to the answer is decoded into it.
type entityNode struct {
	entity
	Labels       []pair                     `json:"labels"`
	Annotations  []pair                     `json:"annotations"`
	Owner        *refNode                   `json:"owner"`
	System       *refNode                   `json:"system"`
	Parents      []refNode                  `json:"parents"`
	Groups       []refNode                  `json:"groups"`
	Parts        connection[refNode]        `json:"parts"`
	Members      connection[refNode]        `json:"members"`
	Owns         connection[refNode]        `json:"owns"`
	Dependencies connection[dependencyNode] `json:"dependencies"`
	Dependents   connection[dependencyNode] `json:"dependents"`
	Workloads    connection[runningNode]    `json:"workloads"`
	RunsOn       connection[refNode]        `json:"runsOn"`
	Runs         connection[refNode]        `json:"runs"`
	Problems     connection[problemNode]    `json:"problems"`
	OnCall       []contact                  `json:"onCall"`

	SuggestedOwners []suggestedNode
}

func askShow(ctx context.Context, q *pinned, ref string) (answer, error) {
	type result struct{ Entity entityNode }
	query := "query(" + pageVariables("parts", "members", "owns", "dependencies", "dependents",
		"workloads", "runsOn", "runs", "problems") + `, $ref: String!) {
		entity(ref: $ref) { ref kind namespace name title description type lifecycle tier
		labels { key value } annotations { key value } tags profile { displayName email picture }
		slo { availability windowSeconds } capacity { requestsPerSecond } owner { ref } runbooks system { ref } parents { ref }
		groups { ref } aliases { alias matchedBy } placeholder discovered found stale entryPoint ` + servedFields + " " +
		workloadFields + " " + nodeFields + " " + contactFields + " " + linkFields + " " + placeFields + " " + suggestedFields + " " +
		page("parts(%s)", "parts", "ref") + " " + page("members(%s)", "members", "ref") + " " + page("owns(%s)", "owns", "ref") + " " +
		page("dependencies(%s)", "dependencies", dependencyFields) + " " + page("dependents(%s)", "dependents", dependencyFields) + " " +
		page("workloads(%s)", "workloads", runningFields) + " " + page("runsOn(%s)", "runsOn", "ref") + " " +
		page("runs(%s)", "runs", "ref") + " " + page("problems(%s)", "problems", problemFields) + " } }"
	got, err := askAll(ctx, q, query, map[string]any{"ref": ref}, func(r *result) map[string]list {
		e := &r.Entity
		return map[string]list{
			"parts": &e.Parts, "members": &e.Members, "owns": &e.Owns, "dependencies": &e.Dependencies,
			"dependents": &e.Dependents, "workloads": &e.Workloads, "runsOn": &e.RunsOn, "runs": &e.Runs, "problems": &e.Problems,
		}
	})
	if err != nil {
		return nil, err
	}
	n := &got.Entity
	a := &n.entity
	a.OnCall, a.Runbooks, a.Links, a.Tags, a.Aliases = clone(n.OnCall), clone(a.Runbooks), clone(a.Links), clone(a.Tags), clone(a.Aliases)
	a.Labels, a.Annotations = pairs(n.Labels), pairs(n.Annotations)
	a.Owner, a.System = refOf(n.Owner), refOf(n.System)
	a.Parents, a.Groups = refs(n.Parents), refs(n.Groups)
	a.Parts, a.Members, a.Owns = refs(n.Parts.Nodes), refs(n.Members.Nodes), refs(n.Owns.Nodes)
	a.Dependencies, a.Dependents = edges(n.Dependencies.Nodes), edges(n.Dependents.Nodes)
	a.Workloads, a.RunsOn, a.Runs = runningOn(n.Workloads.Nodes), []string{}, refs(n.Runs.Nodes)
	for _, ref := range refs(n.RunsOn.Nodes) {
		if !strings.HasPrefix(ref, "workload:") {
			a.RunsOn = append(a.RunsOn, ref)
		}
	}
	a.Problems, a.Suggested = problems(n.Problems.Nodes), suggestions(n.SuggestedOwners)
	return a, nil
}

func pairs(list []pair) map[string]string {
	found := make(map[string]string, len(list))
	for _, p := range list {
		found[p.Key] = p.Value
	}
	return found
}

func (a *entity) table(p *printer) {
	facts := []fact{{"Entity", cell{a.Ref, bold}}}
	known := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{name, text(value)})
		}
	}
	switch {
	case a.Placeholder:
		facts = append(facts, fact{"State", cell{"others refer to it and nobody describes it", yellow}})
	case a.Discovered:
		facts = append(facts, fact{"State", cell{"it runs and nobody declares it", yellow}})
	case a.Stale:
		facts = append(facts, fact{"State", cell{"what is known could not be renewed", yellow}})
	}
	if a.Node != nil && a.Node.Ready != nil && !*a.Node.Ready {
		facts = append(facts, fact{"Ready", cell{"no", yellow}})
	}
	known("Title", shown(a.Title))
	known("Description", shown(a.Description))
	known("Type", shown(a.Type))
	known("Lifecycle", shown(a.Lifecycle))
	known("Tier", shown(a.Tier))
	if a.Profile != nil {
		known("Called", shown(a.Profile.DisplayName))
		known("E-mail", shown(a.Profile.Email))
	}
	if a.SLO != nil {
		known("SLO", fmt.Sprintf("%v %%", a.SLO.Availability))
	}
	if a.Capacity != nil {
		known("Capacity", fmt.Sprintf("%v requests a second", a.Capacity.RequestsPerSecond))
	}
	facts = append(facts, fact{"Owner", text(shown(a.Owner))})
	for _, s := range a.Suggested {
		known("Suggested", s.text())
	}
	facts = append(facts, fact{"On call", cell{contacts(a.OnCall), green}})
	known("Part of", strings.Join(a.Parents, ", "))
	known("Parts", shortNames(a.Parts))
	known("Groups", strings.Join(a.Groups, ", "))
	known("Members", shortNames(a.Members))
	if a.EntryPoint != nil && *a.EntryPoint {
		known("Entry point", "requests begin here")
	}
	if a.Traffic != nil {
		known("Serves", a.Traffic.words())
	}
	known("Owns", strings.Join(a.Owns, ", "))
	known("Tags", strings.Join(a.Tags, ", "))
	if a.Workload != nil {
		a.Workload.facts(known)
	}
	known("Runs on", strings.Join(a.RunsOn, ", "))
	known("Runs", strings.Join(a.Runs, ", "))
	for _, runbook := range a.Runbooks {
		known("Runbook", runbook)
	}
	for _, l := range a.Links {
		known("Link", l.text())
	}
	for _, alias := range a.Aliases {
		known("Alias", alias.text())
	}
	known("Written in", a.Source.text())
	p.facts(facts)
	if a.Workload != nil {
		a.Workload.table(p)
	}
	runningTable(p, a.Workloads)
	neighbours(p, "NEEDS", a.Dependencies, func(e edge) string { return e.To })
	neighbours(p, "NEEDED BY", a.Dependents, func(e edge) string { return e.From })
	if len(a.Problems) > 0 {
		p.line("")
		problemTable(p, a.Problems)
	}
}

func neighbours(p *printer, title string, list []edge, other func(edge) string) {
	if len(list) == 0 {
		return
	}
	rows := make([][]cell, 0, len(list))
	columns := []column{{title: title, shrinks: true, short: shortRef}, {title: "STRENGTH"}, {title: "ANY OF"}, {title: "EVIDENCE"}}
	measured := slices.ContainsFunc(list, func(e edge) bool { return e.Traffic != nil })
	if measured {
		columns = append(columns, column{title: "TRAFFIC", shrinks: true})
	}
	for _, e := range list {
		kinds := make([]string, 0, len(e.Evidence))
		for _, reason := range e.Evidence {
			kinds = append(kinds, reason.Kind)
		}
		slices.Sort(kinds)
		rows = append(rows, []cell{
			text(other(e)), {e.Strength, strengthPaint(e.Strength)}, text(shown(e.AnyOf)), text(strings.Join(slices.Compact(kinds), ", ")),
		})
		if measured {
			rows[len(rows)-1] = append(rows[len(rows)-1], text(edgeTraffic([]edge{e})))
		}
	}
	p.line("")
	p.table(columns, rows)
}
