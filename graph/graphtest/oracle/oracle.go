// Package oracle says what a blast radius must be, slowly and so plainly that a reader can check it against the design
// sentence by sentence. It starts from the text of catalog files and shares no line of code with what it judges: own
// decoding, own relations, own needs, a fixpoint that goes round until nothing changes, distances by relaxation, and
// paths by comparing all of them. It is for tests with a few dozen entities.
package oracle

// Catalog is a set of relations in plain words.
type Catalog struct {
	// Entities holds every Ref that is described or referred to.
	Entities  map[string]bool
	Relations []Relation
}

// Relation is one stated relation, forward.
type Relation struct {
	From, To    string
	Type        string // dependsOn, consumesApi, providesApi, partOf or runsOn
	Strength    string // HARD, SOFT, ASYNC; "" = not stated
	AnyOf       string
	Role        string // PUBLISH, CONSUME, PUBLISH_AND_CONSUME or ""
	Environment string // "" = holds in all
	Evidence    []Evidence
}

// Evidence is one reason to believe a relation.
type Evidence struct {
	Kind        string // DECLARED, OBSERVED, INFERRED
	Stale       bool
	Environment string // where it was seen; "" = everywhere, as what is declared
	Together    Together
}

// Together counts requests to the source of traffic, by what failed in them.
type Together struct{ Both, Call, Request, None int }

// Question is what is asked of a catalog.
type Question struct {
	Failed       []string
	Evidence     []string // kinds that count; none = all
	IncludeStale bool
	Environment  string // "" = production
	MaxDistance  int    // 0 = no limit
	Behaves      bool   // strength as traffic in the environment tells it
	Add          []Assumed
	Remove       [][2]string // ends between which no need is left
}

// Assumed is a dependency that a question adds.
type Assumed struct {
	From, To string
	Strength string // "" = HARD
	AnyOf    string
}

// Answer is a blast radius.
type Answer struct {
	Failed   []string          // those asked for in order, then their parts by Ref
	PartOf   map[string]string // why a part failed
	Impacted []Hit             // by impact, distance, Ref
	Totals   map[string]int    // by impact
}

// Hit is one impacted entity.
type Hit struct {
	Ref      string
	Impact   string // OUTAGE, DEGRADED or DELAYED
	Distance int
	Path     []string // from the entity to a failed one
}

// Add puts a relation and its ends into the catalog.
func (c *Catalog) Add(relation Relation) {
	if c.Entities == nil {
		c.Entities = map[string]bool{}
	}
	c.Entities[relation.From] = true
	c.Entities[relation.To] = true
	c.Relations = append(c.Relations, relation)
}
