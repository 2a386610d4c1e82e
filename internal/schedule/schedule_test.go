package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/schedule"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		spec  string
		zone  *time.Location
		after string
		want  string
	}{
		{"*/15 * * * *", time.UTC, "2026-03-01 10:00:00", "2026-03-01 10:15:00"},
		{"*/15 * * * *", time.UTC, "2026-03-01 10:14:59", "2026-03-01 10:15:00"},
		{"30 4 * * 1-5", time.UTC, "2026-02-27 12:00:00", "2026-03-02 04:30:00"}, // a Friday; then Monday
		{"30 4 * * *", berlin, "2026-01-10 00:00:00", "2026-01-10 03:30:00"},
		{"30 4 * * *", berlin, "2026-07-10 00:00:00", "2026-07-10 02:30:00"},
		{"CRON_TZ=America/New_York 30 4 * * *", berlin, "2026-01-10 00:00:00", "2026-01-10 09:30:00"},
		{"TZ=America/New_York @daily", berlin, "2026-01-10 00:00:00", "2026-01-10 05:00:00"},
		{"@hourly", time.UTC, "2026-01-10 00:00:00", "2026-01-10 01:00:00"},
		{"@every 90m", time.UTC, "2026-01-10 00:00:30", "2026-01-10 01:30:30"},
		{"@every 1s", time.UTC, "2026-01-10 00:00:30", "2026-01-10 00:00:31"},
		// The hour that is not there when summer begins, and the one that is there twice when it ends.
		{"30 2 * * *", berlin, "2026-03-28 12:00:00", "2026-03-30 00:30:00"},
		{"0 * * * *", berlin, "2026-10-25 00:00:00", "2026-10-25 01:00:00"},
	} {
		s, err := schedule.Parse(test.spec, test.zone, "id", 0)
		if err != nil {
			t.Errorf("%s: %v", test.spec, err)
			continue
		}
		if got := s.Next(at(test.after)); !got.Equal(at(test.want)) {
			t.Errorf("%s after %s is %v, want %s", test.spec, test.after, got.UTC(), test.want)
		}
		if s.String() != test.spec {
			t.Errorf("%s is written %s", test.spec, s)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, spec := range []string{
		"", " ", "@", "@sometimes", "@reboot", "@every", "@every ", "@every x", "@every 0s", "@every -1h", "@every 999ms", "* * * *", "* * * * * *",
		"61 * * * *", "*/0 * * * *", "a b c d e", "TZ=", "TZ=UTC", "CRON_TZ=UTC ", "CRON_TZ=Nowhere/Land * * * * *", "TZ= * * * * *x",
		"CRON_TZ", "=", "TZ=UTC TZ=UTC * * * * *",
	} {
		if s, err := schedule.Parse(spec, time.UTC, "id", 0); err == nil {
			t.Errorf("%q is read as %v", spec, s)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", spec, err)
		}
	}
}

// TestJitter holds that sources are spread over the jitter, each always by the same.
func TestJitter(t *testing.T) {
	for _, spec := range []string{"0 * * * *", "@every 1h"} {
		minutes := map[time.Duration]int{}
		for i := range 600 {
			id := strings.Repeat("s", 1+i%7) + time.Duration(i).String()
			s, err := schedule.Parse(spec, time.UTC, id, 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			start := at("2026-01-10 00:00:00")
			next := s.Next(start)
			late := next.Sub(start.Add(time.Hour))
			if late < -time.Hour || late >= 10*time.Minute {
				t.Fatalf("%s: %s is late by %v", spec, id, late)
			}
			if spec == "0 * * * *" {
				if late = next.Sub(next.Truncate(time.Hour)); late >= 10*time.Minute {
					t.Fatalf("%s: %s is late by %v", spec, id, late)
				}
				if after := s.Next(next); after.Sub(next) != time.Hour {
					t.Fatalf("%s: %s comes again after %v", spec, id, after.Sub(next))
				}
			}
			minutes[late.Truncate(time.Minute)]++
		}
		for minute := range 10 {
			if n := minutes[time.Duration(minute)*time.Minute]; n < 20 || n > 150 {
				t.Errorf("%s: %d of 600 sources are late by %d minutes", spec, n, minute)
			}
		}
	}
}

// FuzzParse holds that any text is a schedule that goes forward, or an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"*/5 * * * *", "@every 1h", "CRON_TZ=UTC @daily", "TZ=", "TZ=x", "0 0 30 2 *", "1-5/2,7 */3 ? JAN-MAR MON"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := schedule.Parse(spec, time.UTC, "id", time.Minute)
		if err != nil {
			return
		}
		after := at("2026-01-10 00:00:30")
		for range 3 {
			next := s.Next(after)
			if next.IsZero() {
				return
			}
			if !next.After(after) {
				t.Fatalf("%q: %v comes after %v", spec, next, after)
			}
			after = next
		}
	})
}
