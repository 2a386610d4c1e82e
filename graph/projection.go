package graph

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/catalog"
)

// ProjectionScheme is the number of the scheme that [Snapshot.Projection] follows. Another number means that whatever was
// written by it has to be written anew.
const ProjectionScheme = 3

// Properties are what is written of a node or relation. Values are string, int64, float64, bool, time.Time, time.Duration
// or []string; what is unknown is absent. Texts are valid UTF-8, and cut as in the history ([MaxRecordedBytes]).
type Properties map[string]any

// ProjectedEntity is one entity as it is written for people who ask a graph database: the node, and each relation that
// follows from what is stated of the entity itself. A relation is written with exactly one entity, so that what a change
// costs is what it touches, however many others a System has for parts or a topic for consumers.
type ProjectedEntity struct {
	ID         string // as [ProjectedID] gives it
	Kind       string // the kind as a label: ASCII letters and digits, "Component"; of a custom kind none of ReservedLabels
	Properties Properties
	Relations  []ProjectedRelation // by Type, From, To, Key; no two have all four in common
	// Hash is over everything above and the scheme: equal hashes mean that nothing has to be written.
	Hash string
}

// ProjectedRelation is one relation as it is written.
type ProjectedRelation struct {
	Type       string // one of the Written constants
	From, To   ProjectedEnd
	Key        string // tells apart what has the same type between the same two
	Properties Properties

	counted *countedEdge // nil = it is no call that was seen in traffic
}

// ProjectedEnd is an entity, or all who publish to one topic.
type ProjectedEnd struct {
	ID string // of the entity, or of the topic
	// Publishers marks the node that stands for whoever publishes to the topic: its consumers need it, and it needs the
	// publishers. So a topic has as many relations as members, and no publisher's failure reaches another publisher.
	Publishers bool
}

// The types of written relations. All but WrittenDependsOn say what is stated; that one also says what follows for
// failures: see [ProjectedRelation].
const (
	WrittenDependsOn = "DEPENDS_ON"
	WrittenConsumes  = "CONSUMES"
	WrittenProvides  = "PROVIDES"
	WrittenPartOf    = "PART_OF"
	WrittenOwnedBy   = "OWNED_BY"
	WrittenMemberOf  = "MEMBER_OF"
	WrittenRunsOn    = "RUNS_ON"
)

// WrittenTypes lists the types of written relations, sorted.
func WrittenTypes() []string {
	return []string{
		WrittenConsumes, WrittenDependsOn, WrittenMemberOf, WrittenOwnedBy, WrittenPartOf, WrittenProvides, WrittenRunsOn,
	}
}

// IsTurned says whether the relation is written with the entity at its end, not with the one at its start: a System needs
// its part because of what the part states.
func (r *ProjectedRelation) IsTurned() bool {
	relation, _ := r.Properties["relation"].(string)
	return r.Type == WrittenDependsOn && (r.From.Publishers || slices.Contains(TurnedRelations(), relation))
}

// TurnedRelations are the stated relations, as the property relation names them, from which a need the other way follows.
func TurnedRelations() []string {
	return []string{catalog.PartOf.String(), catalog.ProvidesAPI.String()}
}

// Projection is what is written of an entity; nil where there is none.
func (s *Snapshot) Projection(ref catalog.Ref) *ProjectedEntity {
	a := s.find(ref)
	if a < 0 {
		return nil
	}
	entity := s.entity(a)
	p := &ProjectedEntity{ID: ProjectedID(string(ref)), Kind: kindName(ref.Kind()), Properties: entityProperties(entity)}
	row := s.relations.at(a).out
	p.Relations = make([]ProjectedRelation, 0, len(row))
	for i := range row {
		if target := s.find(row[i].To); target >= 0 {
			first := len(p.Relations)
			p.Relations = appendProjected(p.Relations, &row[i], s.kind(target))
			s.setCounted(p.Relations[first:], &row[i])
		}
	}
	slices.SortFunc(p.Relations, func(x, y ProjectedRelation) int { return x.compare(&y) })
	p.Hash = p.hash()
	return p
}

