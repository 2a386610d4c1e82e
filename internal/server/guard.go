package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard refuses requests that a page of another site makes a browser send. Without sign-in, these are the ones to fear: by
// DNS rebinding a foreign name points to this server, and then Host tells; otherwise Origin does.
type guard struct {
	hosts      []string
	anyAddress bool
}

func (g guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.answersTo(r.Host) {
			http.Error(w, "this server does not answer to that host name: call it as localhost, or by the name or address "+
				"that it listens on", http.StatusForbidden)
			return
		}
		if origin := r.Header.Values("Origin"); len(origin) > 0 && !sameOrigin(origin, r.Host) {
			http.Error(w, "this server does not answer to pages of other sites", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g guard) answersTo(hostPort string) bool {
	host := hostPort
	if name, _, err := net.SplitHostPort(hostPort); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return g.anyAddress || address.Unmap().IsLoopback() || slices.Contains(g.hosts, address.String())
	}
	return host == "localhost" || slices.ContainsFunc(g.hosts, func(own string) bool { return strings.EqualFold(own, host) })
}

// sameOrigin leaves the scheme aside, as a proxy in front may speak TLS.
func sameOrigin(origin []string, host string) bool {
	if len(origin) != 1 {
		return false
	}
	page, err := url.Parse(origin[0])
	return err == nil && page.Host != "" && strings.EqualFold(page.Host, host)
}
