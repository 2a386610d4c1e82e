package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxNameLength is the length of the longest name, and of the longest namespace, that a descriptor may give an entity.
const maxNameLength = 63

// DiscoveredRef is the Ref of the entity that stands for an alias when nothing in the catalog does. It follows from the
// alias alone, so that the entity is the same one after a restart, on another machine and in another order of events,
// and can be written in a descriptor as it is:
//
//	otel:[namespace/]service           component:<namespace or default>/<service>
//	dns:name.namespace.svc             component:<namespace>/<name>
//	k8s:cluster/namespace/kind/name    workload:<namespace>/<cluster>.<kind>.<name>
//	host:name                          external:default/<name>
//	faas:id                            component:default/<id>
//	db:…, topic:…, repo:…              resource:default/<all behind the world>
//	anything that is no alias          resource:default/<all of it>
//
// A character that a name may not have becomes "-", and a name ends after 63 characters. Where either changed the
// name, it ends in "-" and the first 8 hexadecimal digits of the SHA-256 of the alias, within the 63. Two workloads whose
// names would be the same because of dots in them are told apart in the same way.
func DiscoveredRef(alias Alias) Ref {
	if normal, err := ParseAlias(string(alias)); err == nil {
		alias = normal
	} else {
		return NewRef(KindResource, DefaultNamespace, told(alias, string(alias), true))
	}
	world, rest := alias.cut()
	switch world {
	case WorldOTel:
		namespace, service := splitService(rest)
		return namespaced(alias, KindComponent, namespace, service, false)
	case WorldFunction:
		return NewRef(KindComponent, DefaultNamespace, told(alias, rest, false))
	case WorldDNS:
		name, namespace, _ := splitDNS(rest)
		return namespaced(alias, KindComponent, namespace, name, false)
	case WorldKubernetes:
		w, _ := splitWorkload(rest)
		name := w.cluster + "." + w.kind + "." + w.name
		return namespaced(alias, KindWorkload, w.namespace, name, severalReadings(name))
	case WorldHost:
		return NewRef(KindExternal, DefaultNamespace, told(alias, rest, false))
	default:
		return NewRef(KindResource, DefaultNamespace, told(alias, rest, false))
	}
}

// apartRef is the Ref for an alias whose [DiscoveredRef] is taken by an entity that it must not be: always with the digits.
func apartRef(alias Alias) Ref {
	ref := DiscoveredRef(alias)
	return NewRef(ref.Kind(), ref.Namespace(), told(alias, ref.Name(), true))
}

func namespaced(alias Alias, kind, namespace, name string, tell bool) Ref {
	valid, changed := fit(namespace, "-")
	return NewRef(kind, valid, told(alias, name, tell || changed && namespace != ""))
}

// told makes a valid name, with the digits of the alias behind it where it was changed, or where tell is set.
func told(alias Alias, name string, tell bool) string {
	valid, changed := fit(name, "-_.")
	if !changed && !tell {
		return valid
	}
	sum := sha256.Sum256([]byte(alias))
	digits := hex.EncodeToString(sum[:4])
	if most := maxNameLength - 1 - len(digits); len(valid) > most {
		valid = strings.TrimRight(valid[:most], "-_.")
	}
	if valid == "" {
		return digits
	}
	return valid + "-" + digits
}

// fit makes a name of ASCII letters, digits and the marks, that neither begins nor ends with a mark, and says whether
// that changed it. Upper case counts as a change: a Ref has none.
func fit(name, marks string) (valid string, changed bool) {
	valid = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', strings.ContainsRune(marks, r):
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, name)
	valid = strings.Trim(valid, marks)
	if len(valid) > maxNameLength {
		valid = strings.TrimRight(valid[:maxNameLength], marks)
	}
	return valid, valid != name
}

// severalReadings says whether "cluster.kind.name" can be taken apart in more than one way.
func severalReadings(name string) bool {
	readings := 0
	labels := strings.Split(name, ".")
	for _, label := range labels[1 : len(labels)-1] {
		if isWorkloadKind(label) {
			readings++
		}
	}
	return readings > 1
}
