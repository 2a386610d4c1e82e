package hosts

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// setting finds the hosts in one value. Alone says that nothing else stands under the name.
func (c *collector) setting(name, value string, alone bool) {
	naming := Judge(name)
	if naming == NamesNone {
		return
	}
	value = unquote(value)
	if value == "" {
		return
	}
	if pairs(value) {
		c.pairs(value, naming)
		return
	}
	words := split(value)
	if len(words) == 1 {
		c.word(words[0].text, naming, naming == NamesHost || alone && naming == Unnamed, value == words[0].text)
		return
	}
	c.words(words, naming)
}

// words finds the hosts in a text: a command, options, a list.
func (c *collector) words(words []word, naming Naming) {
	list := naming == NamesHost && onlyHosts(words)
	script := script{c: c}
	flag, secret := "", false
	for _, w := range words {
		if secret = secret && w.glued; secret {
			continue
		}
		key, _, assigned := assignment(w.text)
		switch {
		case assigned && Judge(key) == NamesNone:
			secret, flag = true, ""
		case script.takes(w.text):
			flag = ""
		case (script.command != "" || script.fetches) && strings.Contains(w.text, "://"):
			c.word(w.text, NamesHost, false, false)
		case strings.HasPrefix(w.text, "-") && !assigned:
			flag = w.text
		case flag != "":
			judged := Judge(flag)
			if secret = judged == NamesNone; !secret {
				c.word(w.text, judged, judged == NamesHost, false)
			}
			flag = ""
		default:
			c.word(w.text, naming, list, false)
		}
	}
}

// word finds the hosts in what has no blanks. A single word counts only where alone says that it stands for itself.
func (c *collector) word(word string, naming Naming, alone, whole bool) {
	switch {
	case strings.Contains(word, "://"):
		if key, rest, ok := assignment(word); ok {
			if naming = Judge(key); naming == NamesNone || Disabled(key, c.off) {
				return
			}
			word = rest
		}
		c.urls(word, naming)
	case strings.Contains(word, "jdbc:oracle:") || strings.Contains(word, "=(") || strings.HasPrefix(word, "(DESCRIPTION"):
		c.oracle(word, naming)
	case strings.Contains(word, "/dev/tcp/"):
		_, rest, _ := strings.Cut(word, "/dev/tcp/")
		host, rest, _ := strings.Cut(rest, "/")
		port, _, _ := strings.Cut(rest, "/")
		c.host(host+":"+port, WithPort, "", naming)
	case strings.Contains(word, "tcp(") || strings.Contains(word, "tcp6("):
		_, rest, _ := strings.Cut(word[strings.LastIndex(word, "tcp"):], "(")
		if address, _, ok := strings.Cut(rest, ")"); ok {
			c.host(address, InURL, "mysql", naming)
		}
	default:
		if key, rest, ok := assignment(word); ok {
			if judged := Judge(key); judged != NamesNone && !Disabled(key, c.off) {
				c.value(unquote(rest), judged)
			}
			return
		}
		c.list(word, naming, alone, whole)
	}
}

// value finds the hosts in what stands after KEY=. A further sign of that kind in it is a part of the value.
func (c *collector) value(word string, naming Naming) {
	if _, _, more := assignment(word); !more || strings.Contains(word, "://") {
		c.word(word, naming, naming == NamesHost, false)
	}
}

// list finds hosts in a list with commas, which may be one of a single item. Where a user stands before an at sign, all
// before the last of them belongs to that user.
func (c *collector) list(word string, naming Naming, alone, whole bool) {
	if at := strings.LastIndexByte(word, '@'); at >= 0 {
		user := word[:at]
		word = word[at+1:]
		address, _, _ := strings.Cut(word, "/")
		credentials := naming == NamesHost && strings.Contains(user, ":")
		if !strings.Contains(address, ":") && !credentials {
			return // a mail address, or a package
		}
		alone, whole = alone && credentials, false
	}
	items := strings.Split(word, ",")
	if len(items) > 1 {
		if ofCertificate(items) {
			return
		}
		whole = false
		alone = alone && naming == NamesHost && !slices.ContainsFunc(items, func(item string) bool {
			host, _ := cutPort(unquote(item))
			return !isHost(host)
		})
	}
	for _, item := range items {
		item = unquote(strings.TrimSpace(item))
		if strings.Contains(item, "=") { // redis:6379,password=secret
			continue
		}
		address, path, hasPath := strings.Cut(item, "/")
		if hasPath && (address == "" || strings.Trim(path, "0123456789") == "" && path != "") {
			continue // a path or a range of addresses
		}
		whole := whole && !hasPath
		switch host, port := cutPort(address); {
		case port != "":
			c.hostWhole(address, WithPort, "", naming, whole)
		case host != address:
		case hasPath && !alone:
		case strings.Contains(address, "."):
			if alone && !isFile(address) && !isClass(address) && address == strings.ToLower(address) || isClusterName(address) {
				c.hostWhole(address, Dotted, "", naming, whole)
			}
		case alone && !hasPath && isWord(address):
			c.hostWhole(address, Word, "", naming, whole)
		}
	}
}