func (r *ProjectedRelation) compare(other *ProjectedRelation) int {
	return cmp.Or(cmp.Compare(r.Type, other.Type), r.From.compare(other.From), r.To.compare(other.To), cmp.Compare(r.Key, other.Key))
}

func (e ProjectedEnd) compare(other ProjectedEnd) int {
	if e.Publishers != other.Publishers {
		return cmp.Compare(strconv.FormatBool(e.Publishers), strconv.FormatBool(other.Publishers))
	}
	return cmp.Compare(e.ID, other.ID)
}

// maxIDBytes keeps an identifier well below what an index takes.
const maxIDBytes = 1000

// ProjectedID is the text that stands for a Ref, or another name that must stay apart from all others: the name itself,
// unless it is very long or no valid UTF-8; then as much of it as can be written and a hash of all.
func ProjectedID(name string) string {
	if len(name) <= maxIDBytes && utf8.ValidString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return text(name) + "#" + hex.EncodeToString(sum[:16])
}

// text is a text as it is written.
func text(s string) string { return cutValue(strings.ToValidUTF8(s, "\uFFFD")) }

// kindName makes one word of a kind: "data-product" becomes "DataProduct".
func kindName(kind string) string {
	known := catalog.KindSpelling(kind)
	if known != kind {
		return known
	}
	var name strings.Builder
	starts := true
	for _, r := range kind {
		switch {
		case r >= 'a' && r <= 'z' && starts:
			name.WriteRune(r - 'a' + 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && name.Len() > 0:
			name.WriteRune(r)
		case r >= '0' && r <= '9':
			name.WriteString("Kind")
			name.WriteRune(r)
		default:
			starts = true
			continue
		}
		if starts = false; name.Len() >= 60 {
			break
		}
	}
	switch {
	case name.Len() == 0:
		return "Custom"
	case slices.Contains(ReservedLabels(), name.String()):
		return name.String() + "Kind"
	}
	return name.String()
}

// ReservedLabels are the labels of nodes in a graph database that are no kinds.
func ReservedLabels() []string {
	return []string{"Entity", "Publishers", "Source", "Claim", "State", "Store", "Revision", "FieldChange", "Lease"}
}

func entityProperties(e *catalog.Entity) Properties {
	p := Properties{
		"ref": ProjectedID(string(e.Ref)), "kind": text(cmp.Or(e.Kind, catalog.KindSpelling(e.Ref.Kind()))),
		"name": text(cmp.Or(e.Name, e.Ref.Name())), "namespace": text(cmp.Or(e.Namespace, e.Ref.Namespace())),
		"placeholder": e.Placeholder, "discovered": e.Discovered, "found": e.Found, "stale": e.Stale,
	}
	p.text("title", e.Title)
	p.text("description", e.Description)
	p.text("lifecycle", e.Lifecycle)
	p.text("type", e.Type)
	if e.Owner != "" {
		p["owner"] = ProjectedID(string(e.Owner))
	}
	p.number("tier", e.Tier())
	p["tags"] = texts(e.Tags)
	aliases := make([]string, len(e.Aliases))
	for i, alias := range e.Aliases {
		aliases[i] = string(alias.Alias)
	}
	p["aliases"] = texts(aliases)
	contacts := catalog.OnCallOf(&e.Descriptor)
	onCall := make([]string, len(contacts))
	for i, contact := range contacts {
		onCall[i] = contact.Kind + ":" + contact.Target
	}
	p["onCall"] = texts(onCall)
	p["runbooks"] = texts(catalog.RunbooksOf(&e.Descriptor))
	if e.Profile != nil {
		p.text("displayName", e.Profile.DisplayName)
		p.text("email", e.Profile.Email)
	}
	if e.SLO != nil {
		p.float("slo", e.SLO.Availability)
		p.duration("sloWindow", e.SLO.Window)
	}
	if e.Capacity != nil {
		p.float("capacity", e.Capacity.RequestsPerSecond)
	}
	factProperties(p, e.Facts)
	if e.Origin != nil {
		p.text("source", e.Origin.Source)
		p.text("location", e.Origin.Location)
	}
	p.number("line", int(e.Line))
	p.time("firstSeen", e.FirstSeen.Time())
	p.time("lastSeen", e.LastSeen.Time())
	return p
}

// factProperties are what is written of facts: what stays the same while replicas come and go.
func factProperties(p Properties, f *catalog.Facts) {
	if f == nil {
		return
	}
	if w := f.Workload; w != nil {
		p.text("cluster", w.Cluster)
		p.text("controller", w.Kind)
		p.text("workload", w.Name)
		p.text("version", w.Version)
		var images, services, hosts []string
		for i := range w.Containers {
			images = append(images, w.Containers[i].Image)
		}
		for i := range f.Services {
			services = append(services, f.Services[i].Namespace+"/"+f.Services[i].Name)
		}
		for i := range f.Routes {
			hosts = append(hosts, f.Routes[i].Hosts...)
		}
		p["images"], p["services"], p["hosts"] = texts(distinct(images)), texts(services), texts(distinct(hosts))
	}
	if n := f.Node; n != nil {
		p.text("cluster", n.Cluster)
		p.text("node", n.Name)
		p.text("zone", n.Zone)
		p.text("region", n.Region)
	}
}

// maxTexts is how many texts one list has at most.
const maxTexts = 100

// texts is a list as it is written: there even where nothing is in it.
func texts(all []string) []string {
	list := make([]string, min(len(all), maxTexts))
	for i := range list {
		list[i] = text(all[i])
	}
	return list
}

func (p Properties) text(name, value string) {
	if value != "" {
		p[name] = text(value)
	}
}

func (p Properties) number(name string, value int) {
	if value != 0 {
		p[name] = int64(value)
	}
}

func (p Properties) float(name string, value float64) {
	if value != 0 && !math.IsNaN(value) && !math.IsInf(value, 0) {
		p[name] = value
	}
}

func (p Properties) duration(name string, value time.Duration) {
	if value != 0 {
		p[name] = value
	}
}

func (p Properties) time(name string, value time.Time) {
	if !value.IsZero() {
		p[name] = value.UTC().Truncate(time.Microsecond)
	}
}

// hash is over all that is written. The length before each piece keeps pieces apart.
func (p *ProjectedEntity) hash() string {
	sum := sha256.New()
	w := hashWriter{sum, make([]byte, 0, 64)}
	w.number(ProjectionScheme)
	w.text(p.Kind)
	w.properties(p.Properties)
	for i := range p.Relations {
		r := &p.Relations[i]
		w.text(r.Type)
		for _, end := range [...]ProjectedEnd{r.From, r.To} {
			w.value(end.Publishers)
			w.text(end.ID)
		}
		w.text(r.Key)
		w.properties(r.Properties)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Hash tells whether two sets of properties are the same.
func (p Properties) Hash() string {
	sum := sha256.New()
	w := hashWriter{sum, make([]byte, 0, 64)}
	w.properties(p)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// hashWriter writes to what cannot fail: a hash takes everything.
type hashWriter struct {
	hash.Hash
	buffer []byte
}

func (w *hashWriter) number(n int64) {
	w.buffer = binary.AppendVarint(w.buffer[:0], n)
	_, _ = w.Write(w.buffer)
}

func (w *hashWriter) text(s string) {
	w.number(int64(len(s)))
	_, _ = io.WriteString(w.Hash, s)
}

func (w *hashWriter) properties(p Properties) {
	w.number(int64(len(p)))
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.text(name)
		w.value(p[name])
	}
}

func (w *hashWriter) value(value any) {
	switch v := value.(type) {
	case string:
		w.number(1)
		w.text(v)
	case int64:
		w.number(2)
		w.number(v)
	case float64:
		w.number(3)
		w.number(int64(math.Float64bits(v)))
	case bool:
		w.number(4)
		w.text(strconv.FormatBool(v))
	case time.Time:
		w.number(5)
		w.number(v.UnixMicro())
	case time.Duration:
		w.number(6)
		w.number(int64(v))
	case []string:
		w.number(7)
		w.number(int64(len(v)))
		for _, s := range v {
			w.text(s)
		}
	default: // no property has another type
		w.text(fmt.Sprint(v))
	}
}
