// Package ledger keeps what is counted of traffic: it takes counts from listeners and readers, writes them as rows of its own
// beside those of other processes, adds all rows up to numbers beside the graph, and says which dependencies there are as
// documents, for the ordinary way of claims.
//
// A row is what one writer counted in one hour of one part of all flows; it is written again, whole, when it grows. So
// writing needs no lease, a row that is written twice counts once, and a sum over all rows is the truth whatever their
// order. What changes still is kept in memory by row (a set); what is final is only kept as a sum, which is made anew from
// the rows where one of them changes after all: when a file is replaced, days are compacted, or old ones go.
package ledger
