package graph

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// WriteExport writes everything a snapshot holds as one JSON document, the `orrery export` of the public contract: all
// evidence, stale edges too, every relation once in its forward direction, and the needs that follow by way of topics
// (their via is set). It is written as it goes, one entity, edge or source a line, in the order of Ref.
func WriteExport(w io.Writer, s *Snapshot) error {
	e := newExporter(w)
	e.text("{\"revision\": ")
	e.value(s.Revision())
	e.text(",\n\"entities\": [")
	writeList(e, s.exportedEntities())
	e.text("],\n\"edges\": [")
	writeList(e, s.exportedEdges())
	e.text("],\n\"sources\": [")
	writeList(e, s.exportedSources())
	e.text("]}\n")
	return e.flush()
}

// WriteExportLines writes what [WriteExport] does as JSON lines, each an object with one field: revision, entity, edge or
// source.
func WriteExportLines(w io.Writer, s *Snapshot) error {
	e := newExporter(w)
	writeLines(e, "revision", slices.Values([]Revision{s.Revision()}))
	writeLines(e, "entity", s.exportedEntities())
	writeLines(e, "edge", s.exportedEdges())
	writeLines(e, "source", s.exportedSources())
	return e.flush()
}

// exporter remembers the first error, so that the writing reads straight on.
type exporter struct {
	w       *bufio.Writer
	encoder *json.Encoder
	err     error
}

func newExporter(w io.Writer) *exporter {
	e := &exporter{w: bufio.NewWriterSize(w, 1<<16)}
	e.encoder = json.NewEncoder(trimmed{e.w})
	e.encoder.SetEscapeHTML(false)
	return e
}

// trimmed drops the line end that the encoder puts behind each value.
type trimmed struct{ w io.Writer }

func (t trimmed) Write(p []byte) (int, error) {
	if n := len(p) - 1; n >= 0 && p[n] == '\n' {
		written, err := t.w.Write(p[:n])
		return written + 1, err
	}
	return t.w.Write(p)
}

func (e *exporter) text(s string) {
	if e.err == nil {
		_, e.err = e.w.WriteString(s)
	}
}

func (e *exporter) value(v any) {
	if e.err == nil {
		e.err = e.encoder.Encode(v)
	}
}

func (e *exporter) flush() error {
	if e.err != nil {
		return e.err
	}
	return e.w.Flush()
}

func writeList[T any](e *exporter, values iter.Seq[T]) {
	separator := "\n"
	for value := range values {
		e.text(separator)
		e.value(value)
		if separator = ",\n"; e.err != nil {
			return
		}
	}
}

func writeLines[T any](e *exporter, name string, values iter.Seq[T]) {
	for value := range values {
		e.text("{\"" + name + "\":")
		e.value(value)
		if e.text("}\n"); e.err != nil {
			return
		}
	}
}

// orNull is a text that is null where it is not known.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func known(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type exportedEntity struct {
	Ref         catalog.Ref     `json:"ref"`
	Kind        string          `json:"kind"`
	Namespace   string          `json:"namespace"`
	Name        string          `json:"name"`
	Title       *string         `json:"title"`
	Description *string         `json:"description"`
	Owner       *string         `json:"owner"`
	Lifecycle   *string         `json:"lifecycle"`
	Stale       bool            `json:"stale"`
	Placeholder bool            `json:"placeholder"`
	Discovered  bool            `json:"discovered"`
	Found       bool            `json:"found"`
	EntryPoint  *bool           `json:"entryPoint"` // whether requests enter here: null until traffic tells
	Aliases     []catalog.Alias `json:"aliases"`
}

type exportedEdge struct {
	From            catalog.Ref        `json:"from"`
	To              catalog.Ref        `json:"to"`
	Type            string             `json:"type"`
	Strength        *string            `json:"strength"`
	Behaves         *string            `json:"behaves"` // the strength learned from traffic
	AnyOf           *string            `json:"anyOf"`
	Role            *string            `json:"role"`
	Via             *string            `json:"via"`
	Protocol        *string            `json:"protocol"`
	Environment     *string            `json:"environment"`
	Stale           bool               `json:"stale"`
	Fallback        *string            `json:"fallback"`
	CallsPerRequest *float64           `json:"callsPerRequest"`
	Timeout         *string            `json:"timeout"` // such as "300ms"
	Evidence        []exportedEvidence `json:"evidence"`
}

