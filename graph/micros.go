package graph

import (
	"math"
	"time"
)

// FloorMicro rounds down to the microseconds that engines keep times in. What they cannot hold is before or after all of
// them.
func FloorMicro(t time.Time) int64 {
	switch {
	case t.Year() < -290_000:
		return math.MinInt64
	case t.Year() > 290_000:
		return math.MaxInt64
	}
	return t.UnixMicro()
}

// CeilMicro rounds up: engines keep times in whole microseconds, and none that is kept lies between.
func CeilMicro(t time.Time) int64 {
	micros := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		micros++
	}
	return micros
}
