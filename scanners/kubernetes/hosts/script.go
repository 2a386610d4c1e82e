package hosts

import "strings"

// script follows the commands of a shell through the words of a text, to find the hosts among their arguments.
type script struct {
	c       *collector
	command string // whose arguments follow; "" = none that names hosts
	begun   bool   // within a command
	host    string // an argument that is a host if a port follows: nc host port
	quiet   bool   // the command only prints
	client  bool   // the command is one of a data store, where -h stands before the host
	fetches bool   // the command takes URLs
	asks    bool   // such a -h was the last word
}

// takes says whether a word was one of a command's arguments that is not to be looked at otherwise.
func (s *script) takes(word string) bool {
	word = strings.Trim(word, "()[]{}$")
	switch word {
	case "&&", "!", "do", "done", "then", "else", "elif", "if", "fi", "while", "until", "sudo", "exec", "-c", "--", "sh", "bash", "/bin/sh", "/bin/bash", "":
		*s = script{c: s.c}
		return true
	}
	if s.quiet {
		return true
	}
	if !s.begun {
		base := word[strings.LastIndexByte(word, '/')+1:]
		s.begun = true
		switch {
		case base == "echo" || base == "printf":
			s.quiet = true
		case clients[base]:
			s.client = true
		case fetchers[base]:
			s.fetches = true
		case commands[strings.TrimSuffix(base, ".sh")]:
			s.command = strings.TrimSuffix(base, ".sh")
		}
		return s.quiet || s.command != "" || s.fetches
	}
	if s.asks && isHost(strings.ToLower(word)) && !isFile(word) { // psql -h host
		s.asks = false
		s.c.host(word, Dotted, "", NamesHost)
		return true
	}
	if s.asks = s.client && word == "-h"; s.asks {
		return true
	}
	if s.command == "getent" && databases[word] {
		return true
	}
	if s.command == "" || strings.HasPrefix(word, "-") || strings.ContainsAny(word, ":/=") {
		return false
	}
	switch {
	case s.host != "" && strings.Trim(word, "0123456789") == "":
		s.c.host(s.host+":"+word, WithPort, "", NamesHost)
		s.host = ""
	case isWord(word) || strings.Contains(word, ".") && isHost(strings.ToLower(word)) && !isFile(word):
		if s.host = word; !withPort[s.command] {
			s.c.host(word, Dotted, "", NamesHost)
		}
	}
	return true
}

var (
	commands  = set("replicaof slaveof nc ncat netcat telnet nslookup ping getent wait-for-it wait-for dig")
	databases = set("hosts ahosts ahostsv4 ahostsv6") // of getent
	withPort  = set("nc ncat netcat telnet replicaof slaveof")
	fetchers  = set("git curl wget http https")
	clients   = set(`psql pg_dump pg_dumpall pg_restore pg_isready createdb mysql mysqladmin mysqldump mariadb mariadb-admin
		mariadb-dump redis-cli valkey-cli mongo mongosh mongodump cqlsh clickhouse-client influx`)
)
