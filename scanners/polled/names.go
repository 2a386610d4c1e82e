package polled

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Service is the alias of a service by its name and namespace in telemetry; "" where that is no name.
func Service(namespace, name string) catalog.Alias {
	name = strings.TrimSpace(name)
	if namespace = strings.TrimSpace(namespace); namespace != "" || strings.Contains(name, "/") {
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
