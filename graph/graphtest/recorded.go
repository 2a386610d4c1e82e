package graphtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// CheckRecorded judges the records of the history between two states: they must tell exactly what a slow look at the
// exports of both finds, each difference once. It shares nothing with the code that makes records.
func CheckRecorded(was, is *graph.Snapshot, records []graph.FieldChange) error {
	before, err := recordedThings(was)
	if err != nil {
		return err
	}
	after, err := recordedThings(is)
	if err != nil {
		return err
	}
	want := recordedDifferences(before, after)
	for _, record := range records {
		told := difference{string(record.Ref), record.Field, record.Old, record.New}
		i := slices.IndexFunc(want, func(d difference) bool { return d.isTold(told) })
		if i < 0 {
			return fmt.Errorf("revision %d: the history tells %+v, which is no difference; not told yet are %+v", is.Revision(), told,
				want[:min(len(want), 5)])
		}
		want = slices.Delete(want, i, i+1)
	}
	if len(want) > 0 {
		return fmt.Errorf("revision %d: the history leaves out %+v", is.Revision(), want[:min(len(want), 5)])
	}
	return nil
}

// difference is one field of one entity that differs.
type difference struct{ ref, field, old, now string }

// opaque marks a value of which only is looked at whether it differs: how it is written is the history's own business.
const opaque = "\x00opaque "

func (d difference) isTold(told difference) bool {
	same := func(want, got string) bool {
		if strings.HasPrefix(want, opaque) {
			return true
		}
		cut, short := strings.CutSuffix(got, "…")
		return want == got || short && len(want) > graph.MaxRecordedBytes && len(got) > graph.MaxRecordedBytes-8 && strings.HasPrefix(want, cut)
	}
	return d.ref == told.ref && d.field == told.field && same(d.old, told.old) && same(d.now, told.now)
}

// recordedThing is an entity as far as the history tells of it.
type recordedThing struct {
	standing string
	stale    bool
	fields   map[string]string
	aliases  map[string]string       // the rule by alias
	edges    map[recordedEdge]string // what is said of each
	freshly  map[recordedEdge]string // the same without its staleness
	isStale  map[recordedEdge]bool
}

type recordedEdge struct{ relation, to, environment string }

func recordedDifferences(before, after map[string]*recordedThing) []difference {
	var found []difference
	refs := make(map[string]bool)
	for ref := range before {
		refs[ref] = true
	}
	for ref := range after {
		refs[ref] = true
	}
	for ref := range refs {
		a, b := before[ref], after[ref]
		switch {
		case a == nil:
			found = append(found, difference{ref, "", "", b.standing})
			continue
		case b == nil:
			found = append(found, difference{ref, "", a.standing, ""})
			continue
		case a.standing != b.standing:
			found = append(found, difference{ref, "", a.standing, b.standing})
		default:
			found = append(found, differentFields(ref, a, b)...)
		}
		found = append(found, differentEdges(ref, a, b)...)
	}
	return found
}

func differentFields(ref string, a, b *recordedThing) []difference {
	var found []difference
	fields := maps.Clone(a.fields)
	maps.Copy(fields, b.fields)
	for field := range fields {
		if a.fields[field] != b.fields[field] {
			found = append(found, difference{ref, field, a.fields[field], b.fields[field]})
		}
	}
	aliases := maps.Clone(a.aliases)
	maps.Copy(aliases, b.aliases)
	text := func(alias, rule string) string {
		if rule == "" {
			return ""
		}
		return alias + " (" + rule + ")"
	}
	for alias := range aliases {
		if a.aliases[alias] != b.aliases[alias] {
			found = append(found, difference{ref, "aliases", text(alias, a.aliases[alias]), text(alias, b.aliases[alias])})
		}
	}
	return found
}

func differentEdges(ref string, a, b *recordedThing) []difference {
	var found []difference
	edges := maps.Clone(a.edges)
	maps.Copy(edges, b.edges)
	for edge := range edges {
		old, now := a.edges[edge], b.edges[edge]
		switch {
		case edge.relation == "runsOn":
			continue
		case edge.relation == "ownedBy" && (a.fields["owner"] == edge.to || b.fields["owner"] == edge.to):
			continue // told by the owner
		case old == "" && a.standing != b.standing && b.standing == graph.StandingDescribed:
			continue // it came with the description
		case now == "" && a.standing != b.standing && a.standing == graph.StandingDescribed:
			continue // it went with the description
		case old != "" && now != "" && a.isStale[edge] == a.stale && b.isStale[edge] == b.stale:
			old, now = a.freshly[edge], b.freshly[edge] // that it is stale is told by the entity
		}
		if old != now {
			found = append(found, difference{ref, edge.relation + " " + edge.to, old, now})
		}
	}
	return found
}

