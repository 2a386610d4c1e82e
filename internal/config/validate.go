package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/orrery-catalog/orrery/internal/schedule"
)

var wellFormedHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

var wellFormedID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

const (
	idRule      = "use letters, digits and . _ - between them, at most 63"
	maxPriority = 1000
)

// validate holds every rule that a single value does not show, or that is more than its type.
func validate(d *decoder, c *Config) {
	if len(d.errs) > 0 {
		return // values are missing; what follows would complain about what is only a consequence
	}
	if err := CheckListen(c.Listen, c.Insecure); err != nil {
		message := strings.ReplaceAll(err.Error(), quoted(c.Listen), d.written("listen", c.Listen))
		d.fail(d.lines["listen"], "listen", message, "")
	}
	for i, host := range c.Hosts {
		if at := index("hosts", i); !isHost(host) {
			d.fail(d.lines[at], at, d.written(at, host)+" is no host", "write its name or IP address alone, without scheme and port")
		}
	}
	if c.PublicURL != "" {
		if message, fix := checkURL(c.PublicURL); message != "" {
			d.fail(d.lines["publicURL"], "publicURL", message, strings.Replace(fix, "backstage", "catalog", 1))
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
	validateGraph(d, c.Graph)
	validateEnvironments(d, c.Environments)
	for i, rewrite := range c.Identity.Rewrites {
		if _, err := rewrite.rule(); err != nil {
			at := index("identity.rewrites", i) + "." + err.field
			d.fail(d.lines[at], at, err.message, err.fix)
		}
	}
	validateHealth(d, &c.Health)
	validateTracing(d, c.Tracing)
	first, live := map[string]string{}, map[string]int{}
	for i, s := range c.Sources {
		validateTiming(d, index("sources", i), s)
		validateKubernetes(d, index("sources", i), s, live)
		validateTraffic(d, index("sources", i), s, c.Insecure)
		validateRepositories(d, index("sources", i), s)
		id, environment, priority := index("sources", i)+".id", index("sources", i)+".environment", index("sources", i)+".priority"
		if !wellFormedID.MatchString(s.ID) {
			d.fail(d.lines[id], id, d.written(id, s.ID)+" is no id", idRule)
		}
		if other, taken := first[s.ID]; taken {
			d.fail(d.lines[id], id, fmt.Sprintf("%s is taken by the source of line %d", d.written(id, s.ID), d.lines[other]),
				"give every source an id of its own")
		} else {
			first[s.ID] = id
		}
		if !wellFormedID.MatchString(s.Environment) {
			d.fail(d.lines[environment], environment, d.written(environment, s.Environment)+" is no name of an environment", idRule)
		}
		for name, globs := range map[string][]string{"include": s.Include, "exclude": s.Exclude} {
			for j, glob := range globs {
				if at := index(index("sources", i)+"."+name, j); !doublestar.ValidatePattern(glob) {
					d.fail(d.lines[at], at, d.written(at, glob)+" is no glob", "check its brackets and braces")
				}
			}
		}
		for j, network := range s.Networks {
			if _, err := netip.ParsePrefix(network); err != nil {
				at := index(index("sources", i)+".networks", j)
				d.fail(d.lines[at], at, d.written(at, network)+" is no network", "write it like 10.0.0.0/8")
			}
		}
		if at := index("sources", i) + ".url"; s.URL != "" && d.lines[at] > 0 {
			if message, fix := checkURL(s.URL); message != "" {
				d.fail(d.lines[at], at, message, fix)
			}
		}
		if s.Priority < 1 || s.Priority > maxPriority {
			d.fail(d.lines[priority], priority, fmt.Sprintf("must be from 1 to %d, not %d", maxPriority, s.Priority), "")
		}
	}
}

// checkURL says what is wrong with the address of a server, "" = nothing. The address is not shown, as it may hold a
// password.
func checkURL(address string) (message, fix string) {
	parsed, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "":
		return "is no address of a server", "write it like https://backstage.example.com"
	case parsed.User != nil:
		return "holds a user name or password", "give a token instead"
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return "has something behind ? or #", "write the address of the server alone"
	}
	return "", ""
}

// isHost says whether a text can be the host of a URL, without a port.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return wellFormedHost.MatchString(host)
}

// validateEnvironments holds that a name stands for one environment only.
func validateEnvironments(d *decoder, environments map[string][]string) {
	meant := map[string]string{} // by name in lower case → as it is written
	for _, name := range slices.Sorted(maps.Keys(environments)) {
		at := field("environments", name)
		if !wellFormedID.MatchString(name) {
			d.fail(d.lines[at], at, quoted(name)+" is no name of an environment", idRule)
		}
		if other, twice := meant[strings.ToLower(name)]; twice {
			d.fail(d.lines[at], at, "is the same environment as "+quoted(other), "write both lists as one")
		}
		meant[strings.ToLower(name)] = name
	}
	for _, name := range slices.Sorted(maps.Keys(environments)) {
		for i, other := range environments[name] {
			at := index(field("environments", name), i)
			first, taken := meant[strings.ToLower(other)]
			switch {
			case !wellFormedID.MatchString(other):
				d.fail(d.lines[at], at, d.written(at, other)+" is no name of an environment", idRule)
			case taken && first != name:
				d.fail(d.lines[at], at, d.written(at, other)+" stands for "+quoted(first)+" already", "name it once")
			}
			meant[strings.ToLower(other)] = name
		}
	}
}

// validateTiming checks when a source is scanned.
func validateTiming(d *decoder, at string, s Source) {
	spec, timezone, jitter := at+".schedule", at+".timezone", at+".jitter"
	if s.Schedule == "" {
		for _, other := range []struct {
			field string
			given bool
		}{{timezone, s.Timezone != ""}, {jitter, s.Jitter != 0}} {
			if other.given {
				d.fail(d.lines[other.field], other.field, "says nothing without a schedule", "add schedule: or remove it")
			}
		}
		return
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil || s.Timezone == "Local" {
		d.fail(d.lines[timezone], timezone, d.written(timezone, s.Timezone)+" is no time zone", "write for example Europe/Berlin or UTC")
		return
	}
	parsed, err := schedule.Parse(s.Schedule, zone, s.ID, s.Jitter)
	const example = "write for example \"*/30 * * * *\", @hourly or \"@every 30m\""
	switch {
	case err != nil:
		message := d.written(spec, s.Schedule) + " is no schedule"
		if _, masked := d.shown[spec]; !masked {
			message += ": " + err.Error()
		}
		d.fail(d.lines[spec], spec, message, example)
	case parsed.Next(time.Now()).IsZero():
		d.fail(d.lines[spec], spec, d.written(spec, s.Schedule)+" never comes", example)
	case s.Timezone != "" && strings.Contains(s.Schedule, "TZ="):
		d.fail(d.lines[timezone], timezone, "the schedule has a time zone of its own", "give it once")
	}
}

// CheckListen says whether a server may listen on the address: host:port, and loopback unless insecure.
func CheckListen(address string, insecure bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s is no host:port (for example %s)", quoted(address), DefaultListen)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s has no port from 0 to 65535", quoted(address))
	}
	if insecure || host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	return errors.New(quoted(address) + " can be reached from other machines and nobody has to sign in" +
		" (use 127.0.0.1, or set insecure: true if you want that)")
}
