package manifests

import "strings"

// lines says where the fields of an object stand. It is the tree of its fields, each before those in it.
type lines []field

// field is a key of a map, or an element of a list.
type field struct {
	key  string // of an element "[3]"; "" is the object itself
	line int32
	end  int32 // the index behind the last field in it
}

// Line implements inventory.Lines. Keys may hold dots and brackets, so the longest that fits is taken.
func (l lines) Line(path string) int32 {
	if len(l) == 0 {
		return 0
	}
	at := int32(0)
	for path != "" {
		best := int32(-1)
		for i := at + 1; i < l[at].end; i = l[i].end {
			if begins(path, l[i].key) && (best < 0 || len(l[i].key) > len(l[best].key)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		at, path = best, strings.TrimPrefix(path[len(l[best].key):], ".")
	}
	return l[at].line
}

// begins says whether a path begins with a key as a whole.
func begins(path, key string) bool {
	rest, ok := strings.CutPrefix(path, key)
	return ok && key != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// path is that of the field with an index.
func (l lines) path(index int32) string {
	var b strings.Builder
	for at := int32(0); at != index; {
		for i := at + 1; i < l[at].end; i = l[i].end {
			if index >= i && index < l[i].end {
				if b.Len() > 0 && l[i].key[0] != '[' {
					b.WriteByte('.')
				}
				b.WriteString(l[i].key)
				at = i
				break
			}
		}
	}
	return b.String()
}
