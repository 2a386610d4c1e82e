// Package facts makes claims of what is in an inventory: what runs, where, behind which Services and routes, and what
// leads to nothing. It is incremental: a change costs what it touches.
package facts