type exportedEvidence struct {
	Kind        string     `json:"kind"`
	Source      *string    `json:"source"`
	Location    *string    `json:"location"`
	Line        *int32     `json:"line"`
	Environment *string    `json:"environment"`
	Stale       bool       `json:"stale"`
	FirstSeen   *time.Time `json:"firstSeen"`
	LastSeen    *time.Time `json:"lastSeen"`
	Requests    *int64     `json:"requests"`
	Errors      *int64     `json:"errors"`
	Commit      *string    `json:"commit"` // at which the location was read
	URL         *string    `json:"url"`    // a link to the line at that commit
}

type exportedSource struct {
	ID    string           `json:"id"`
	Kind  string           `json:"kind"`
	State SourceState      `json:"state"`
	Error *string          `json:"error"`
	Lost  map[string]int64 `json:"lost"`
}

func (s *Snapshot) exportedEntities() iter.Seq[exportedEntity] {
	return func(yield func(exportedEntity) bool) {
		for entity := range s.Entities("") {
			if !yield(exportEntity(entity)) {
				return
			}
		}
	}
}

func exportEntity(entity *catalog.Entity) exportedEntity {
	exported := exportedEntity{
		Ref: entity.Ref, Kind: entity.Kind, Namespace: entity.Namespace, Name: entity.Name, Title: orNull(entity.Title),
		Description: orNull(entity.Description), Owner: orNull(string(entity.Owner)), Lifecycle: orNull(entity.Lifecycle),
		Stale: entity.Stale, Placeholder: entity.Placeholder, Discovered: entity.Discovered, Found: entity.Found,
		EntryPoint: IsEntryPoint(entity), Aliases: make([]catalog.Alias, len(entity.Aliases)),
	}
	for i, alias := range entity.Aliases {
		exported.Aliases[i] = alias.Alias
	}
	return exported
}

// IsEntryPoint says whether requests enter at an entity; nil where it was not traced.
func IsEntryPoint(entity *catalog.Entity) *bool {
	if entity.Entry == catalog.EntryUnknown {
		return nil
	}
	is := entity.Entry == catalog.EntryPoint
	return &is
}

// exportedEdges yields relations and needs by way of topics, by from, to, type, environment and via.
func (s *Snapshot) exportedEdges() iter.Seq[exportedEdge] {
	return func(yield func(exportedEdge) bool) {
		for entity := range s.Entities("") {
			a := s.find(entity.Ref)
			row := s.exportedVias(a)
			for i := range s.relations.at(a).out {
				row = append(row, s.exportEdge(&s.relations.at(a).out[i]))
			}
			slices.SortFunc(row, func(x, y exportedEdge) int {
				return cmp.Or(cmp.Compare(x.To, y.To), cmp.Compare(x.Type, y.Type),
					cmp.Compare(known(x.Environment), known(y.Environment)), cmp.Compare(known(x.Via), known(y.Via)))
			})
			for _, edge := range row {
				if !yield(edge) {
					return
				}
			}
		}
	}
}

// exportedVias lists the needs of a for producers, by way of topics, one for each producer, topic and environment. Where both
// were only seen at the topic, it must have been seen that messages of the one came to the other: failures pass anyway, but
// who exports a map exports no guesses.
func (s *Snapshot) exportedVias(a node) []exportedEdge {
	var vias []exportedEdge
	seen := map[[3]string]bool{}
	row := s.needsOf(a)
	for i := len(row) - 1; i >= 0 && row[i].attr&attrToHub != 0; i-- {
		hub := row[i].to
		consumer := s.edge(a, hub, row[i].edge)
		for _, need := range s.needsOf(hub) {
			producer := s.edge(hub, need.to, need.edge)
			environment := cmp.Or(consumer.Environment, producer.Environment)
			elsewhere := consumer.Environment != "" && producer.Environment != "" && consumer.Environment != producer.Environment
			key := [3]string{string(producer.From), string(consumer.To), environment}
			if need.to == a || elsewhere || seen[key] {
				continue
			}
			if isSeenAlone(consumer) && isSeenAlone(producer) && !s.isDelivered(consumer, producer) {
				continue
			}
			seen[key] = true
			vias = append(vias, exportedEdge{
				From: consumer.From, To: producer.From, Type: catalog.DependsOn.String(),
				Strength: orNull(catalog.Async.String()), Via: orNull(string(consumer.To)), Environment: orNull(environment),
				Stale: consumer.Stale || producer.Stale, Evidence: s.exportVia(consumer, producer),
			})
		}
	}
	return vias
}

