package polled

import (
	"math"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Link is one dependency as Jaeger and Zipkin tell it.
type Link struct {
	Parent     string  `json:"parent"`
	Child      string  `json:"child"`
	CallCount  float64 `json:"callCount"`
	ErrorCount float64 `json:"errorCount"`
}

// Count makes counts of what was told of a window. Calls of a service to itself, and those between services without a name,
// are counted as lost.
func Count(links []Link, from, end, now time.Time) *traffic.Counts {
	counts := new(traffic.Counts)
	for _, link := range links {
		if !(link.CallCount > 0) || math.IsInf(link.CallCount, 0) {
			continue
		}
		caller, callee := Service("", link.Parent), Service("", link.Child)
		switch {
		case caller == "" || callee == "":
			counts.Lose(traffic.LostNoServiceName, uint64(link.CallCount))
		case caller == callee:
			counts.Lose(traffic.LostSelfCall, uint64(link.CallCount))
		default:
			flow := counts.Flow(traffic.FlowKey{From: caller, To: callee, Way: traffic.Call})
			flow.Requests += link.CallCount
			flow.Errors += min(max(0, link.ErrorCount), link.CallCount)
			flow.First, flow.Last = Seen(from, end, now)
		}
	}
	return counts
}

// Seen is when traffic of a window was seen, as exactly as it is known: at some time in it.
func Seen(from, end, now time.Time) (first, last catalog.Instant) {
	if now.Before(end) {
		end = now
	} else {
		end = end.Add(-time.Second)
	}
	return catalog.InstantOf(from), catalog.InstantOf(end)
}