// ofCertificate says whether a list has a name both short and in full, as those that a certificate is made for.
func ofCertificate(items []string) bool {
	for i, item := range items[1:] {
		if short := items[i]; len(short) > 0 && strings.HasPrefix(item, short+".") {
			return true
		}
	}
	return false
}

func (c *collector) host(address string, form Form, protocol string, naming Naming) {
	c.hostWhole(address, form, protocol, naming, false)
}

// hostWhole adds host or host:port, if it is one.
func (c *collector) hostWhole(address string, form Form, protocol string, naming Naming, whole bool) {
	host, portText := cutPort(strings.TrimSpace(address))
	port := int32(0)
	if portText != "" && portText != unknown {
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil || n == 0 {
			return
		}
		port = int32(n)
	}
	host = withoutRecord(host)
	if name, rest, ok := strings.Cut(host, "."+unknown); ok && (rest == "" || strings.HasPrefix(rest, ".svc")) {
		host = name // the namespace is put in later: mostly that of the reader
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !isHost(host) {
		return
	}
	if protocol == "" {
		protocol = ProtocolOfPort(port)
	}
	c.add(Reference{Host: host, Port: port, Protocol: protocol, Form: form, Named: naming, Whole: whole})
}

// withoutRecord takes off what says which records of a name are looked up: dns+host, dnssrv+_grpc._tcp.host.
func withoutRecord(host string) string {
	for _, kind := range []string{"dns+", "dnssrv+", "dnssrvnoa+"} {
		host = strings.TrimPrefix(host, kind)
	}
	if parts := strings.SplitN(host, ".", 3); len(parts) == 3 && strings.HasPrefix(parts[0], "_") && strings.HasPrefix(parts[1], "_") {
		return parts[2]
	}
	return host
}

// cutPort takes host:port or [host]:port apart; an address that has no port is the host.
func cutPort(address string) (host, port string) {
	if inner, ok := strings.CutPrefix(address, "["); ok {
		host, rest, ok := strings.Cut(inner, "]")
		if !ok {
			return "", ""
		}
		return host, strings.TrimPrefix(rest, ":")
	}
	host, port, ok := strings.Cut(address, ":")
	if !ok {
		return address, ""
	}
	if port != unknown && strings.Trim(port, "0123456789") != "" {
		if _, err := netip.ParseAddr(address); err == nil {
			return address, ""
		}
		return "", ""
	}
	return host, port
}

// isHost says whether a name in lower case can be a host that others reach.
func isHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return !address.IsLoopback() && !address.IsUnspecified() && !address.IsLinkLocalUnicast() && !address.IsMulticast() &&
			address.Zone() == "" && host != "255.255.255.255"
	}
	if host == "" || len(host) > 253 || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		strings.HasPrefix(host, "localhost.") || host == "host.docker.internal" ||
		host == "metadata.google.internal" {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789-") != "" && !reservedTLD[last] && !isExample(host)
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}

// isWord says whether a single word could be the name of a Service: nobody calls one true or debug.
func isWord(s string) bool {
	return isLabel(s) && strings.Trim(s, "0123456789-") != "" && !noWords[s]
}

// isExample says whether a name is one for examples or namespaces of XML, or a link that comes with a program.
func isExample(host string) bool {
	for _, name := range []string{
		"example.com", "example.org", "example.net", "w3.org", "json-schema.org", "xmlsoap.org",
		"jcp.org", "java.sun.com", "maven.apache.org", "springframework.org", "schemas.microsoft.com", "yourdomain.com",
		"mycompany.com", "company.com", "domain.com", "yourcompany.com", "grafana.net", "grafana.com",
	} {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// isClusterName says whether a name is surely one of a Service: it has the label svc, or the domain of a cluster.
func isClusterName(name string) bool {
	return strings.HasSuffix(name, ".svc") || strings.Contains(name, ".svc.") || strings.HasSuffix(name, ".cluster.local")
}

// isFile says whether a name ends as files do, which is more than most hosts that stand without a port can say.
func isFile(name string) bool {
	_, extension := cutExtension(name)
	return extensions[extension]
}

// isClass says whether a name is one of a program: a class, or a package, which begin with the end of a domain.
func isClass(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return packages[first]
}

func onlyHosts(words []word) bool {
	for _, w := range words {
		item := w.text
		host, _ := cutPort(strings.Trim(item, `"' ,`))
		if !isHost(host) {
			return false
		}
	}
	return true
}

func unquote(s string) string { return strings.Trim(s, " \t\"'`,;") }

// assignment takes --key=value, -Dkey=value and KEY=value apart.
func assignment(word string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(word, "=")
	if !ok || key == "" || !plainKey(strings.TrimLeft(key, "-")) {
		return "", "", false
	}
	return strings.TrimPrefix(key, "-D"), value, true
}
