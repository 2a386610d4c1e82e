// Package webhook takes what GitHub delivers when something happens, and tells sources what to read again.
//
// A delivery counts for the targets with whose secret it is signed. Nothing that it says enters the catalog: only the names
// of what it touched are taken from it, and what stands there now is read from GitHub itself. One that is delivered again is
// refused by its id. That is not signed, so that somebody who got hold of a signed body may send it under another id: that
// makes a source read what is named in it once more, and nothing else.
package webhook
