// Package pullcheck tells on pull requests what they would do to the catalog. It reads the catalog files that a pull request
// changes, tries them against the whole graph (see [ingest.Catalog.Try]), and writes what it finds as a check run: problems as
// annotations on lines, what changes as a summary.
//
// What the change causes counts, here and anywhere else in the catalog; what was wrong before does not. Nothing is kept but the
// queue of checks: GitHub holds the results, and tells after a restart which checks there are.
//
// A result stands for what a merge would make: where the branch has changed the same files since the pull request left it, they
// are merged entity by entity.
package pullcheck
