package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orrery-catalog/orrery/catalog"
)

func (p *program) blastRadiusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "blast-radius REF...",
		Short: "What breaks, and how badly, when these fail together",
		Example: "  orrery blast-radius ledger-db\n  orrery blast-radius payments-db payments-cache --format json\n" +
			"  orrery blast-radius ledger-db --format dot | dot -Tsvg > ledger-db.svg",
		Args:              arguments(1, 100, "from 1 to 100 REFs, such as ledger-db or resource:default/ledger-db"),
		ValidArgsFunction: p.completeRefs(100),
	}
	d, format, options := dataFlags(cmd), formatFlag(cmd, formatDot, formatMermaid), graphFlags(cmd)
	distance := cmd.Flags().Int("max-distance", 0, "list only what is at most so many `steps` away; 0 is no limit")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := options.variables()
		if err != nil {
			return err
		}
		if err := notNegative("--max-distance", *distance); err != nil {
			return err
		}
		which["maxDistance"] = *distance
		variables := map[string]any{"of": args, "options": which}
		return p.answers(cmd, d, *format, func(ctx context.Context, q *pinned) (answer, error) { return askBlast(ctx, q, variables) })
	}
	return cmd
}

// blast is the answer of `blast-radius`.
type blast struct {
	Failed   []string    `json:"failed"`
	Parts    []part      `json:"parts"` // those of failed that failed as a part of something
	Impacted []impacted  `json:"impacted"`
	Journeys []hit       `json:"journeys"`
	Entries  []hit       `json:"entryPoints"` // where requests begin, of what is hit
	Systems  []hit       `json:"systems"`
	Teams    []teamHit   `json:"teams"`
	Tiers    []tierHit   `json:"tiers"`
	Totals   blastTotals `json:"totals"`

	steps []edge // of all paths, each once
}

type part struct {
	Ref    string `json:"ref"`
	PartOf string `json:"partOf"`
}

type impacted struct {
	Ref          string   `json:"ref"`
	Kind         string   `json:"kind"`
	Impact       string   `json:"impact"`
	Distance     int      `json:"distance"`
	Path         []string `json:"path"`
	Owner        *string  `json:"owner"`
	Steps        []edge   `json:"steps"`        // of the path, in its order
	Alternatives []string `json:"alternatives"` // all members of the group that failed
	ownable      bool     // somebody is expected to own it
}

type hit struct {
	Ref           string `json:"ref"`
	Impact        string `json:"impact"`
	ObservedReach *reach `json:"observedReach"` // null where it was not traced
}

type teamHit struct {
	Ref      *string   `json:"ref"` // null = nobody owns these
	Impacted int       `json:"impacted"`
	Worst    string    `json:"worst"`
	OnCall   []contact `json:"oncall"`
}

type tierHit struct {
	Tier   *int        `json:"tier"`
	Totals blastTotals `json:"totals"`
}

type blastTotals struct {
	Outage   int `json:"OUTAGE"`
	Degraded int `json:"DEGRADED"`
	Delayed  int `json:"DELAYED"`
}

type hitNode struct {
	Entity        refNode
	Impact        string
	ObservedReach *reach
}

type totalsNode struct{ Outage, Degraded, Delayed int }

