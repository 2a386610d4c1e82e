package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

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
	first := map[string]string{}
	for i, s := range c.Sources {
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
		if s.Priority < 1 || s.Priority > maxPriority {
			d.fail(d.lines[priority], priority, fmt.Sprintf("must be from 1 to %d, not %d", maxPriority, s.Priority), "")
		}
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
