// Package traffic is what was counted of requests and messages between services: how many, how many failed, how long they
// took, since when, and what a failure of the called did to the caller. Counts only add up: those of any number of writers
// and hours merge in any order to the same sums. No I/O.
package traffic
