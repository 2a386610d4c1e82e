// Package onboard drafts a catalog-info.yaml for a repository, and proposes it as a pull request where that is wanted.
//
// A draft is guesswork that says so: every value carries its reason as a comment on its line, and what could not be found
// out is a value that is accepted, with a comment that asks the owner for the right one. The same repository and the same
// catalog give the same draft, and every draft is accepted by Orrery and by Backstage.
//
// What is read of a repository is bounded. Of settings only the names of hosts are kept: no value and no secret of them
// gets into a draft.
package onboard
