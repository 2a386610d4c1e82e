// Package drift finds where what teams declare disagrees with the traffic that was seen: one kind of finding a file, each a
// pure function over a Snapshot. Every finding tells how sure it is, what it rests on, and what to write into which catalog
// file.
package drift
