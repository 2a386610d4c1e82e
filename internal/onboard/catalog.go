package onboard

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// Catalog answers what a draft asks of a running catalog, which may change between two answers.
type Catalog interface {
	// Find gives the entity that a text names: a Ref, a part of one, or an alias. nil = none, or several.
	Find(ctx context.Context, text string) (*Known, error)
	// Groups lists all groups that somebody describes, by Ref.
	Groups(ctx context.Context) ([]Known, error)
	// Needs lists what an entity is seen to need in production and does not declare, by Ref of the needed.
	Needs(ctx context.Context, ref catalog.Ref) ([]Need, error)
}

// Known is what a catalog says of one entity.
type Known struct {
	Ref         catalog.Ref
	Kind        string // as written
	Name        string // as written
	Title       string
	Type        string
	Owner       catalog.Ref // "" = nobody is named
	System      catalog.Ref // "" = none
	Discovered  bool        // it runs and nobody declares it
	Placeholder bool        // it is referred to and nobody describes it
	Location    string      // where it is described; "" = nowhere
	Email       string      // of a group or user
	Aliases     []catalog.Alias
	Annotations map[string]string
}

// described says whether somebody wrote a file about the entity.
func (k *Known) described() bool { return k != nil && !k.Discovered && !k.Placeholder }

// Need is a dependency that was seen.
type Need struct {
	To       catalog.Ref
	Kind     string // of the needed, as written
	Type     catalog.RelationType
	Strength catalog.Strength // as it stands or, where failures tell one, as they do; Unstated = nothing is known
	Role     catalog.Role
	Observed bool      // in traffic; else configuration suggests it
	Location string    // where it is suggested; "" = unknown
	Requests float64   // that were counted; 0 = unknown
	Since    time.Time // zero = unknown
}
