package pairing

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// place is where something is called. It never holds credentials.
type place struct {
	host string // in lower case, an IP address in its normal form; "" = unknown
	port string // in digits; "" = unknown
	name string // of the database, where a connection string names it
}

const localhost = "localhost"

// hostOf reads what should be a host, and now and then is more: host:port, a URL, a socket, a list.
func hostOf(written string) place {
	written = strings.TrimSpace(written)
	if strings.Contains(written, "://") {
		return placeOfURL(written)
	}
	if strings.HasPrefix(written, "/") || strings.HasPrefix(written, "unix:") || strings.HasPrefix(written, "@/") {
		return place{host: localhost} // a socket
	}
	return authority(written)
}

// placeOfURL reads host and port of a URL.
func placeOfURL(url string) place {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = strings.TrimPrefix(url, "//")
	}
	server := rest
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		server = rest[:end]
	}
	if found := authority(server); found.host != "" {
		return found
	}
	// A password may hold what ends a server's name, unescaped: what is before the last @ is none of ours.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
		if end := strings.IndexAny(rest, "/?#\\;"); end >= 0 {
			rest = rest[:end]
		}
		return authority(rest)
	}
	return place{}
}

// authority reads [user[:password]@]host[:port][,…].
func authority(server string) (found place) {
	if at := strings.LastIndexByte(server, '@'); at >= 0 {
		server = server[at+1:]
	}
	server, _, _ = strings.Cut(server, ",")
	server = strings.TrimSpace(server)
	host := server
	if strings.HasPrefix(server, "[") {
		end := strings.IndexByte(server, ']')
		if end < 0 {
			return place{}
		}
		host, found.port = server[1:end], strings.TrimPrefix(server[end+1:], ":")
	} else if strings.Count(server, ":") == 1 {
		host, found.port, _ = strings.Cut(server, ":")
	}
	if found.port != "" && !isPort(found.port) {
		return place{}
	}
	host, _, _ = strings.Cut(host, "%") // the zone of an address
	alias := aliasOf(catalog.WorldHost, host)
	if alias == "" {
		return place{}
	}
	found.host = strings.TrimPrefix(string(alias), catalog.WorldHost+":")
	if address, err := netip.ParseAddr(found.host); err == nil && address.Is4In6() {
		found.host = address.Unmap().String()
	}
	return found
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// isLoopback says whether the host is the caller's own.
func isLoopback(host string) bool {
	if host == localhost || strings.HasSuffix(host, ".localhost") || host == "localhost.localdomain" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// placeOfConnection reads the connection string of a database: a URL (with jdbc: before it or not), pairs of a key and a
// value, or what Oracle's and Go's drivers take.
func placeOfConnection(written string) place {
	s := strings.TrimSpace(written)
	if rest, ok := cutFold(s, "jdbc:"); ok {
		s = rest
	}
	switch i := strings.Index(s, "://"); {
	case i >= 0 && !strings.ContainsAny(s[:i], "=;@"):
		return connectionURL(s[i+len("://"):])
	case strings.Contains(s, "@tcp("): // Go's MySQL: user:password@tcp(host:port)/name
		_, rest, _ := strings.Cut(s, "@tcp(")
		server, name, _ := strings.Cut(rest, ")")
		found := authority(server)
		found.name = databaseName(strings.TrimPrefix(name, "/"))
		return found
	case strings.Contains(s, "="):
		if found := connectionPairs(s); found.host != "" {
			return found
		}
		if server, _, ok := strings.Cut(s, ","); ok && !strings.ContainsAny(server, "=;@ ") { // .NET's Redis: host:port,key=value,…
			return authority(server)
		}
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 { // oracle:thin:user/password@host:port:name
		server := strings.TrimPrefix(s[at+1:], "//")
		parts := strings.FieldsFunc(server, func(r rune) bool { return r == ':' || r == '/' })
		if len(parts) == 0 || strings.HasPrefix(server, "(") {
			return place{}
		}
		found := authority(parts[0])
		if len(parts) > 1 && isPort(parts[1]) {
			found.port = parts[1]
			parts = parts[1:]
		}
		if len(parts) > 1 {
			found.name = databaseName(parts[1])
		}
		return found
	}
	return place{}
}

// connectionURL reads what follows scheme://.
func connectionURL(rest string) place {
	end := strings.IndexAny(rest, "?;")
	tail := ""
	if end >= 0 {
		rest, tail = rest[:end], rest[end+1:]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	server, name, _ := strings.Cut(rest, "/")
	found := authority(server)
	found.name = databaseName(name)
	if found.name == "" {
		found.name = connectionPairs(tail).name
	}
	return found
}

// connectionPairs reads key=value pairs, as ADO.NET and libpq take them.
func connectionPairs(s string) (found place) {
	separator := " "
	if strings.Contains(s, ";") {
		separator = ";"
	}
	for _, pair := range strings.Split(s, separator) {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `'"`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "host", "server", "data source", "datasource", "servername", "address", "addr", "network address":
			if _, rest, ok := strings.Cut(value, "tcp:"); ok {
				value = rest
			}
			if host, port, ok := strings.Cut(value, ","); ok && isPort(strings.TrimSpace(port)) { // SQL Server
				value = host + ":" + strings.TrimSpace(port)
			}
			value, _, _ = strings.Cut(value, `\`) // an instance of SQL Server
			server := hostOf(value)
			found.host = server.host
			if server.port != "" {
				found.port = server.port
			}
		case "port":
			if isPort(value) {
				found.port = value
			}
		case "database", "dbname", "initial catalog", "databasename":
			found.name = databaseName(value)
		}
	}
	return found
}

// databaseName takes a name only where it cannot be part of anything secret.
func databaseName(s string) string {
	s, _, _ = strings.Cut(s, "/")
	for _, r := range s {
		if !isNameRune(r) {
			return ""
		}
	}
	const longest = 128
	if len(s) > longest {
		return ""
	}
	return s
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-.$", r)
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// isPublic says whether a host is one of the public internet: a name with a dot that is not of a kind used inside.
func isPublic(host string) bool {
	if !strings.Contains(host, ".") {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	for _, suffix := range []string{".local", ".internal", ".svc", ".lan", ".corp"} {
		if strings.HasSuffix(host, suffix) {
			return false
		}
	}
	return true
}

// withoutBucket cuts the name of a bucket off a host of S3.
func withoutBucket(host string) string {
	if !isPublic(host) {
		return host
	}
	labels := strings.Split(host, ".")
	aws := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
	for i := len(labels) - 1; i > 0; i-- {
		if labels[i] == "s3" || aws && strings.HasPrefix(labels[i], "s3-") {
			return strings.Join(labels[i:], ".")
		}
	}
	return host
}
