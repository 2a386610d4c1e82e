package graphtest

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/orrery-catalog/orrery/catalog"
)

// WriteFiles writes the company as catalog files below dir, which is made where it is missing: a folder for each
// repository, one repository for a service or for the services of a system, and repositories for the organisation, the
// architecture and the events.
func (c Company) WriteFiles(dir string) error {
	w := newWriter()
	for f := range c.plan().files() {
		w.startFile(f.path)
		w.text = w.text[:0]
		for _, described := range f.entities {
			w.write(described)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the company: %w", err)
		}
		if err := os.WriteFile(path, w.text, 0o644); err != nil {
			return fmt.Errorf("write the company: %w", err)
		}
	}
	return nil
}

// file is one catalog file: a path with slashes below the root, and the entities it describes.
type file struct {
	path     string
	entities []described
}

// files yields every file of the company once.
func (p *plan) files() iter.Seq[file] {
	parts := []func(func(file) bool) bool{p.serviceFiles, p.organisationFiles, p.architectureFiles}
	return func(yield func(file) bool) {
		for _, part := range parts {
			if !part(yield) {
				return
			}
		}
	}
}

// serviceFiles are those of the services with their APIs and databases. Every fifth system is one repository.
func (p *plan) serviceFiles(yield func(file) bool) bool {
	for service := range p.Services {
		path := serviceName(service) + "/catalog-info.yaml"
		if system := p.systemOf(service); system%5 == 0 {
			path = systemName(system) + "/services/" + serviceName(service) + "/catalog-info.yaml"
		}
		entities := []described{p.describeService(service)}
		if p.providesAPI(service) {
			entities = append(entities, p.describeAPI(service))
		}
		if p.hasDatabase(service) {
			entities = append(entities, described{
				kind: catalog.KindResource, name: databaseName(service), specType: "database",
				owner: entities[0].owner, system: entities[0].system,
			})
		}
		if !yield(file{path, entities}) {
			return false
		}
	}
	return true
}

func (p *plan) describeService(service int) described {
	d := described{
		kind: catalog.KindComponent, name: serviceName(service), specType: "service", lifecycle: "production",
		title:       fmt.Sprintf("%s %s %d", subjects[(service/servicesInSystem)%len(subjects)], roles[service%len(roles)], service),
		description: "One of the services of the " + systemName(p.systemOf(service)) + " system.",
		annotations: []annotation{
			{slugKey, "company/" + serviceName(service)},
			{"orrery.dev/tier", fmt.Sprint(p.tier(service))},
		},
		tags:         []string{"go"},
		system:       systemName(p.systemOf(service)),
		dependencies: p.dependencies(service),
	}
	if team, owned := p.teamOf(service); owned {
		d.owner = catalog.NewRef(catalog.KindGroup, "", teamName(team))
	}
	if p.providesAPI(service) {
		d.provides = apiName(service)
	}
	return d
}

// tier is 1 for the platform's hottest half, then follows from the place in the domain.
func (p *plan) tier(service int) int {
	if service >= (p.product+p.Services)/2 {
		return 1
	}
	return 1 + service%4
}

func (p *plan) describeAPI(service int) described {
	d := described{
		kind: catalog.KindAPI, name: apiName(service), specType: "openapi", lifecycle: "production",
		system: systemName(p.systemOf(service)), definition: true,
	}
	if team, owned := p.teamOf(service); owned {
		d.owner = catalog.NewRef(catalog.KindGroup, "", teamName(team))
	}
	return d
}

// organisationFiles are the teams with their people, one file a team.
func (p *plan) organisationFiles(yield func(file) bool) bool {
	for team := range p.teams {
		entities := []described{{
			kind: catalog.KindGroup, name: teamName(team), specType: "team", email: teamName(team) + "@company.example",
			annotations: []annotation{{"pagerduty.com/service-id", fmt.Sprintf("P%06d", team)}},
			children:    true,
		}}
		random := p.random(streamTeam, team)
		for member := range membersOfTeam - 2 + random.IntN(5) {
			entities = append(entities, described{
				kind: catalog.KindUser, name: userName(team, member),
				email:    userName(team, member) + "@company.example",
				memberOf: teamName(team),
			})
		}
		if !yield(file{"organisation/teams/" + teamName(team) + ".yaml", entities}) {
			return false
		}
	}
	return true
}

// architectureFiles are the domains with their systems, shared databases, topics, third parties and journeys.
func (p *plan) architectureFiles(yield func(file) bool) bool {
	owner := func(i int) catalog.Ref { return catalog.NewRef(catalog.KindGroup, "", teamName(i%p.teams)) }
	for domain := range p.domains {
		entities := []described{{kind: catalog.KindDomain, name: domainName(domain), owner: owner(domain)}}
		systemsInDomain := servicesInDomain / servicesInSystem
		for system := domain * systemsInDomain; system < min(p.systems, (domain+1)*systemsInDomain); system++ {
			entities = append(entities, described{
				kind: catalog.KindSystem, name: systemName(system), owner: owner(system), domain: domainName(domain),
			})
		}
		if !yield(file{"architecture/domains/" + domainName(domain) + ".yml", entities}) {
			return false
		}
	}
	list := func(n int, describe func(i int) described) []described {
		entities := make([]described, n)
		for i := range entities {
			entities[i] = describe(i)
		}
		return entities
	}
	for _, f := range []file{
		{"architecture/databases.yaml", list(p.sharedDBs, func(i int) described {
			return described{kind: catalog.KindResource, name: sharedDatabaseName(i), specType: "database", owner: owner(i)}
		})},
		{"events/catalog-info.yaml", list(p.topics, func(i int) described {
			return described{kind: catalog.KindResource, name: topicName(i), specType: "topic", owner: owner(i)}
		})},
		{"architecture/third-parties.yaml", list(p.thirdParties, func(i int) described {
			return described{kind: catalog.KindExternal, name: thirdPartyName(i), specType: "third-party", owner: owner(i)}
		})},
		{"architecture/journeys.yaml", list(p.journeys, p.describeJourney)},
	} {
		if !yield(f) {
			return false
		}
	}
	return true
}

// describeJourney takes its steps from the fronts of a few domains.
func (p *plan) describeJourney(journey int) described {
	random := p.random(streamJourney, journey)
	d := described{
		kind: catalog.KindJourney, name: journeyName(journey),
		owner: catalog.NewRef(catalog.KindGroup, "", teamName(journey%p.teams)),
		slo:   true,
	}
	steps := map[int]bool{}
	for range 3 + random.IntN(3) {
		front := random.IntN(p.domains)*servicesInDomain + random.IntN(servicesInSystem)
		if front >= p.Services || steps[front] {
			continue
		}
		steps[front] = true
		step := dependency{target: p.ServiceRef(front), strength: catalog.Hard}
		if len(d.dependencies) > 1 {
			step = p.strengthen(step, random)
		}
		d.dependencies = append(d.dependencies, step)
	}
	return d
}
