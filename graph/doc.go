// Package graph holds the dependency graph: the Store contract that engines implement, the immutable Snapshot of one
// revision, and the algorithms that answer questions on it, one idea a file. Engines persist and load; every question is
// answered once, here, so that all engines give the same answers.
package graph
