// Package sqlitestore is the embedded engine of graph.Store: one SQLite file, no server, no cgo.
//
// # On disk
//
// The file is in WAL mode with synchronous = FULL, so that a commit that was reported survives kill -9 and a loss of
// power. Beside it stand SQLite's own `-wal` and `-shm` while it is open, and `<file>.lock`, which says who writes. A file
// is made whole under another name and then renamed, so that no half-made one can be met. Its application id tells it from
// other programs' databases; `user_version` is the number of the newest migration.
//
// One process at a time opens it for writing, held by an operating-system lock that ends with the process. Any number
// read it meanwhile, also in other processes.
//
// # Tables
//
// `records` holds what is true now: a row a document or state, with the revision that put it. What a change replaces or
// removes moves to `superseded`, with the revision that did it, so that two questions can be answered without writing
// anything twice. Follow: the change N is what `records` and `superseded` hold under N; this is kept for the newest
// revisions, bounded in number and bytes. Load of a past state: what was true at N was put by N or before and replaced
// after N; this is kept as long as the history, counted from when it was replaced, and bounded in bytes. What either needs
// serves both, so that Follow can start wherever a state can be loaded.
// `revisions` numbers the changes, `history` holds the recorded field changes, `leases` the leases.
//
// `traffic` holds the rows of what was counted. They are of no revision. A row is written by taking the old one away and
// putting the new one at the end, so that the order of the table is that in which they are read.
package sqlitestore
