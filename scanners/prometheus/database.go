package prometheus

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/databases"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// database is the alias of a database: where it is, and which of those there.
func database(system, host, port, name string) catalog.Alias {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "localhost@") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	if number, err := strconv.ParseUint(port, 10, 16); err == nil && number != 0 && !databases.IsDefaultPort(system, port) {
		host += ":" + port
	}
	if name == "" && databases.IsRedis(system) {
		name = "0" // which is used unless another is chosen
	}
	if name != "" {
		host += "/" + name
	}
	return polled.Alias(catalog.WorldDatabase, system+":"+host)
}

// hostOf takes the host and port out of a name that has the look of one: an address, a name with dots, with a port, or a URL.
func hostOf(name string) (host, port string, ok bool) {
	if strings.Contains(name, "://") {
		if address, err := url.Parse(name); err == nil && address.Hostname() != "" {
			return address.Hostname(), address.Port(), true
		}
		return "", "", false
	}
	if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return address.String(), "", true
	}
	host, port, hasPort := strings.Cut(name, ":")
	if i := strings.LastIndex(name, "]:"); i > 0 && strings.HasPrefix(name, "[") {
		host, port, hasPort = name[1:i], name[i+2:], true
	}
	if _, err := strconv.ParseUint(port, 10, 16); hasPort && err != nil {
		return "", "", false
	}
	if strings.EqualFold(host, "localhost") || hasPort || strings.Contains(strings.Trim(host, "."), ".") {
		return host, port, host != "" && polled.Alias(catalog.WorldHost, host) != ""
	}
	return "", "", false
}
