package facts

// Derived counts the scopes and namespaces that a Deriver has derived so far.
func Derived(d *Deriver) int { return d.derived }
