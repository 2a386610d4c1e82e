package hosts

import "strings"

// urls finds the hosts of URLs, one or a list of them. Nothing of a URL is returned but scheme, host and port; where it is
// not plain where the credentials end, nothing is.
func (c *collector) urls(word string, naming Naming) {
	for word != "" {
		i := strings.Index(word, "://")
		if i < 0 {
			return
		}
		begin := i
		for begin > 0 && isSchemeByte(word[begin-1]) {
			begin--
		}
		scheme, rest := strings.ToLower(word[begin:i]), word[i+3:]
		word = ""
		if j := strings.Index(rest, "://"); j >= 0 { // another one follows
			next := j
			for next > 0 && isSchemeByte(rest[next-1]) {
				next--
			}
			if next > 0 {
				rest, word = rest[:next-1], rest[next:]
			}
		}
		c.url(scheme, rest, naming)
	}
}

func isSchemeByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.' || b == ':'
}

func (c *collector) url(scheme, rest string, naming Naming) {
	protocol, several, ok := protocolOfScheme(scheme)
	if !ok {
		return
	}
	form := InURL
	if scheme == "lb" { // a name of a registry, which often is that of a Service
		form, naming = Dotted, Unnamed
	}
	rest = strings.TrimLeft(rest, "/") // of dns:///host:port
	end := strings.IndexAny(rest, "/?#;\\<>()[]{}|^")
	if strings.HasPrefix(rest, "[") || strings.Contains(rest, "@[") {
		end = strings.IndexAny(rest, "/?#;\\<>(){}|^")
	}
	authority, tail := rest, ""
	if end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	// An at sign after the authority may be the end of a password with a slash in it. That of /@name is none.
	if at := strings.IndexByte(tail, '@'); at >= 0 && strings.Contains(strings.ReplaceAll(tail, "/@", ""), "@") {
		return
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	for i, item := range strings.Split(authority, ",") {
		if i > 0 && !several && !strings.Contains(item, ":") {
			return
		}
		c.host(strings.TrimRight(item, ":"), form, protocol, naming)
	}
}

// pairs says whether a value is a list of key=value with semicolons, or the host=… port=… of libpq.
func pairs(value string) bool {
	if !strings.Contains(value, "=") || strings.Contains(value, "://") && !strings.Contains(strings.ToLower(value), "endpoint=") {
		return false
	}
	if strings.Contains(value, ";") {
		for _, pair := range strings.Split(value, ";") {
			if key, _, ok := strings.Cut(pair, "="); ok && hostKeys[pairKey(key)] {
				return true
			}
		}
	}
	return false
}

// pairKey is the key of a pair in lower case; a driver may stand before the first one: mysql:host.
func pairKey(key string) string {
	key = strings.ToLower(strings.ReplaceAll(key, " ", "")) // Data Source
	return key[strings.LastIndexByte(key, ':')+1:]
}

// pairs reads the hosts of an ADO, ODBC or PDO connection string. Only values of the keys for hosts are looked at.
func (c *collector) pairs(value string, naming Naming) {
	for _, pair := range strings.Split(value, ";") {
		key, address, ok := strings.Cut(pair, "=")
		if !ok || !hostKeys[pairKey(key)] {
			continue
		}
		address = unquote(address)
		if strings.Contains(address, "://") {
			c.urls(address, naming)
			continue
		}
		for _, prefix := range []string{"tcp:", "np:", "lpc:", "admin:"} {
			address = strings.TrimPrefix(strings.ToLower(address), prefix)
		}
		address, _, _ = strings.Cut(address, `\`)
		if host, port, ok := strings.Cut(address, ","); ok && strings.Trim(port, "0123456789 ") == "" {
			c.host(host+":"+strings.TrimSpace(port), InURL, "", naming) // SQL Server: host,port
			continue
		}
		for _, item := range strings.Split(address, ",") {
			c.host(item, InURL, "", naming)
		}
	}
}

// oracle reads jdbc:oracle:thin:[user/password]@[//]host[:port]… and (DESCRIPTION=(ADDRESS=(HOST=…)(PORT=…))).
func (c *collector) oracle(word string, naming Naming) {
	upper := strings.ToUpper(word)
	for rest, offset := upper, 0; ; {
		i := strings.Index(rest, "(HOST=")
		if i < 0 {
			break
		}
		offset += i + len("(HOST=")
		rest = upper[offset:]
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return
		}
		c.host(strings.ToLower(rest[:end]), InURL, "oracle", naming)
	}
	_, rest, ok := strings.Cut(word, "jdbc:oracle:")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at < 0 || strings.Contains(upper, "(HOST=") {
		return
	}
	address := strings.TrimLeft(rest[at+1:], "/")
	address, _, _ = strings.Cut(address, "/")
	parts := strings.Split(address, ":")
	if len(parts) > 2 {
		parts = parts[:2] // the third is the SID
	}
	c.host(strings.Join(parts, ":"), InURL, "oracle", naming)
}
