package catalog

import "time"

// Instant is a time in whole seconds since 1970 UTC; 0 = unknown. Facts come by the million, and none needs more.
type Instant uint32

// InstantOf rounds a time down to the second. What an Instant cannot hold is unknown.
func InstantOf(t time.Time) Instant {
	if seconds := t.Unix(); seconds > 0 && seconds <= int64(^Instant(0)) {
		return Instant(seconds)
	}
	return 0
}

// Time is zero where the instant is unknown.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(int64(i), 0).UTC()
}
