package graphtest

import (
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// Engine is how the suite gets at stores of one engine. Every function must close what it opened by t.Cleanup.
type Engine struct {
	// Open opens a new, empty store for writing.
	Open func(t testing.TB) graph.Store
	// Reopen closes the store and opens its data again for writing, as a process that starts later does.
	Reopen func(t testing.TB, store graph.Store) graph.Store
	// Join opens the data of a store that stays open, as another process that only reads does.
	Join func(t testing.TB, store graph.Store) graph.Store
	// Break makes the database of an open store stop answering, until mend is called.
	Break func(t testing.TB, store graph.Store) (mend func())
	// AgeTraffic makes every row of traffic that is empty by now older by so much.
	AgeTraffic func(t testing.TB, store graph.Store, by time.Duration)
}

// RunStore is the conformance suite: what every engine must do, each test on a store of its own. It reads no
// Capabilities and knows no engine.
func RunStore(t *testing.T, engine Engine) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, engine Engine)
	}{
		{"Empty", testEmptyStore},
		{"PutReplaceRemove", testPutReplaceRemove},
		{"EmptyChange", testEmptyChange},
		{"LargeChange", testLargeChange},
		{"LargeValues", testLargeValues},
		{"OddStrings", testOddStrings},
		{"Times", testTimes},
		{"States", testStates},
		{"Ownership", testOwnership},
		{"FailedApplyChangesNothing", testFailedApply},
		{"ApplyEndedByContext", testApplyEndedByContext},
		{"Conflict", testConflict},
		{"OneWinsPerBase", testOneWinsPerBase},
		{"ConcurrentAppliers", testConcurrentAppliers},
		{"LoadWhileOthersWrite", testLoadWhileOthersWrite},
		{"LoadBeforeItsStream", testLoadBeforeItsStream},
		{"LoadBrokenOff", testLoadBrokenOff},
		{"LoadEndedByContext", testLoadEndedByContext},
		{"Past", testPast},
		{"PastOfCrookedClocks", testPastOfCrookedClocks},
		{"PastWhileOthersWrite", testPastWhileOthersWrite},
		{"FollowFromAnywhere", testFollowFromAnywhere},
		{"FollowWaits", testFollowWaits},
		{"FollowWhileOthersWrite", testFollowWhileOthersWrite},
		{"FollowElsewhere", testFollowElsewhere},
		{"FollowFromTheFuture", testFollowFromTheFuture},
		{"History", testHistory},
		{"HistoryOfManyRefs", testHistoryOfManyRefs},
		{"HistoryEndedByContext", testHistoryEndedByContext},
		{"Origin", testOrigin},
		{"OriginOfOldHistory", testOriginOfOldHistory},
		{"OriginRefused", testOriginRefused},
		{"OriginWithoutHistory", testOriginWithoutHistory},
		{"OriginFromTheStart", testOriginFromTheStart},
		{"OriginUnderFollowers", testOriginUnderFollowers},
		{"Lease", testLease},
		{"LeaseExpires", testLeaseExpires},
		{"LeaseHasOneHolder", testLeaseHasOneHolder},
		{"Fencing", testFencing},
		{"Readers", testReaders},
		{"Durable", testDurable},
		{"Ready", testReady},
		{"Closed", testClosed},
		{"ClosedUnderStreams", testClosedUnderStreams},
		{"RandomSequences", testRandomSequences},
		{"Traffic", testTraffic},
		{"TrafficExpect", testTrafficExpect},
		{"TrafficMakesNoRevision", testTrafficMakesNoRevision},
		{"TrafficBounds", testTrafficBounds},
		{"TrafficForgotten", testTrafficForgotten},
		{"TrafficOfManyWriters", testTrafficOfManyWriters},
		{"TrafficHasOneCompactor", testTrafficHasOneCompactor},
		{"TrafficLife", testTrafficLife},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}
