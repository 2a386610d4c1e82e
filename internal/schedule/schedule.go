// Package schedule says when sources are scanned by themselves.
package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// MaxJitter is the longest that jitter may put off a scan.
const MaxJitter = time.Hour

// Schedule says when a source is scanned by itself. It is made by [Parse] and never changes.
type Schedule struct {
	spec  string
	times cron.Schedule
	shift time.Duration // later than times say
}

// Parse reads a schedule: the five fields of cron, @hourly and the like, or @every with a duration of at least a
// second. The fields are read in the zone, unless the spec begins with one of its own (CRON_TZ=Europe/Berlin). id and jitter
// put all runs off by the same time below jitter, another one for each id, so that sources do not start together; with
// @every the time between two runs is longer by that.
func Parse(spec string, zone *time.Location, id string, jitter time.Duration) (*Schedule, error) {
	text := strings.TrimSpace(spec)
	switch first, rest, found := strings.Cut(text, " "); {
	case strings.Contains(first, "TZ=") && (!found || strings.TrimSpace(rest) == ""): // the library panics at these
		return nil, errors.New("nothing follows the time zone")
	case !strings.Contains(first, "TZ="):
		text = "CRON_TZ=" + zone.String() + " " + text
	}
	times, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err
	}
	if _, every, ok := strings.Cut(text, "@every "); ok { // the library makes a second of what is less
		if delay, err := time.ParseDuration(strings.TrimSpace(every)); err == nil && delay < time.Second {
			return nil, fmt.Errorf("%s is less than a second", delay)
		}
	}
	schedule := &Schedule{spec: strings.TrimSpace(spec), times: times}
	if jitter > 0 {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(id)) // a hash takes everything
		schedule.shift = time.Duration(hash.Sum64() % uint64(jitter))
	}
	return schedule, nil
}

// String is the schedule as it was written.
func (s *Schedule) String() string { return s.spec }

// Next is the first time after the given one at which the source is to be scanned; zero where none comes within five
// years.
func (s *Schedule) Next(after time.Time) time.Time {
	if every, ok := s.times.(cron.ConstantDelaySchedule); ok {
		return every.Next(after).Add(s.shift)
	}
	next := s.times.Next(after.Add(-s.shift))
	if next.IsZero() {
		return next
	}
	return next.Add(s.shift).UTC()
}