// recordedThings reads an export, and beside it what the export has no room for.
func recordedThings(s *graph.Snapshot) (map[string]*recordedThing, error) {
	var text bytes.Buffer
	if err := graph.WriteExport(&text, s); err != nil {
		return nil, err
	}
	var export struct{ Entities, Edges []map[string]any }
	if err := json.Unmarshal(text.Bytes(), &export); err != nil {
		return nil, err
	}
	things := make(map[string]*recordedThing)
	for _, e := range export.Entities {
		thing := &recordedThing{
			standing: graph.StandingDescribed, stale: e["stale"] == true, fields: map[string]string{}, aliases: map[string]string{},
			edges: map[recordedEdge]string{}, freshly: map[recordedEdge]string{}, isStale: map[recordedEdge]bool{},
		}
		if e["placeholder"] == true {
			thing.standing = graph.StandingPlaceholder
		} else if e["discovered"] == true {
			thing.standing = graph.StandingDiscovered
		} else if e["found"] == true {
			thing.standing = graph.StandingFound
		}
		for _, field := range []string{"kind", "namespace", "name", "title", "description", "owner", "lifecycle", "stale"} {
			thing.fields[field] = shownValue(e[field])
		}
		entity, err := s.Entity(catalog.Ref(e["ref"].(string)))
		if err != nil {
			return nil, err
		}
		thing.describe(entity)
		things[e["ref"].(string)] = thing
	}
	for _, e := range export.Edges {
		if e["via"] == nil {
			things[e["from"].(string)].relate(e)
		}
	}
	return things, nil
}

// describe adds what an export leaves out.
func (thing *recordedThing) describe(entity *catalog.Entity) {
	for _, alias := range entity.Aliases {
		thing.aliases[string(alias.Alias)] = string(alias.MatchedBy)
	}
	thing.fields["type"], thing.fields["tags"] = entity.Type, strings.Join(entity.Tags, ", ")
	for i, hint := range entity.OwnerHints {
		if i > 0 {
			thing.fields["suggestedOwners"] += ", "
		}
		thing.fields["suggestedOwners"] += hint.Name
	}
	if entity.Origin != nil {
		thing.fields["source"] = strings.TrimSpace(entity.Origin.Source + " " + entity.Origin.Location)
	}
	for prefix, values := range map[string]map[string]string{"labels.": entity.Labels, "annotations.": entity.Annotations} {
		for key, value := range values {
			if value == "" {
				value = `""`
			}
			thing.fields[prefix+key] = value
		}
	}
	if entity.Profile != nil {
		thing.fields["profile.displayName"] = entity.Profile.DisplayName
		thing.fields["profile.email"] = entity.Profile.Email
		thing.fields["profile.picture"] = entity.Profile.Picture
	}
	if entity.Facts != nil {
		thing.factsOf(entity.Facts)
	}
	if entity.SLO != nil {
		thing.fields["slo"] = opaque + fmt.Sprint(*entity.SLO)
	}
	if entity.Capacity != nil {
		thing.fields["capacity"] = opaque + fmt.Sprint(*entity.Capacity)
	}
	if len(entity.Links) > 0 {
		thing.fields["links"] = opaque + fmt.Sprintf("%q", entity.Links)
	}
}

// factsOf adds what the history tells of facts. Counts and places are passed over.
func (thing *recordedThing) factsOf(facts *catalog.Facts) {
	set := func(field string, value any) {
		said, _ := json.Marshal(value)
		if !reflect.ValueOf(value).IsZero() && string(said) != "[]" {
			thing.fields[field] = opaque + string(said)
		}
	}
	if w := facts.Workload; w != nil {
		thing.fields["version"] = w.Version
		set("update", w.Recreate)
		set("hostNetwork", w.HostNetwork)
		set("gracePeriod", w.GracePeriod)
		set("spread", w.Spread)
		for _, c := range w.Containers {
			thing.fields["containers."+c.Name+".image"] = c.Image
			set("containers."+c.Name+".role", c.Role)
			set("containers."+c.Name+".ports", c.Ports)
			for name, probe := range map[string]*catalog.Probe{"liveness": c.Liveness, "readiness": c.Readiness, "startup": c.Startup} {
				if probe != nil {
					placeless := *probe
					placeless.Line = 0
					set("containers."+c.Name+"."+name, placeless)
				}
			}
		}
	}
	for _, s := range facts.Services {
		s.ReadyEndpoints, s.Location, s.Line = nil, "", 0
		set("services."+s.Namespace+"/"+s.Name, s)
	}
	for _, r := range facts.Routes {
		r.Location, r.Line = "", 0
		set("routes."+r.Kind+"."+r.Namespace+"/"+r.Name, r)
	}
	for _, a := range facts.Autoscalers {
		set("autoscalers."+a.Name, a)
	}
	for _, b := range facts.Budgets {
		set("budgets."+b.Name, b)
	}
	for _, p := range facts.Probed {
		p.LatencyUnder = 0
		set("probed."+p.Container+"."+strings.ToLower(p.Purpose), p)
	}
	for _, l := range facts.Logs {
		set("logs."+l.Container, l)
	}
	for _, end := range facts.LooseEnds {
		thing.fields["looseEnds."+end.Kind+"."+end.Namespace+"/"+end.Name+"."+end.Code] = end.Code
	}
}

func (thing *recordedThing) relate(e map[string]any) {
	words := []string{"stated"}
	if e["strength"] != nil {
		words[0] = shownValue(e["strength"])
	}
	add := func(prefix, field string) {
		if value := shownValue(e[field]); value != "" {
			words = append(words, prefix+value)
		}
	}
	add("", "role")
	add("any of ", "anyOf")
	add("in ", "environment")
	stale := len(words)
	add("calls ", "callsPerRequest")
	add("timeout ", "timeout")
	add("protocol ", "protocol")
	add("fallback: ", "fallback")
	edge := recordedEdge{e["type"].(string), e["to"].(string), shownValue(e["environment"])}
	thing.freshly[edge] = strings.Join(words, ", ")
	if e["stale"] == true {
		words = slices.Insert(words, stale, "stale")
	}
	thing.edges[edge], thing.isStale[edge] = strings.Join(words, ", "), e["stale"] == true
}

func shownValue(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
