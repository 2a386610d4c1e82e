package polled

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Service is the alias of a service by its name and namespace in telemetry; "" where that is no name. A name with a slash and no
// namespace names its namespace so.
func Service(namespace, name string) catalog.Alias {
	name = strings.Trim(name, "/ \t")
	if namespace = strings.Trim(namespace, "/ \t"); namespace != "" && name != "" {
		name = namespace + "/" + name
	}
	return Alias(catalog.WorldOTel, name)
}

// Alias is the name in a world; "" where the world has no such name.
func Alias(world, name string) catalog.Alias {
	alias, err := catalog.ParseAlias(world + ":" + name)
	if err != nil {
		return ""
	}
	return alias
}
