package pairing

import "strings"

// withoutSecrets takes out of a name what a URL in it may hold that is nobody's business: user, password, query and fragment.
// Queues are named by URLs now and then, and so are spans, databases and peers.
func withoutSecrets(name string) string {
	before, rest, ok := strings.Cut(name, "://")
	if !ok {
		return name
	}
	server, path := rest, ""
	if end := strings.IndexAny(rest, `/?#\ `); end >= 0 {
		server, path = rest[:end], rest[end:]
	}
	if strings.Contains(server, ":") && authority(server).host == "" { // a password with such a sign in it, or cut off
		return before + "://" + placeOfURL(rest).host
	}
	if at := strings.LastIndexByte(server, '@'); at >= 0 {
		server = server[at+1:]
	}
	if end := strings.IndexAny(path, "?# "); end >= 0 {
		path = path[:end]
	}
	return before + "://" + server + path
}
