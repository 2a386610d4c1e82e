package hosts

import (
	"slices"
	"strings"
	"unicode"
)

// Naming is what the name of a setting says of its value.
type Naming uint8

// What names say.
const (
	Unnamed    Naming = iota // nothing
	NamesHost                // a host or an address: DB_HOST, --upstream
	NamesOther               // something else, that could be called like a host: DB_NAME, kafka.topic
	// NamesOwn is an address at which others reach the program, or a browser does: if it is a public name, nobody calls it.
	NamesOwn
	// NamesNone is a list of those that may call, are not called, or a secret: no host in it is called.
	NamesNone
)

// Judge says what a name says of its value. Names are taken apart at signs and capitals; the last word decides, but
// for those that turn the meaning of all the others.
func Judge(name string) Naming {
	words := Words(name)
	if len(words) == 0 {
		return Unnamed
	}
	if hasPair(words, nonePairs) || slices.ContainsFunc(words, func(w string) bool { return noneWords[w] }) {
		return NamesNone
	}
	last := words[len(words)-1]
	if len(words) > 1 && strings.Trim(last, "0123456789") == "" { // HOST_1
		last = words[len(words)-2]
	}
	switch {
	case last == "pass" && passes[words[max(0, len(words)-2)]]:
		return NamesHost
	case noneLast[last]:
		return NamesNone
	case hasPair(words, ownPairs) || ownNames[strings.Join(words, " ")] || slices.ContainsFunc(words, func(w string) bool { return ownWords[w] }):
		return NamesOwn
	case hasPair(words, hostPairs):
		return NamesHost
	case otherWords[last], len(words) == 2 && last == "service" && agents[words[0]]:
		return NamesOther
	case len(words) == 1 && last == "service": // whose name, its own?
		return Unnamed
	case hostWords[last] || endsAsHost(last) || slices.ContainsFunc(words, func(w string) bool { return strongHostWords[w] }):
		return NamesHost
	}
	return Unnamed
}

func hasPair(words []string, pairs map[string]bool) bool {
	for i := range len(words) - 1 {
		if pairs[words[i]+" "+words[i+1]] {
			return true
		}
	}
	return false
}

// endsAsHost says whether a word ends in one for hosts that was not set apart: PGHOST, jdbcurl.
func endsAsHost(word string) bool {
	return word != "ghost" && slices.ContainsFunc([]string{"host", "hosts", "url", "urls", "uri", "addr", "endpoint", "dsn"},
		func(end string) bool { return strings.HasSuffix(word, end) })
}

// Words takes a name apart, in lower case: dbHost, DB_HOST and --db-host are db host.
func Words(name string) []string {
	if len(name) > 256 { // nobody's name
		name = name[:256]
	}
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && unicode.IsLower(runes[i-1]),
			unicode.IsUpper(r) && i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Tables of words. Nobody changes them.
var (
	hostWords = set(`host hosts hostname hostnames addr addrs address addresses url urls uri uris server servers endpoint
		endpoints service svc dsn broker brokers bootstrap connect upstream upstreams target targets nodes seeds seed peers
		peer contactpoints servers serverurl serveraddr serviceurl sentinels fqdn defaultzone smarthost connectionstring
		connectionstrings replicaof slaveof`)
	// A name with one of these names a host wherever the word stands.
	strongHostWords = set("host hostname addr address url uri endpoint dsn bootstrap brokers upstream")
	otherWords      = set(`name names user username users usr login database db dbname
		schemas topic topics queue queues exchange vhost realm group groups id ids client type types mode port ports prefix
		suffix keys tag version class driver level format path paths dir directory file filename files enabled
		enable timeout interval region env environment profile profiles role roles scope scopes label labels namespace
		namespaces method strategy engine dialect size count index bucket table collection keyspace catalog channel
		subject stream theme color locale lang language tenant team owner app application
		component module tier stage log logger logs logging alg algorithm protocol scheme tls ssl cert ca
		cookie session storage store cache kind provider adapter plugin plugins feature features
		flag flags command cmd args opts options mechanism subdomain function job cluster domain zone`)
	// Words that make an address one's own, wherever they stand, whole names, and pairs of words that do.
	ownWords = set("public browser react vite")
	ownNames = map[string]bool{
		"base url": true, "site url": true, "app url": true, "domain": true, "hostname": true, "host name": true,
	}
	ownPairs = map[string]bool{"kc hostname": true, "keycloak hostname": true, "frontend url": true}
	// Words that say that nobody is called, wherever they stand.
	noneWords = set(`cors listeners listener noproxy nonproxyhosts listen bind advertise advertised redirect callback allowed allow whitelist
		allowlist denylist blacklist trusted xmlns schemalocation referer referrer disallow subjectaltname csp favicon example
		canonical homepage website return rewrite`)
	// Words that say so at the end.
	noneLast = set(`password passwd pass secret token credential credentials apikey key passphrase sample doc docs
		documentation license schema resolver nameserver nameservers searches origins origin email mail from san sans policy
		servername dnsnames logo icon image images repository repo chart help link links header headers src summary
		description message audience audiences note notes comment comments annotation annotations title text expr`)
	// Pairs of words that name a host, wherever they stand: a connection string may be nothing else.
	hostPairs = map[string]bool{
		"connection string": true, "connection strings": true, "bus connection": true, "contact points": true,
		"discovery application": true,
	}
	agents = set("dd datadog otel elastic apm newrelic")    // whose service is the program that they watch: DD_SERVICE
	passes = set("proxy grpc fastcgi uwsgi scgi memcached") // of nginx: proxy_pass
	// Pairs of words that say so, wherever they stand.
	nonePairs = map[string]bool{
		"no proxy": true, "non proxy": true, "private key": true, "secret key": true, "access key": true, "common name": true,
		"dns names": true, "cluster domain": true, "server name": true, "server names": true, "security policy": true,
		"virtual host": true, "known hosts": true, "external url": true, "root url": true, "self url": true, "own url": true,
	}
)
