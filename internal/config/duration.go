package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const day = 24 * time.Hour

// durationPattern is what a duration looks like: whole days, or hours, minutes and so on.
const durationPattern = `^([0-9]{1,5}d|([0-9]{1,9}(h|m|s|ms))+)$`

var wellFormedDuration = regexp.MustCompile(durationPattern)

// duration reads a duration within the bounds; most 0 = any.
func (d *decoder) duration(node *yaml.Node, at, text string, least, most time.Duration) time.Duration {
	value, err := parseDuration(text)
	switch {
	case err != nil:
		d.fail(node.Line, at, d.written(at, text)+" is no duration", "write for example 90s, 30m, 1h30m or 7d")
	case value < least || most > 0 && value > most:
		d.fail(node.Line, at, fmt.Sprintf("must be from %s to %s, not %s", shownDuration(least), shownDuration(most), shownDuration(value)), "")
	}
	return value
}

func parseDuration(text string) (time.Duration, error) {
	if !wellFormedDuration.MatchString(text) {
		return 0, fmt.Errorf("%q is no duration", text)
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * day, err
	}
	return time.ParseDuration(text)
}

// shownDuration is the duration as a person would write it.
func shownDuration(value time.Duration) string {
	if value != 0 && value%day == 0 {
		return strconv.FormatInt(int64(value/day), 10) + "d"
	}
	text := value.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
