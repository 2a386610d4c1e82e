package git

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// address is where a remote repository is.
type address struct {
	url            string // for git, without user and password of HTTP
	scheme         string
	user, password string // of HTTP; both "" = none
	repository     string // host and path, or the path of a file URL
	web            string // what a link to a file begins with, up to the commit; "" = nobody is known to show it
}

// defaultPorts are those that are no part of a repository's name.
var defaultPorts = map[string]string{"https": "443", "http": "80", "ssh": "22", "git": "9418"}

// scpForm is how ssh names a file elsewhere: [user@]host:path.
var scpForm = regexp.MustCompile(`^(?:([A-Za-z0-9_.][A-Za-z0-9_.-]*)@)?([A-Za-z0-9_.][A-Za-z0-9_.-]*):([^:].*)$`)

// sshUser is a name that ssh takes for no option.
var sshUser = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*$`)

// parseAddress reads the URL of a repository. Its errors show neither user nor password.
func parseAddress(text string) (*address, error) {
	refuse := func(why string) (*address, error) {
		return nil, fmt.Errorf("%q is no repository that can be read: %s", redacted(text), why)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' }) {
		return refuse("it has spaces, backslashes or control characters")
	}
	if !strings.Contains(text, "://") {
		parts := scpForm.FindStringSubmatch(text)
		if parts == nil || strings.HasPrefix(parts[3], "-") || strings.Contains(parts[3], "@") || defaultPorts[parts[2]] != "" || parts[2] == "file" {
			return refuse("name it by an https, ssh or file URL, and a folder on this machine by folders")
		}
		return (&address{url: text, scheme: "ssh"}).named(parts[2], parts[3])
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return refuse("it is not a URL")
	}
	parsed.Scheme = strings.ToLower(parsed.Scheme)
	a := &address{scheme: parsed.Scheme}
	switch {
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" || strings.HasSuffix(text, "#"):
		return refuse("it has a query or a fragment")
	case a.scheme == "file":
		if parsed.Host != "" || parsed.User != nil || !path.IsAbs(parsed.Path) {
			return refuse("a file URL has three slashes and then the path, as in file:///srv/checkout.git")
		}
		a.url, a.repository = "file://"+parsed.Path, path.Clean(parsed.Path)
		return a, nil
	case defaultPorts[a.scheme] == "":
		return refuse("only https, http, ssh, git and file are spoken")
	case parsed.Hostname() == "" || strings.HasPrefix(parsed.Hostname(), "-"):
		return refuse("it names no host")
	}
	if user := parsed.User; user != nil {
		password, _ := user.Password()
		switch {
		case a.scheme == "https" || a.scheme == "http":
			a.user, a.password = user.Username(), password
			if strings.ContainsAny(a.user+a.password, "\r\n\x00") {
				return refuse("its user or password has a line break")
			}
			parsed.User = nil
		case password != "" || a.scheme == "git" || !sshUser.MatchString(user.Username()):
			return refuse("only https takes a password, and only https and ssh a user")
		}
	}
	a.url = parsed.String()
	host := strings.ToLower(parsed.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := parsed.Port(); port != "" && port != defaultPorts[a.scheme] {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return a.named(host, parsed.Path)
}

// named fills in what people call the repository.
func (a *address) named(host, name string) (*address, error) {
	name = strings.TrimSuffix(strings.Trim(name, "/"), ".git")
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) ||
		name != strings.TrimPrefix(path.Clean("/"+name), "/") {
		return nil, fmt.Errorf("a repository on %q has no proper path", host)
	}
	a.repository = strings.ToLower(host) + "/" + name
	a.web = webOf(strings.ToLower(host), name)
	return a, nil
}

// webOf is what links to the files of a repository begin with, where the host tells by its name which software shows them.
func webOf(host, name string) string {
	if strings.HasPrefix(host, "ssh.") && strings.Count(host, ".") > 1 { // ssh.github.com
		host = strings.TrimPrefix(host, "ssh.")
	}
	if strings.Contains(host, ":") {
		return "" // the port of one protocol says nothing about another
	}
	base := (&url.URL{Scheme: "https", Host: host, Path: "/" + name}).String()
	labels := strings.Split(host, ".")
	for _, label := range labels {
		switch label {
		case "github":
			return base + "/blob/"
		case "gitlab":
			return base + "/-/blob/"
		case "bitbucket":
			if host == "bitbucket.org" {
				return base + "/src/"
			}
		case "codeberg", "gitea", "forgejo":
			return base + "/src/commit/"
		}
	}
	return ""
}

// credentials are whatever stands between the scheme and the last @ of what may be a URL, however badly it is written.
var credentials = regexp.MustCompile(`://[^\s]*@|^[^\s@/]*:[^\s]*@`)

// redacted is a text without what may be credentials.
func redacted(text string) string {
	return credentials.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "://") {
			return "://***@"
		}
		return "***@"
	})
}
