// Package neo4jstore is the engine of graph.Store on Neo4j 5: a single server, a cluster or a hosted one.
//
// # In the database
//
// Documents are kept by versions, so that a change of any size is atomic for readers although it is written in several
// transactions: `(:Claim {id, from, until, data})` was true at the revisions from <= R < until, where until is the largest
// integer while nothing has replaced it. `(:State)` is the same for documents of state. `(:Revision {number, time})` numbers
// the changes, `(:FieldChange {sequence, ref, field, old, new})` is the history, `(:Lease)` holds leases. The one
// `(:Store)` node has the newest revision, by which all readers go and which moves last, in a transaction of its own.
//
// Neo4j isolates transactions by read committed, and applies a commit to nodes before it applies it to indexes. So a
// reader must never rely on what is still being committed: a revision becomes visible by a transaction that begins after
// those that wrote its data have ended, and brings their bookmarks, for which readers wait on every member of a cluster.
// Readers page along indexes whose entries never move: of a version, they find the id and from, which stay as they are,
// and look at until on the node.
//
// Rows of traffic, `(:TrafficRow {id, sequence, data})`, are of no revision. The one `(:TrafficSequence)` node numbers their
// writes, and its lock orders them, apart from all else. A reader first sees how far that has come, in a transaction of its
// own: the bookmark of that transaction is no older than what it saw, so that the next one, which brings it, begins when the
// rows up to there are applied to indexes, too.
//
// # Who writes
//
// Each transaction that writes locks the Store node first. A change registers itself there as an attempt, before its data
// can be seen by anybody, and each of its transactions requires that it still is the registered one: a process that was
// paused and wakes up can do nothing after another has taken over. What a broken off attempt left behind is of no
// revision, and the next writer removes it. The lease of a change is checked, and locked, in each of its transactions.
package neo4jstore