func askBlast(ctx context.Context, q *pinned, variables map[string]any) (answer, error) {
	type result struct {
		BlastRadius struct {
			Failed connection[struct {
				Entity refNode
				PartOf *refNode
			}]
			Impacted connection[struct {
				Entity struct {
					Ref, Kind         string
					Found, Discovered bool
					Owner             *refNode
				}
				Impact       string
				Distance     int
				Path         []dependencyNode
				Alternatives []refNode
			}]
			Journeys, Systems, EntryPoints connection[hitNode]
			Teams                          connection[struct {
				Owner    *refNode
				Impacted int
				Worst    string
				OnCall   []contact
			}]
			Tiers []struct {
				Tier   *int
				Totals totalsNode
			}
			Totals totalsNode
		}
	}
	query := "query(" + pageVariables("failed", "impacted", "journeys", "systems", "entryPoints", "teams") +
		", $of: [String!]!, $options: BlastRadiusOptions) { blastRadius(of: $of, options: $options) { " +
		page("failed(%s)", "failed", "entity { ref } partOf { ref }") + " " +
		page("impacted(%s)", "impacted", "entity { ref kind found discovered owner { ref } } impact distance path { "+dependencyFields+" } alternatives { ref }") + " " +
		page("journeys(%s)", "journeys", "entity { ref } impact "+reachFields) + " " +
		page("entryPoints(%s)", "entryPoints", "entity { ref } impact "+reachFields) + " " +
		page("systems(%s)", "systems", "entity { ref } impact") + " " +
		page("teams(%s)", "teams", "owner { ref } impacted worst "+contactFields) +
		" tiers { tier totals { outage degraded delayed } } totals { outage degraded delayed } } }"
	got, err := askAll(ctx, q, query, variables, func(r *result) map[string]list {
		b := &r.BlastRadius
		return map[string]list{
			"failed": &b.Failed, "impacted": &b.Impacted, "journeys": &b.Journeys, "systems": &b.Systems,
			"entryPoints": &b.EntryPoints, "teams": &b.Teams,
		}
	})
	if err != nil {
		return nil, err
	}
	b := &got.BlastRadius
	a := &blast{
		Failed: []string{}, Parts: []part{}, Impacted: make([]impacted, 0, len(b.Impacted.Nodes)), Teams: []teamHit{}, Tiers: []tierHit{},
		Journeys: hits(b.Journeys.Nodes), Systems: hits(b.Systems.Nodes), Entries: hits(b.EntryPoints.Nodes),
		Totals: blastTotals(b.Totals),
	}
	for _, f := range b.Failed.Nodes {
		a.Failed = append(a.Failed, f.Entity.Ref)
		if f.PartOf != nil {
			a.Parts = append(a.Parts, part{f.Entity.Ref, f.PartOf.Ref})
		}
	}
	known := map[[2]string]bool{}
	for _, n := range b.Impacted.Nodes {
		hit := impacted{
			Ref: n.Entity.Ref, Kind: n.Entity.Kind, Impact: n.Impact, Distance: n.Distance, Owner: refOf(n.Entity.Owner),
			Path: []string{n.Entity.Ref}, Steps: edges(n.Path), Alternatives: refs(n.Alternatives),
			ownable: catalog.IsOwnable(n.Entity.Kind) && (!n.Entity.Found || n.Entity.Discovered),
		}
		for _, e := range hit.Steps {
			hit.Path = append(hit.Path, e.To)
			if ends := [2]string{e.From, e.To}; !known[ends] {
				known[ends] = true
				a.steps = append(a.steps, e)
			}
		}
		a.Impacted = append(a.Impacted, hit)
	}
	for _, t := range b.Teams.Nodes {
		a.Teams = append(a.Teams, teamHit{refOf(t.Owner), t.Impacted, t.Worst, clone(t.OnCall)})
	}
	for _, t := range b.Tiers {
		a.Tiers = append(a.Tiers, tierHit{t.Tier, blastTotals(t.Totals)})
	}
	return a, nil
}

func hits(nodes []hitNode) []hit {
	list := make([]hit, len(nodes))
	for i, n := range nodes {
		list[i] = hit{n.Entity.Ref, n.Impact, n.ObservedReach}
	}
	return list
}

func (a *blast) table(p *printer) {
	p.paragraph(a.summary())
	if len(a.Impacted) == 0 {
		return
	}
	p.line("")
	rows := make([][]cell, len(a.Impacted))
	for i, hit := range a.Impacted {
		rows[i] = []cell{
			{hit.Impact, impactPaint(hit.Impact)},
			text(hit.Ref), text(fmt.Sprint(hit.Distance)),
			text(shortName(shown(hit.Owner))), text(hit.proof()),
		}
	}
	p.table([]column{
		{title: "IMPACT"},
		{title: "ENTITY", short: shortRef},
		{title: "STEPS", numbers: true},
		{title: "OWNER", shrinks: true},
		{title: "PATH", shrinks: true, short: restOfChain},
	}, rows)
}

// maxAlternatives is how many are named in a table.
const maxAlternatives = 4

