package catalog

import (
	"cmp"
	"net/url"
	"strconv"
)

// Version is a file at a commit. Of a file that did not change, the commit is the one at which it was read first, so that a
// push changes nothing of what it did not touch.
type Version struct {
	Repository string `cbor:"1,keyasint,omitempty"` // as in an alias, but in the spelling of its host: github.com/Acme/checkout
	Path       string `cbor:"2,keyasint,omitempty"` // in the repository, with slashes
	Commit     string `cbor:"3,keyasint,omitempty"` // the whole hash, in lower case
	// Web is what a link to a file begins with, up to the commit: https://github.com/Acme/checkout/blob/; "" = nobody shows
	// the repository.
	Web string `cbor:"4,keyasint,omitempty"`
}

// URL is a link to the file at the commit, and to a line of it where line is over 0; "" = there is none.
func (v *Version) URL(line int32) string {
	if v == nil || v.Web == "" || v.Commit == "" {
		return ""
	}
	link := v.Web + v.Commit + "/" + (&url.URL{Path: v.Path}).EscapedPath()
	if line > 0 {
		link += "#L" + strconv.Itoa(int(line))
	}
	return link
}

// compareVersions orders by content. Where there is none comes last.
func compareVersions(a, b *Version) int {
	switch {
	case a == b:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(
		cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Commit, b.Commit),
		cmp.Compare(a.Web, b.Web),
	)
}
