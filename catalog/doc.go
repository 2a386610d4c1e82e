// Package catalog is the pure domain of Orrery: entities and their refs, the claims that sources make about them,
// and the rules by which claims become one merged model. It does no I/O and imports the standard library only, so
// that every rule can be tested by values alone.
//
// The words (Ref, Claim, Alias, Evidence, Strength ...) are those of the project's design and mean the same in code,
// API, UI and docs.
package catalog