// proof is the path, with the others that are lost too where it begins with an alternative.
func (hit *impacted) proof() string {
	path := chain(hit.Path)
	switch n := len(hit.Alternatives); {
	case n > maxAlternatives:
		path += fmt.Sprintf(" (all %d alternatives are lost)", n)
	case n > 1:
		path += " (all of " + shortNames(hit.Alternatives) + " are lost)"
	}
	return path
}

// summary says in words what is hit and whom to page.
func (a *blast) summary() string {
	fail := "fails"
	asked := a.asked()
	if len(asked) > 1 {
		fail = "fail together"
	}
	head := "When " + shortNames(asked) + " " + fail
	if n := len(a.Parts); n > 0 {
		head += fmt.Sprintf(", with %s", many(n, "part", "parts"))
	}
	if len(a.Impacted) == 0 {
		return head + ", nothing else is hit."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s hit: %s.", head, many(len(a.Impacted), "entity is", "entities are"), a.Totals.words())
	if len(a.Journeys) > 0 {
		fmt.Fprintf(&b, " Journeys: %s.", hitWords(a.Journeys))
	}
	if traced := a.traced(); len(traced) > 0 {
		fmt.Fprintf(&b, " Entry points: %s.", hitWords(traced))
	}
	var teams []string
	unowned := 0
	for _, t := range a.Teams {
		switch {
		case t.Ref == nil: // they are counted below
		case len(t.OnCall) > 0:
			teams = append(teams, fmt.Sprintf("%s (%s)", shortName(*t.Ref), contacts(t.OnCall)))
		default:
			teams = append(teams, shortName(*t.Ref)+" (no on-call known)")
		}
	}
	if len(teams) > 0 {
		fmt.Fprintf(&b, " Teams to page: %s.", strings.Join(teams, ", "))
	}
	for i := range a.Impacted {
		if hit := &a.Impacted[i]; hit.Owner == nil && hit.ownable {
			unowned++
		}
	}
	if unowned > 0 {
		fmt.Fprintf(&b, " Nobody owns %d of them.", unowned)
	}
	return b.String()
}

// maxEntries is how many entry points a summary names.
const maxEntries = 5

// traced are the entry points whose requests touch what failed, those with the greatest share first.
func (a *blast) traced() []hit {
	var traced []hit
	for _, h := range a.Entries {
		if h.ObservedReach != nil && h.ObservedReach.ShareAtMost > 0 {
			traced = append(traced, h)
		}
	}
	slices.SortStableFunc(traced, func(x, y hit) int { return cmp.Compare(y.ObservedReach.Share, x.ObservedReach.Share) })
	return traced[:min(len(traced), maxEntries)]
}

// asked are the failed ones that were named, without the parts that failed with them.
func (a *blast) asked() []string {
	isPart := map[string]bool{}
	for _, p := range a.Parts {
		isPart[p.Ref] = true
	}
	var asked []string
	for _, ref := range a.Failed {
		if !isPart[ref] {
			asked = append(asked, ref)
		}
	}
	return asked
}

func (t blastTotals) words() string {
	var words []string
	for _, total := range []struct {
		n    int
		word string
	}{{t.Outage, "OUTAGE"}, {t.Degraded, "DEGRADED"}, {t.Delayed, "DELAYED"}} {
		if total.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", total.n, total.word))
		}
	}
	return strings.Join(words, ", ")
}

func hitWords(hits []hit) string {
	words := make([]string, len(hits))
	for i, h := range hits {
		words[i] = shortName(h.Ref) + " " + h.Impact
		if reached := h.ObservedReach.words(); reached != "" {
			words[i] += " (" + reached + ")"
		}
	}
	return strings.Join(words, ", ")
}

// drawing shows what failed, what is hit, and the paths that prove it.
func (a *blast) drawing() drawing {
	var d drawing
	for _, ref := range a.Failed {
		d.nodes = append(d.nodes, drawnNode{ref, "FAILED", "#d9534f"})
	}
	for _, hit := range a.Impacted {
		d.nodes = append(d.nodes, drawnNode{hit.Ref, hit.Impact, impactColor(hit.Impact)})
	}
	for _, e := range a.steps {
		d.edges = append(d.edges, e.drawn())
	}
	d.nodes = nodesOf(d.nodes, d.edges)
	return d
}
