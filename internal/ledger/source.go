package ledger

import (
	"path"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// source is what is held of one source. Ledger.mu guards all of it.
type source struct {
	ledger *Ledger
	config Source

	flows      map[traffic.FlowKey]*flow
	services   map[traffic.ServiceKey]*service
	deliveries map[traffic.DeliveryKey]*delivery
	reach      map[traffic.ReachKey]*reach
	lost       map[string]uint64 // of what is summed up

	sets    map[setID]*set
	current map[traffic.Hour]*set // those of sets that take what a listener counts
	summed  summed
	stale   bool   // a row that is summed up has changed, so that the sum is to be made anew
	sizes   uint16 // of the last set
	pending int    // weight of sets that this process counts or reads

	// About how many bytes are held: of what is known and summed up, in sets, and of rows that have no other store.
	known, inSets, inRows int64

	stands        map[string]bool            // by name of a writer: what it counted does not age
	lists         map[uint16]map[string]bool // the same as the rows say, by part
	standingDirty bool                       // they are to be written

	environments map[string]map[string]bool // as spans name them, by the name that documents use

	newest catalog.Instant // of anything, as far as the clock allows
	oldest catalog.Instant
	swept  catalog.Instant // newest when the ages were looked at last

	touched  touched
	unseen   bool               // nobody knows it yet: everything will be touched
	shownDay traffic.Hour       // recentDay of the last view
	callers  map[string]*caller // by scope
	heard    map[*hearing]bool  // who hears of scopes that change
	deaf     error              // why its listener does not listen
	lostNow  map[string]uint64  // of everything; never changed, only replaced
}

type setID struct {
	writer string
	hour   traffic.Hour
}

// summed are the rows that are summed up, by writer, hour and part, with their sequences.
type summed map[string]map[traffic.Hour]map[uint16]uint64

func (s summed) put(id setID, part uint16, sequence uint64) {
	hours := s[id.writer]
	if hours == nil {
		hours = make(map[traffic.Hour]map[uint16]uint64)
		s[id.writer] = hours
	}
	if hours[id.hour] == nil {
		hours[id.hour] = make(map[uint16]uint64, 1)
	}
	hours[id.hour][part] = sequence
}

func (s *source) putSummed(id setID, part uint16, sequence uint64) {
	if _, there := s.summed[id.writer][id.hour][part]; !there {
		s.known += summedBytes
	}
	s.summed.put(id, part, sequence)
}

// flow is one flow of all rows: those that are summed up are in sum, without latency, and those of the two newest days in days.
type flow struct {
	id       catalog.FlowID
	sum      traffic.Flow
	days     days
	kept     // what is known of all of it, since it was touched last
	protocol string

	operations int // bytes of those of the sum
}

type service struct {
	sum  traffic.Service
	days days
	kept
	entry   catalog.Entry
	aliases []catalog.Alias
}

type delivery struct {
	sum  traffic.Delivery
	held bool // sum has something
}

type reach struct {
	sum  float64
	held bool
}

// kept says how long something is in the documents.
type kept struct {
	held   bool // sum has something
	stands bool // as far as it is summed up: something of it does not age
	where  string

	last  catalog.Instant // of everything
	ages  bool
	place string // where everything of it was seen; "" = live
	phase phase
	said  said // when it was looked at last
}

// phase says how something is in the documents.
type phase uint8

const (
	gone phase = iota
	stale
	fresh
)

// days is what was counted on each of the two newest days of a flow or service.
type days [2]oneDay

type oneDay struct {
	day              traffic.Hour // 0 = nothing
	requests, errors float64
	latency          traffic.Sketch // packed
}

func (d *days) add(number traffic.Hour, requests, errors float64, latency *traffic.Sketch) {
	at := &d[number%2]
	switch {
	case at.day > number:
		return
	case at.day < number:
		*at = oneDay{day: number}
	}
	at.requests += requests
	at.errors += errors
	at.latency = traffic.Sum(&at.latency, latency)
}

// touched are the entries that may have changed since the last view.
type touched struct {
	flows      map[traffic.FlowKey]struct{}
	services   map[traffic.ServiceKey]struct{}
	deliveries map[traffic.DeliveryKey]struct{}
	reach      map[traffic.ReachKey]struct{}
	lost       bool
}

func (t *touched) counts(c *traffic.Counts) {
	mark(&t.flows, c.Flows)
	mark(&t.services, c.Services)
	mark(&t.deliveries, c.Deliveries)
	mark(&t.reach, c.Reach)
	t.lost = t.lost || len(c.Lost) > 0
}

func mark[K comparable, V any](in *map[K]struct{}, keys map[K]V) {
	if *in == nil {
		*in = make(map[K]struct{}, len(keys))
	}
	for key := range keys {
		(*in)[key] = struct{}{}
	}
}

func (t *touched) any() bool {
	return len(t.flows)+len(t.services)+len(t.deliveries)+len(t.reach) > 0 || t.lost
}

func newSource(l *Ledger, config Source) *source {
	s := &source{
		ledger: l, config: config, sizes: 1,
		sets: make(map[setID]*set), current: make(map[traffic.Hour]*set), stands: make(map[string]bool),
		lists: make(map[uint16]map[string]bool), callers: make(map[string]*caller), heard: make(map[*hearing]bool),
	}
	s.clear()
	return s
}

// clear forgets what is summed up.
func (s *source) clear() {
	s.flows = make(map[traffic.FlowKey]*flow)
	s.services = make(map[traffic.ServiceKey]*service)
	s.deliveries = make(map[traffic.DeliveryKey]*delivery)
	s.reach = make(map[traffic.ReachKey]*reach)
	s.lost = make(map[string]uint64)
	s.summed = make(summed)
	s.environments = make(map[string]map[string]bool)
	s.known = 0
	s.stale, s.newest, s.oldest = false, 0, 0
}

// index makes places for the entries of counts, and takes note of their time.
func (s *source) index(c *traffic.Counts) {
	now := s.ledger.now()
	seen := func(first, last catalog.Instant) {
		s.newest = max(s.newest, min(last, now))
		if first > 0 && (s.oldest == 0 || first < s.oldest) {
			s.oldest = first
		}
	}
	for key, f := range c.Flows {
		if s.flows[key] == nil {
			s.flows[key] = &flow{id: key.ID()}
			s.known += int64(knownFlow(key))
		}
		seen(f.First, f.Last)
	}
	for key, v := range c.Services {
		if s.services[key] == nil {
			s.services[key] = new(service)
			s.known += int64(knownService(key))
			s.name(key.Environment)
		}
		seen(v.First, v.Last)
	}
	for key, d := range c.Deliveries {
		if s.deliveries[key] == nil {
			s.deliveries[key] = new(delivery)
			s.known += int64(knownDelivery(key))
			s.name(key.Environment)
		}
		seen(d.First, d.Last)
	}
	for key := range c.Reach {
		if s.reach[key] == nil {
			s.reach[key] = new(reach)
			s.known += int64(knownReach(key))
			s.name(key.Environment)
		}
	}
}

// maxSpellings is how many names of one environment are added up.
const maxSpellings = 64

// name notes a name that spans have for an environment.
func (s *source) name(written string) {
	environment := s.ledger.environment(s, written)
	if s.environments[environment] == nil {
		s.environments[environment] = make(map[string]bool)
	}
	if len(s.environments[environment]) < maxSpellings {
		s.environments[environment][written] = true
	}
}

// sum adds counts to what is summed up. They are not changed. Latencies are kept from the day on.
func (s *source) sum(t *set, c *traffic.Counts, from traffic.Hour) {
	s.index(c)
	if !s.unseen {
		s.touched.counts(c)
	}
	number := day(t.hour)
	recent := number > 0 && number >= from
	stands := s.standing(t.writer)
	where := placeOf(t.writer, stands)
	for key, f := range c.Flows {
		to := s.flows[key]
		mergeFlow(&to.sum, f)
		grown := s.addOperations(&to.sum, f.Operations)
		to.operations += grown
		s.known += int64(grown)
		if recent {
			to.days.add(number, f.Requests, f.Errors, &f.Latency)
		}
		to.keep(stands, where)
	}
	for key, v := range c.Services {
		to := s.services[key]
		addService(&to.sum, v)
		if recent {
			to.days.add(number, v.Requests, v.Errors, &v.Latency)
		}
		to.keep(stands, where)
	}
	for key, d := range c.Deliveries {
		to := s.deliveries[key]
		to.sum.Merge(d)
		to.held = true
	}
	for key, n := range c.Reach {
		to := s.reach[key]
		to.sum += n
		to.held = true
	}
	for reason, n := range c.Lost {
		s.lost[reason] += n
	}
}

// mergeFlow adds all but latency and operations.
func mergeFlow(to, f *traffic.Flow) {
	added := *f
	added.Latency, added.Operations = traffic.Sketch{}, nil
	to.Merge(&added)
}

// addFlow adds all but the latency, without changing what is added.
func addFlow(to, f *traffic.Flow) {
	mergeFlow(to, f)
	for name, operation := range f.Operations {
		to.AddOperation(name, operation.Requests, operation.Errors)
	}
}

func addService(to, s *traffic.Service) {
	added := *s
	added.Latency = traffic.Sketch{}
	to.Merge(&added)
}

func (k *kept) keep(stands bool, where string) {
	k.where = together(k.held, k.where, where)
	k.held = true
	k.stands = k.stands || stands
}

// standing says whether what a writer counted does not age.
func (s *source) standing(writer string) bool {
	name, ok := strings.CutPrefix(writer, prefixReplaced)
	return ok && s.stands[name]
}

// placeOf is where a person finds what the writer counted: its file.
func placeOf(writer string, stands bool) string {
	if !stands {
		return ""
	}
	return strings.TrimPrefix(writer, prefixReplaced)
}

// together is the place of two things: the file, or the folder around two.
func together(held bool, a, b string) string {
	switch {
	case !held || a == b:
		return b
	case a == "" || b == "":
		return a + b
	}
	folder := a // of two files nothing is below the one; else it may be the folder around some already
	for b != folder && !strings.HasPrefix(b, strings.TrimSuffix(folder, "/")+"/") {
		parent := path.Dir(folder)
		if parent == folder {
			return ""
		}
		folder = parent
	}
	return folder
}

// close sums up a set that is final, and forgets it. Its rows are known by their sequences from now on.
func (s *source) close(id setID, t *set) {
	for part, p := range t.pieces {
		s.sum(t, &p.counts, s.recentDay())
		s.putSummed(id, part, p.sequence)
	}
	s.forget(id, t)
}

func (s *source) forget(id setID, t *set) {
	delete(s.sets, id)
	s.inSets -= int64(t.bytes())
	if s.current[t.hour] == t {
		delete(s.current, t.hour)
	}
	if t.own() {
		s.pending -= t.weight()
	}
}

// recentDay is the first day of what counts as recent.
func (s *source) recentDay() traffic.Hour {
	return max(day(hourOf(s.newest.Time())), 1) - 1
}
