package scantest

import (
	"testing"
	"time"
)

// Until waits for what other processes bring about: it asks again and again until the answer is yes, and fails the test after
// a minute.
func Until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !yes() {
		select {
		case <-deadline:
			t.Fatalf("within a minute not: %s", what)
		case <-t.Context().Done():
			t.Fatalf("ended before: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
