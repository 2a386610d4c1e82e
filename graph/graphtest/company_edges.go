package graphtest

import (
	"math/rand/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

// dependency is one thing that a service states to need.
type dependency struct {
	target   catalog.Ref
	strength catalog.Strength // Unstated: listed in dependsOn or consumesApis
	role     catalog.Role
	anyOf    string
	fallback string
}

// dependencies draws what a service needs, in the order in which it was drawn, each target once.
func (p *plan) dependencies(service int) []dependency {
	random := p.random(streamService, service)
	count := int(p.degrees[service])
	found := make([]dependency, 0, count)
	seen := make(map[catalog.Ref]bool, count)
	add := func(d dependency) {
		if d.target != "" && !seen[d.target] {
			seen[d.target] = true
			found = append(found, d)
		}
	}
	if p.hasDatabase(service) && count > 0 {
		add(dependency{target: resourceRef(databaseName(service))})
	}
	for tries := 0; len(found) < count && tries < 20*count; tries++ {
		add(p.draw(service, random))
	}
	for back := p.Services - 1; len(found) < count && back >= 0; back-- { // a small company runs out of other targets
		if back != service {
			add(dependency{target: p.ServiceRef(back)})
		}
	}
	p.groupAlternatives(found, random)
	return found
}

// draw picks one target for the service, or none.
func (p *plan) draw(service int, random *rand.Rand) dependency {
	local, layer := random.Float64(), p.localLayer(service)
	switch {
	case local < 0.02:
		return p.service(layer.before(service, random), random)
	case local < 0.02+crossDomainShare && !p.isPlatform(service):
		return p.service(p.otherDomain(service, random), random)
	case local < 0.26:
		return p.service(layer.behind(service, random), random)
	case local < 0.32:
		return p.api(service, layer.behind(service, random))
	case local < 0.38:
		return p.topic(service, random)
	case local < 0.43:
		return dependency{target: resourceRef(sharedDatabaseName(p.sharedRank.draw(random)))}
	case local < 0.45:
		return p.strengthen(dependency{
			target: catalog.NewRef(catalog.KindExternal, "", thirdPartyName(p.thirdPartyRank.draw(random))),
		}, random)
	case local < 0.55:
		hot := p.platformService(random)
		if hot <= service {
			return dependency{}
		}
		return p.api(service, hot)
	default:
		hot := p.platformService(random)
		if hot <= service {
			return dependency{}
		}
		return p.service(hot, random)
	}
}

// platformService draws a service of the platform, the last one most often.
func (p *plan) platformService(random *rand.Rand) int {
	return p.Services - 1 - p.platformRank.draw(random)
}

// layer is a range of services among which a service finds its neighbours: [first, last).
type layer struct{ first, last int }

// localLayer is the domain of a product service, and the platform as a whole for a service of the platform.
func (p *plan) localLayer(service int) layer {
	if p.isPlatform(service) {
		return layer{p.product, p.Services}
	}
	first := p.domainOf(service) * servicesInDomain
	return layer{first, min(first+servicesInDomain, p.product)}
}

// behind draws a service behind the given one, more often a near one; -1 where there is none.
func (l layer) behind(service int, random *rand.Rand) int {
	room := l.last - service - 1
	if room <= 0 {
		return -1
	}
	near := min(room, servicesInSystem)
	if random.IntN(3) > 0 {
		return service + 1 + random.IntN(near)
	}
	return service + 1 + random.IntN(room)
}

// before draws a near service before the given one: an edge against the layers. -1 where there is none.
func (l layer) before(service int, random *rand.Rand) int {
	room := min(service-l.first, servicesInSystem)
	if room <= 0 {
		return -1
	}
	return service - 1 - random.IntN(room)
}

// otherDomain draws the front service of a later product domain; -1 where there is none.
func (p *plan) otherDomain(service int, random *rand.Rand) int {
	first := (p.domainOf(service) + 1) * servicesInDomain
	if first >= p.product {
		return -1
	}
	return first + random.IntN((p.product-first-1)/servicesInDomain+1)*servicesInDomain
}

func (p *plan) service(target int, random *rand.Rand) dependency {
	if target < 0 {
		return dependency{}
	}
	return p.strengthen(dependency{target: p.ServiceRef(target)}, random)
}

// api is the API of the nearest service at or before target that has one.
func (p *plan) api(service, target int) dependency {
	for ; target > service; target-- {
		if p.providesAPI(target) {
			return dependency{target: catalog.NewRef(catalog.KindAPI, "", apiName(target))}
		}
	}
	return dependency{}
}

// topic draws one of the topics around the service that lie in its layer as a whole, for messages seldom leave a domain;
// one service in five publishes. A layer without a topic of its own draws none.
func (p *plan) topic(service int, random *rand.Rand) dependency {
	layer := p.localLayer(service)
	first, last := ceilDiv(layer.first*p.topics, p.Services), layer.last*p.topics/p.Services-1
	if first > last {
		return dependency{}
	}
	index := min(last, max(first, service*p.topics/p.Services-2+random.IntN(5)))
	role := catalog.Consume
	if random.IntN(5) == 0 {
		role = catalog.Publish
	}
	return dependency{target: resourceRef(topicName(index)), role: role}
}

// strengthen gives some dependencies more than a mere name: 18 % have a fallback, 10 % only delay.
func (p *plan) strengthen(d dependency, random *rand.Rand) dependency {
	switch share := random.Float64(); {
	case share < 0.18:
		d.strength, d.fallback = catalog.Soft, "last known answer"
	case share < 0.28:
		d.strength = catalog.Async
	case share < 0.33:
		d.strength = catalog.Hard
	}
	return d
}

// groupAlternatives makes two alternatives out of the first two plain dependencies on services or third parties, for one
// service in twelve.
func (p *plan) groupAlternatives(found []dependency, random *rand.Rand) {
	if random.IntN(12) != 0 {
		return
	}
	var first *dependency
	for i := range found {
		d := &found[i]
		if d.strength != catalog.Unstated || d.role != catalog.NoRole || d.target.Kind() == "resource" || d.target.Kind() == "api" {
			continue
		}
		if first == nil {
			first = d
			continue
		}
		first.anyOf, d.anyOf = "alternatives", "alternatives"
		first.strength, d.strength = catalog.Hard, catalog.Hard
		return
	}
}

func resourceRef(name string) catalog.Ref { return catalog.NewRef(catalog.KindResource, "", name) }
