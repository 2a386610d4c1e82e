package inventory

// Cover says what an inventory is complete in: covers answers whether all objects of a kind in a namespace are in it; ""
// is for kinds without namespaces, and for all namespaces. Only then does the absence of one say that there is none. An
// inventory covers everything unless it is told otherwise.
func (i *Inventory) Cover(covers func(kind Kind, namespace string) bool) { i.covers = covers }

// Covers says whether an object that is not in the inventory does not exist either.
func (i *Inventory) Covers(kind Kind, namespace string) bool {
	return i.covers == nil || i.covers(kind, namespace)
}

// MakesWorkload says whether an object is a workload or a part of one, rather than something that a workload's own
// objects control. It follows from the object alone.
func MakesWorkload(o *Object) bool {
	_, ok := workloadOf(o)
	return ok
}
