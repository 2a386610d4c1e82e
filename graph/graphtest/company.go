package graphtest

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

// Company is a made-up company of any size, the same for the same numbers: services in systems in domains, their
// databases, topics, APIs and third parties, and the teams behind them. Benchmarks and property tests use it as input.
//
// Its shape is that of real service maps. Product services sit in domains of about a hundred and need each other inside
// the domain, from the front to the back; about one service in twenty belongs to the platform, which most of the company
// needs, with a power-law fan-in: the last service, [Company.Hottest], is reached by nearly everything. About 2 % of the
// edges run backwards, which makes small cycles.
type Company struct {
	// Services is the number of Components; at least 20. Everything else is in proportion to it.
	Services int
	// Edges is the number of dependencies that services state (dependsOn, consumesApis and dependencies); 0 means 3 for
	// each service. Ownership, system membership, provided APIs and steps of journeys come on top. It is reached exactly
	// from 1 to 12 for each service.
	Edges int
	// Seed chooses one of many companies of the same size.
	Seed uint64
}

// SourceID is the id of the source that the documents of a [Company] name.
const SourceID = "company"

// Shares and sizes of the shape. They are round figures for a company that has grown for some years.
const (
	servicesInSystem    = 8
	servicesInDomain    = 120
	servicesOfTeam      = 15
	membersOfTeam       = 5 // on average
	servicesPerPlatform = 20
	servicesPerTopic    = 50
	servicesPerSharedDB = 200
	servicesPerThird    = 500
	servicesPerJourney  = 1000
	crossDomainShare    = 0.002 // of the edges reach into another product domain
	zipfExponent        = 1.1
)

// plan holds the sizes that follow from a Company, and the tables its edges are drawn from.
type plan struct {
	Company
	product                                  int // services below this index are product services, the others platform
	systems, domains, teams                  int
	sharedDBs, topics, thirdParties          int
	journeys                                 int
	degrees                                  []int32 // dependencies that each service states
	platformRank, sharedRank, thirdPartyRank zipf
}

func (c Company) plan() *plan {
	if c.Services < 20 {
		c.Services = 20
	}
	if c.Edges <= 0 {
		c.Edges = 3 * c.Services
	}
	p := &plan{
		Company: c,
		product: c.Services - max(3, c.Services/servicesPerPlatform),
		systems: ceilDiv(c.Services, servicesInSystem),
		domains: ceilDiv(c.Services, servicesInDomain),
		teams:   max(2, c.Services/servicesOfTeam),

		sharedDBs:    max(2, c.Services/servicesPerSharedDB),
		topics:       max(2, c.Services/servicesPerTopic),
		thirdParties: max(4, c.Services/servicesPerThird),
		journeys:     max(4, c.Services/servicesPerJourney),
	}
	p.degrees = p.drawDegrees()
	p.platformRank = newZipf(c.Services-p.product, zipfExponent)
	p.sharedRank = newZipf(p.sharedDBs, zipfExponent)
	p.thirdPartyRank = newZipf(p.thirdParties, zipfExponent)
	return p
}

// drawDegrees spreads the edges over the services: most state few, some state many.
func (p *plan) drawDegrees() []int32 {
	random := p.random(streamDegrees, 0)
	weights := make([]float64, p.Services)
	var sum float64
	for i := range weights {
		weights[i] = math.Exp(0.7 * random.NormFloat64())
		if p.isPlatform(i) { // the further back, the fewer things are left to need
			weights[i] *= 0.1 + 0.9*float64(p.Services-1-i)/float64(p.Services-p.product)
		}
		sum += weights[i]
	}
	limit := int32(max(12, 4*p.Edges/p.Services))
	degrees := make([]int32, p.Services)
	left := p.Edges
	for i, weight := range weights {
		degrees[i] = min(limit, int32(weight/sum*float64(p.Edges)))
		left -= int(degrees[i])
	}
	for full := 0; left > 0 && full < 20*p.Services; {
		if i := random.IntN(p.product); degrees[i] < limit {
			degrees[i]++
			left--
			full = 0
		} else {
			full++
		}
	}
	return degrees
}

// Streams of random numbers: each thing draws from its own, so that any of it can be made alone.
const (
	streamDegrees = iota + 1
	streamService
	streamTeam
	streamJourney
)

func (p *plan) random(stream, index int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(stream)<<32|uint64(index)))
}