// isSeenAlone says whether a relation is known from traffic and nothing else.
func isSeenAlone(edge *catalog.Edge) bool {
	return !slices.ContainsFunc(edge.Evidence, func(e catalog.Evidence) bool { return e.Flow == 0 })
}

// isDelivered says whether messages were seen to come from the producer to the consumer by their topic.
func (s *Snapshot) isDelivered(consumer, producer *catalog.Edge) bool {
	return slices.ContainsFunc(flowEnvironments(consumer), func(environment string) bool {
		return s.Delivered(environment, consumer, producer) != nil
	})
}

func (s *Snapshot) exportEdge(edge *catalog.Edge) exportedEdge {
	exported := exportedEdge{
		From: edge.From, To: edge.To, Type: edge.Type.String(), Strength: orNull(edge.Strength.String()),
		AnyOf: orNull(edge.AnyOf), Role: orNull(edge.Role.String()), Environment: orNull(edge.Environment), Stale: edge.Stale,
		Behaves: orNull(s.Behaves(edge).String()), Evidence: s.exportEvidence(edge.Evidence, true),
	}
	if d := edge.Details; d != nil {
		exported.Fallback = orNull(d.Fallback)
		if d.CallsPerRequest != 0 && !math.IsNaN(d.CallsPerRequest) && !math.IsInf(d.CallsPerRequest, 0) {
			exported.CallsPerRequest = &d.CallsPerRequest
		}
		if d.Timeout != 0 {
			exported.Timeout = orNull(d.Timeout.String())
		}
		exported.Protocol = orNull(d.Protocol)
	}
	return exported
}

// exportVia is the evidence of a need by way of a topic: that of its two relations, whose numbers are those of the topic, and
// the messages that went all the way, where they were seen to.
func (s *Snapshot) exportVia(consumer, producer *catalog.Edge) []exportedEvidence {
	exported := append(s.exportEvidence(consumer.Evidence, false), s.exportEvidence(producer.Evidence, false)...)
	for _, environment := range flowEnvironments(consumer) {
		if delivered := s.Delivered(environment, consumer, producer); delivered != nil {
			exported = append(exported, exportedEvidence{
				Kind: catalog.Observed.String(), Environment: orNull(environment),
				FirstSeen: timeOrNull(delivered.First.Time()), LastSeen: timeOrNull(delivered.Last.Time()),
				Requests: rounded(delivered.Messages),
			})
		}
	}
	return exported
}

// exportEvidence lists evidence in its order, each place once, with what was counted of all flows there.
func (s *Snapshot) exportEvidence(list []catalog.Evidence, counted bool) []exportedEvidence {
	exported := []exportedEvidence{}
	for flows := range EvidencePlaces(list) {
		exported = append(exported, s.exportPlace(flows, counted))
	}
	return exported
}

// exportPlace unites what was seen of several flows at one place.
func (s *Snapshot) exportPlace(flows []catalog.Evidence, counted bool) exportedEvidence {
	first := &flows[0]
	e := exportedEvidence{Kind: first.Kind.String()}
	if first.Line > 0 {
		e.Line = &first.Line
	}
	if origin := first.Origin; origin != nil {
		e.Source, e.Location = orNull(origin.Source), orNull(origin.Location)
		e.Environment = orNull(origin.Environment)
		e.URL = orNull(origin.Version.URL(first.Line))
		if origin.Version != nil {
			e.Commit = orNull(origin.Version.Commit)
		}
	}
	seen, last, stale := s.PlaceSeen(flows)
	e.FirstSeen, e.LastSeen, e.Stale = timeOrNull(seen), timeOrNull(last), stale
	if sum := s.trafficOf(flows); sum != nil && counted {
		e.Requests, e.Errors = rounded(sum.Requests), rounded(sum.Errors)
	}
	return e
}

func rounded(count float64) *int64 {
	whole := int64(math.Round(min(count, 1<<53)))
	return &whole
}

func (s *Snapshot) exportedSources() iter.Seq[exportedSource] {
	return func(yield func(exportedSource) bool) {
		for _, source := range s.sources {
			exported := exportedSource{
				ID: source.ID, Kind: source.Kind, State: source.State, Error: orNull(source.Error), Lost: s.Lost(&source),
			}
			if !yield(exported) {
				return
			}
		}
	}
}
