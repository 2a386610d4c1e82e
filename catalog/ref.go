package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultNamespace is the namespace of an entity that names none.
const DefaultNamespace = "default"

// Ref identifies an entity: `kind:namespace/name`, always complete and in lower case, so that two Refs are the same
// entity exactly when the strings are equal. The zero value "" means "no entity". Make one with [NewRef] or
// [ParseRef]; converting any other string breaks the invariant.
type Ref string

// ErrRef is what every error of [ParseRef] wraps.
var ErrRef = errors.New("not an entity reference")

// ErrRefKind says that a reference named no kind where none can be assumed. It wraps [ErrRef].
var ErrRefKind = fmt.Errorf("%w: the kind is missing", ErrRef)

// NewRef joins the parts, lower-cased; an empty namespace becomes [DefaultNamespace].
func NewRef(kind, namespace, name string) Ref {
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return Ref(lower(kind + ":" + namespace + "/" + name))
}

// lower is JavaScript's toLocaleLowerCase("en-US"), by which Backstage compares references, for all characters that the
// Unicode tables of both know. The one that becomes two is the Turkish capital I with a dot. A capital sigma at the end
// of a word stays the plain one here: names of entities are ASCII, so only references to nothing could tell.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// ParseRef reads `[<kind>:][<namespace>/]<name>`, filling absent parts from the arguments (an empty defaultKind means
// that the kind must be written; an empty defaultNamespace means [DefaultNamespace]). The first ":" ends the kind
// unless a "/" stands before it, the next "/" ends the namespace; nothing is trimmed and no character is refused, which
// is the Backstage grammar. Errors wrap [ErrRef], and [ErrRefKind] where only the kind was missing.
func ParseRef(s, defaultKind, defaultNamespace string) (Ref, error) {
	kind, namespace, name := defaultKind, defaultNamespace, s
	colon, slash := strings.IndexByte(name, ':'), strings.IndexByte(name, '/')
	if colon >= 0 && (slash < 0 || colon < slash) {
		if colon == 0 {
			return "", fmt.Errorf("%w: %q has an empty kind before the colon", ErrRef, s)
		}
		kind, name = name[:colon], name[colon+1:]
		slash = strings.IndexByte(name, '/')
	}
	if slash >= 0 {
		if slash == 0 {
			return "", fmt.Errorf("%w: %q has an empty namespace before the slash", ErrRef, s)
		}
		namespace, name = name[:slash], name[slash+1:]
	}
	switch {
	case name == "":
		return "", fmt.Errorf("%w: %q has an empty name", ErrRef, s)
	case kind == "":
		return "", fmt.Errorf("%w in %q (write for example component:%s)", ErrRefKind, s, s)
	}
	return NewRef(kind, namespace, name), nil
}

// Kind is the part before the first colon, in lower case; "" for the zero Ref.
func (r Ref) Kind() string {
	kind, _, _ := r.parts()
	return kind
}

// Namespace is the part between kind and name; "" for the zero Ref.
func (r Ref) Namespace() string {
	_, namespace, _ := r.parts()
	return namespace
}

// Name is the part behind the namespace, in lower case; "" for the zero Ref.
func (r Ref) Name() string {
	_, _, name := r.parts()
	return name
}

func (r Ref) parts() (kind, namespace, name string) {
	kind, rest, _ := strings.Cut(string(r), ":")
	namespace, name, _ = strings.Cut(rest, "/")
	return kind, namespace, name
}
