package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const trafficFields = "traffic { requests errors requestRate errorRate p99 firstSeen lastSeen }"

// traffic is what was counted of an edge. Rates and p99, in seconds, are of the newest day or two.
type traffic struct {
	Requests    float64    `json:"requests"`
	Errors      *float64   `json:"errors"` // null where nobody knows: messages that went from a producer to a consumer
	RequestRate *float64   `json:"requestRate"`
	ErrorRate   *float64   `json:"errorRate"`
	P99         *float64   `json:"p99"`
	FirstSeen   *time.Time `json:"firstSeen"`
	LastSeen    *time.Time `json:"lastSeen"`
}

const servedFields = "traffic { requests errors entries requestRate errorRate p50 p90 p99 firstSeen lastSeen }"

// servedTraffic is what was counted of the requests to an entity.
type servedTraffic struct {
	traffic
	Entries float64  `json:"entries"`
	P50     *float64 `json:"p50"`
	P90     *float64 `json:"p90"`
}

// words are a few for a table: "12/s, 0.4 % fail, p99 120ms".
func (t *traffic) words() string {
	if t == nil {
		return ""
	}
	var words []string
	if t.RequestRate != nil {
		words = append(words, rate(*t.RequestRate))
	} else {
		words = append(words, number(t.Requests)+" in all")
	}
	switch {
	case t.ErrorRate != nil && *t.ErrorRate > 0:
		words = append(words, percent(*t.ErrorRate)+" fail")
	case t.ErrorRate == nil && t.Errors != nil && *t.Errors > 0:
		words = append(words, number(*t.Errors)+" failed")
	}
	if t.P99 != nil {
		words = append(words, "p99 "+seconds(*t.P99))
	}
	return strings.Join(words, ", ")
}

// edgeTraffic is how much goes along several edges to one entity, and how they behave.
func edgeTraffic(list []edge) string {
	var words []string
	for _, e := range list {
		if one := e.Traffic.words(); one != "" {
			if e.Behaves != nil {
				one += ", behaves " + *e.Behaves
			}
			words = append(words, one)
		}
	}
	if len(words) > 1 {
		return fmt.Sprintf("%s and %d more", words[0], len(words)-1)
	}
	return strings.Join(words, "")
}

// rate is in the unit that needs no zeros in front.
func rate(perSecond float64) string {
	switch {
	case perSecond >= 0.1:
		return number(perSecond) + "/s"
	case perSecond*60 >= 0.1:
		return number(perSecond*60) + "/min"
	default:
		return number(perSecond*3600) + "/h"
	}
}

// number has three digits that count, or all before the point.
func number(n float64) string {
	if n >= 100 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

func percent(share float64) string {
	if 0 < share && share < 0.001 {
		return "under 0.1 %"
	}
	return strconv.FormatFloat(float64(int(share*1000+0.5))/10, 'f', -1, 64) + " %"
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

const reachFields = "observedReach { requests share shareAtMost }"

// reach is which part of the requests that begin somewhere touched what failed.
type reach struct {
	Requests    float64 `json:"requests"`
	Share       float64 `json:"share"`
	ShareAtMost float64 `json:"shareAtMost"`
}

func (r *reach) words() string {
	switch {
	case r == nil:
		return ""
	case r.ShareAtMost-r.Share < 0.0005:
		return percent(r.Share) + " of its requests touch it"
	}
	return fmt.Sprintf("%s to %s of its requests touch them", percent(r.Share), percent(r.ShareAtMost))
}
