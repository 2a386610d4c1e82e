// Package ingest takes what scanners report into the store, and what the store holds into snapshots. It knows the rules
// by which a statement replaces an earlier one, by which the last good claims stand when something cannot be read, and
// by which what is gone is removed. It does not know engines, or what a scanner reads.
//
// The claims of all sources are held in memory as packed documents, each beside what the Catalog knows of it: since when
// its facts are said, and whether it is stale. The decoded form exists only while it is merged. All changes pass through
// one place, Catalog.commit, one at a time: what a scan found is settled against what its source held, the brake holds
// removals that are too large, and the difference is merged, written and published, or all of it taken back.
//
// Several processes may share a store that says so. Each follows what the others commit, in revisions, and answers from
// its own Snapshot. One of them at a time, the holder of the lease [graph.LeaseScans], scans; what it commits is refused
// once another one has the lease. Approvals, and requests for scans to the holder, are committed by any, and so is what one
// of them heard of a source (Catalog.Heard) and the holder is to scan. While the store is away, the newest Snapshot stands,
// Freshness tells its age, and what was scanned or heard waits.
package ingest