func (p *plan) systemOf(service int) int { return service / servicesInSystem }
func (p *plan) domainOf(service int) int { return service / servicesInDomain }

// teamOf gives neighbouring services to one team, and every fortieth service to nobody.
func (p *plan) teamOf(service int) (team int, owned bool) {
	return service * p.teams / p.Services, service%40 != 17
}

func (p *plan) isPlatform(service int) bool { return service >= p.product }

// providesAPI says which services have an API of their own: one in four, and every second one of the platform.
func (p *plan) providesAPI(service int) bool {
	return service%4 == 0 || p.isPlatform(service) && service%2 == 0
}

// hasDatabase says which services have a database of their own.
func (p *plan) hasDatabase(service int) bool { return service%3 == 1 }

// ServiceRef is the Ref of the service with the index, from 0 (at the very front) to Services-1 (at the very back).
func (c Company) ServiceRef(index int) catalog.Ref {
	return catalog.NewRef(catalog.KindComponent, "", serviceName(index))
}

// Hottest is the service that most others need, directly or not.
func (c Company) Hottest() catalog.Ref { return c.ServiceRef(max(20, c.Services) - 1) }

// Documents yields what the catalog files of the company say, without any YAML having been read: merged, they are the same
// model as the files of [Company.WriteFiles]. Each yielded document is new and belongs to the caller.
func (c Company) Documents() iter.Seq[*catalog.Document] {
	return func(yield func(*catalog.Document) bool) {
		w := newWriter()
		for f := range c.plan().files() {
			w.startFile(f.path)
			for _, described := range f.entities {
				if !yield(w.write(described)) {
					return
				}
			}
		}
	}
}

// zipf draws ranks from 0 with a power-law: rank r has a weight of 1/(r+1)^s.
type zipf struct{ cumulative []float64 }

func newZipf(n int, s float64) zipf {
	cumulative := make([]float64, n)
	var sum float64
	for r := range cumulative {
		sum += math.Pow(float64(r+1), -s)
		cumulative[r] = sum
	}
	return zipf{cumulative}
}

func (z zipf) draw(random *rand.Rand) int {
	at := random.Float64() * z.cumulative[len(z.cumulative)-1]
	low, high := 0, len(z.cumulative)-1
	for low < high {
		if middle := (low + high) / 2; z.cumulative[middle] < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// The names of things. Numbers make them unique; words make them look like those of a company.

var (
	subjects = []string{
		"checkout", "catalog", "search", "pricing", "payment", "ledger", "shipping", "returns", "customer", "identity",
		"loyalty", "review", "inventory", "warehouse", "supplier", "invoice", "fraud", "marketing", "content", "media",
		"support", "reporting", "forecast", "recommendation", "notification",
	}
	roles = []string{
		"gateway", "web", "api", "orchestrator", "worker", "engine", "service", "sync", "scheduler", "indexer", "store",
	}
	platformRoles = []string{"auth", "config", "flags", "mail", "files", "events", "tokens", "audit", "geo", "rates"}
)

func serviceName(i int) string {
	return fmt.Sprintf("%s-%s-%d", subjects[(i/servicesInSystem)%len(subjects)], roles[i%len(roles)], i)
}

func systemName(i int) string { return fmt.Sprintf("%s-%d", subjects[i%len(subjects)], i) }

func domainName(i int) string { return fmt.Sprintf("%s-domain-%d", subjects[i%len(subjects)], i) }

func teamName(i int) string { return fmt.Sprintf("team-%s-%d", subjects[(i*7)%len(subjects)], i) }

func userName(team, member int) string { return fmt.Sprintf("user-%d-%d", team, member) }

func databaseName(service int) string { return serviceName(service) + "-db" }

func sharedDatabaseName(i int) string {
	return fmt.Sprintf("shared-%s-db-%d", platformRoles[i%len(platformRoles)], i)
}

func topicName(i int) string { return fmt.Sprintf("%s-events-%d", subjects[i%len(subjects)], i) }

func thirdPartyName(i int) string {
	return fmt.Sprintf("partner-%s-%d", platformRoles[i%len(platformRoles)], i)
}

func apiName(service int) string { return serviceName(service) + "-api" }

func journeyName(i int) string { return fmt.Sprintf("journey-%s-%d", subjects[i%len(subjects)], i) }
