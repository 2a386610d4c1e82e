package manifests

import "github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"

// Reader reads the objects of single files, for those who want no more than what a file says.
type Reader struct{ forms forms }

// NewReader makes one, which any number of files may be read by.
func NewReader() *Reader { return &Reader{forms: allForms()} }

// Objects are those that a file holds, in its order. What is no manifest, a template that is to be rendered first, and what
// is broken is passed over. It never fails: equal input gives equal output.
func (r *Reader) Objects(data []byte, location string) []*inventory.Object {
	return parse(data, location, r.forms).objects
}
