package demo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"
	"time"
)

// Traces is the folder of the recorded traces of the demo company.
const Traces = "traces"

const (
	tracedTime   = 3 * 24 * time.Hour // before the end of the recording
	tracedVisits = 500
	// sampling is the tracestate of one trace in 256: each visit stands for as many.
	sampling = "ot=th:ff"
)

// RecordedTraces are traces of what goes on in the demo company during three days up to a moment, as the file exporter of a
// collector writes them. They are the same for the same moment, and differ only in their times for others.
func RecordedTraces(end time.Time) fs.FS {
	r := &recording{rng: rand.New(rand.NewPCG(20, 26))}
	for i := range tracedVisits {
		at := end.Add(-tracedTime * time.Duration(tracedVisits-i) / tracedVisits)
		r.visit(visits()[pick(r.rng, visits())], at)
	}
	return fstest.MapFS{"week.jsonl": {Data: []byte(r.lines.String()), Mode: 0o444, ModTime: end}}
}

// visit is something that people, or clocks, begin.
type visit struct {
	at     string // service where it begins
	name   string
	weight int
}

func visits() []visit {
	return []visit{
		{at: "storefront-web", name: "GET /", weight: 40},
		{at: "mobile-bff", name: "GET /v2/home", weight: 15},
		{at: "checkout-web", name: "POST /checkout", weight: 25},
		{at: "returns-service", name: "POST /returns", weight: 4},
		{at: "support-desk", name: "GET /customers/{id}", weight: 3},
		{at: "tracking-service", name: "GET /track/{id}", weight: 6},
		{at: "payout-reconciliation", name: "reconcile", weight: 2},
		{at: "supplier-feeds", name: "import", weight: 2},
		{at: "product-admin", name: "PUT /products/{id}", weight: 2},
		{at: "price-scraper", name: "scrape", weight: 3},
	}
}

func pick(rng *rand.Rand, all []visit) int {
	sum := 0
	for _, v := range all {
		sum += v.weight
	}
	n := rng.IntN(sum)
	for i, v := range all {
		if n -= v.weight; n < 0 {
			return i
		}
	}
	return 0
}

// call is what a service does for a request.
type call struct {
	to     string  // a service; or db:system:host/name, host:name, topic:name
	chance float64 // that it does so
	soft   bool    // it goes on where the call fails
	fails  float64 // how often the called fails by itself
	do     string  // operation
}

// calls is what each service does. It is what the catalog files say, but for what docs/demo.md tells.
func calls() map[string][]call {
	const rare, often = 0.002, 0.04
	return map[string][]call{
		"storefront-web": {
			{to: "host:api.fastly.com", chance: 0.1, soft: true, fails: rare, do: "PURGE"},
			{to: "storefront-bff", chance: 1, fails: rare, do: "GET /home"},
			{to: "content-service", chance: 0.6, soft: true, fails: rare, do: "GET /pages/{slug}"},
			{to: "event-collector", chance: 0.9, soft: true, fails: rare, do: "POST /events"},
		},
		"storefront-bff": {
			{to: "cart-service", chance: 0.6, fails: rare, do: "GET /cart"},
			{to: "session-service", chance: 1, fails: rare, do: "GET /session"},
			{to: "product-service", chance: 0.9, fails: rare, do: "GET /products"},
			{to: "pricing-service", chance: 0.9, fails: rare, do: "POST /prices"},
			{to: "search-service", chance: 0.5, fails: rare, do: "GET /search"},
			// Declared SOFT, and yet the page fails with it.
			{to: "recommendation-service", chance: 0.7, fails: often * 3, do: "GET /recommendations"},
			{to: "review-service", chance: 0.3, soft: true, fails: rare, do: "GET /reviews"},
			{to: "wishlist-service", chance: 0.2, soft: true, fails: rare, do: "GET /wishlist"},
			{to: "feature-flags", chance: 1, soft: true, fails: rare, do: "GET /flags"},
		},
		"mobile-bff": {
			{to: "notification-service", chance: 0.2, soft: true, fails: rare, do: "POST /devices"},
			{to: "customer-profile", chance: 0.3, fails: rare, do: "GET /customers/{id}"},
			{to: "api-gateway", chance: 1, fails: rare, do: "POST /token"},
			{to: "product-service", chance: 1, fails: rare, do: "GET /products"},
			{to: "cart-service", chance: 0.5, fails: rare, do: "GET /cart"},
			{to: "search-service", chance: 0.4, fails: rare, do: "GET /search"},
			{to: "checkout-service", chance: 0.2, soft: true, fails: rare, do: "POST /orders"},
		},
		"api-gateway":  {{to: "host:api.fastly.com", chance: 0.1, soft: true, fails: rare, do: "PURGE"}, {to: "identity-service", chance: 1, fails: rare, do: "GET /introspect"}},
		"checkout-web": {{to: "session-service", chance: 1, fails: rare, do: "GET /session"}, {to: "checkout-service", chance: 1, fails: rare, do: "POST /orders"}},
		"checkout-service": {
			{to: "cart-service", chance: 1, fails: rare, do: "GET /cart"},
			{to: "tax-service", chance: 1, fails: rare, do: "POST /tax"},
			{to: "fraud-service", chance: 1, fails: rare, do: "POST /score"},
			// Declared HARD, and yet orders go through without points.
			{to: "loyalty-service", chance: 0.8, soft: true, fails: often * 5, do: "POST /points"},
			{to: "shipping-quotes", chance: 0.9, soft: true, fails: rare, do: "POST /quotes"},
			{to: "address-service", chance: 0.4, soft: true, fails: rare, do: "GET /addresses"},
			{to: "gift-cards", chance: 0.1, soft: true, fails: rare, do: "POST /redeem"},
			// In no catalog file.
			{to: "experimentation", chance: 0.5, soft: true, fails: rare, do: "GET /assignments"},
			{to: "payments", chance: 1, fails: rare, do: "POST /payments"},
			{to: "order-service", chance: 1, fails: rare, do: "POST /orders"},
		},
		"cart-service": {
			{to: "db:redis:cart-redis/0", chance: 1, fails: rare, do: "HGETALL"},
			{to: "pricing-service", chance: 1, fails: rare, do: "POST /prices"},
			{to: "product-service", chance: 0.8, fails: rare, do: "GET /products"},
			{to: "inventory-service", chance: 0.7, soft: true, fails: rare, do: "GET /stock"},
		},
		"pricing-service": {
			{to: "db:postgresql:pricing-db/prices", chance: 1, fails: rare, do: "SELECT"},
			{to: "promotion-service", chance: 0.8, soft: true, fails: rare, do: "GET /promotions"},
			{to: "currency-service", chance: 0.3, soft: true, fails: rare, do: "GET /rates"},
		},
		"currency-service":  {{to: "host:openexchangerates.org", chance: 0.2, soft: true, fails: often, do: "GET"}},
		"promotion-service": {{to: "db:postgresql:promotions-db/promotions", chance: 1, fails: rare, do: "SELECT"}},
		"product-service":   {{to: "topic:product-changed", chance: 0.05}, {to: "db:postgresql:products-db/products", chance: 1, fails: rare, do: "SELECT"}},
		"inventory-service": {{to: "db:postgresql:inventory-db/stock", chance: 1, fails: rare, do: "SELECT"}, {to: "topic:stock-changed", chance: 0.2}},
		"search-service": {
			{to: "db:elasticsearch:search-index/products", chance: 1, fails: rare, do: "search"},
			{to: "ranking-service", chance: 0.9, soft: true, fails: rare, do: "POST /rank"},
			{to: "pricing-service", chance: 0.9, soft: true, fails: rare, do: "POST /prices"},
		},
		"ranking-service": {{to: "db:redis:feature-store/0", chance: 1, fails: rare, do: "MGET"}},
		"recommendation-service": {
			{to: "db:redis:feature-store/0", chance: 1, fails: rare, do: "MGET"}, {to: "product-service", chance: 0.6, fails: rare, do: "GET /products"},
		},
		"review-service":   {{to: "db:postgresql:reviews-db/reviews", chance: 1, fails: rare, do: "SELECT"}, {to: "media-service", chance: 0.3, fails: rare, do: "GET /media"}},
		"wishlist-service": {{to: "db:postgresql:reviews-db/reviews", chance: 1, fails: rare, do: "SELECT"}},
		"content-service":  {{to: "db:redis:content-cache/0", chance: 1, fails: rare, do: "GET"}, {to: "host:cdn.contentful.com", chance: 0.2, soft: true, fails: rare, do: "GET"}},
		"event-collector":  {{to: "topic:clickstream", chance: 1}},
		"feature-flags":    {{to: "db:postgresql:flags-db/flags", chance: 0.1, fails: rare, do: "SELECT"}},
		"session-service":  {{to: "db:redis:session-redis/0", chance: 1, fails: rare, do: "GET"}, {to: "identity-service", chance: 0.1, soft: true, fails: rare, do: "GET /users/{id}"}},
		"identity-service": {{to: "db:postgresql:identity-db/identity", chance: 1, fails: rare, do: "SELECT"}},
		"tax-service":      {{to: "host:rest.avatax.com", chance: 0.7, soft: true, fails: rare, do: "POST"}},
		"fraud-service":    {{to: "db:redis:feature-store/0", chance: 1, fails: rare, do: "MGET"}, {to: "host:api.sift.com", chance: 0.6, soft: true, fails: often, do: "POST"}},
		"loyalty-service":  {{to: "db:postgresql:loyalty-db/points", chance: 1, fails: rare, do: "SELECT"}},
		"shipping-quotes":  {{to: "host:api-eu.dhl.com", chance: 1, soft: true, fails: rare, do: "POST"}, {to: "host:onlinetools.ups.com", chance: 1, soft: true, fails: rare, do: "POST"}},
		"address-service":  {{to: "host:api.addressy.com", chance: 1, fails: rare, do: "GET"}},
		"gift-cards":       {{to: "order-service", chance: 0.5, soft: true, fails: rare, do: "GET /orders/{id}"}},
		"experimentation":  {{to: "db:s3:data-lake/events", chance: 0.1, fails: rare, do: "GetObject"}, {to: "feature-flags", chance: 1, fails: rare, do: "GET /flags"}},
		"payments": {
			{to: "fraud-service", chance: 0.5, soft: true, fails: rare, do: "POST /score"},
			{to: "psp-stripe", chance: 0.6, fails: rare, do: "POST /charges"},
			{to: "psp-adyen", chance: 0.4, fails: rare, do: "POST /payments"},
			{to: "db:postgresql:payments-db/payments", chance: 1, fails: rare, do: "INSERT"},
			{to: "topic:payment-events", chance: 1},
		},
		"psp-stripe": {{to: "host:api.stripe.com", chance: 1, fails: rare, do: "POST"}},
		"psp-adyen":  {{to: "host:checkout-live.adyen.com", chance: 1, fails: rare, do: "POST"}},
		"order-service": {
			{to: "inventory-service", chance: 0.9, fails: rare, do: "POST /reservations"},
			{to: "db:postgresql:orders-db/orders", chance: 1, fails: rare, do: "INSERT"},
			{to: "topic:order-events", chance: 0.9},
		},
		"returns-service": {
			{to: "order-service", chance: 1, fails: rare, do: "GET /orders/{id}"},
			{to: "label-service", chance: 0.8, soft: true, fails: rare, do: "POST /labels"},
			{to: "refund-service", chance: 0.7, soft: true, fails: rare, do: "POST /refunds"},
			{to: "db:postgresql:warehouse-db/parcels", chance: 1, fails: rare, do: "INSERT"},
		},
		"refund-service":        {{to: "returns-service", chance: 0.2, fails: rare, do: "PATCH /returns/{id}"}, {to: "order-service", chance: 1, fails: rare, do: "GET /orders/{id}"}, {to: "payments", chance: 1, fails: rare, do: "POST /refunds"}},
		"label-service":         {{to: "pdf-renderer", chance: 1, fails: rare, do: "POST /render"}},
		"support-desk":          {{to: "refund-service", chance: 0.4, soft: true, fails: rare, do: "POST /refunds"}, {to: "customer-profile", chance: 1, fails: rare, do: "GET /customers/{id}"}, {to: "order-history", chance: 0.9, fails: rare, do: "GET /orders"}},
		"customer-profile":      {{to: "topic:customer-events", chance: 0.3}, {to: "db:postgresql:customers-db/customers", chance: 1, fails: rare, do: "SELECT"}},
		"order-history":         {{to: "db:postgresql:order-history-db/orders", chance: 1, fails: rare, do: "SELECT"}},
		"tracking-service":      {{to: "host:onlinetools.ups.com", chance: 0.4, soft: true, fails: rare, do: "GET"}, {to: "db:postgresql:warehouse-db/parcels", chance: 1, fails: rare, do: "SELECT"}, {to: "host:api-eu.dhl.com", chance: 0.5, soft: true, fails: rare, do: "GET"}},
		"payout-reconciliation": {{to: "host:checkout-live.adyen.com", chance: 1, soft: true, fails: rare, do: "GET"}, {to: "db:postgresql:ledger-db/ledger", chance: 1, fails: rare, do: "SELECT"}, {to: "host:api.stripe.com", chance: 1, soft: true, fails: rare, do: "GET"}},
		"supplier-feeds":        {{to: "db:s3:supplier-drop/feeds", chance: 1, fails: rare, do: "GetObject"}, {to: "product-service", chance: 1, fails: rare, do: "PUT /products/{id}"}},
		// Nobody knows whose it is.
		"price-scraper":          {{to: "product-service", chance: 1, fails: rare, do: "GET /products"}, {to: "host:prices.competitor.example.com", chance: 1, soft: true, fails: often, do: "GET"}},
		"media-service":          {{to: "db:s3:media-bucket/media", chance: 1, fails: rare, do: "GetObject"}},
		"warehouse-loader":       {{to: "db:s3:data-lake/events", chance: 1, fails: rare, do: "PutObject"}},
		"invoice-service":        {{to: "pdf-renderer", chance: 1, soft: true, fails: rare, do: "POST /render"}},
		"newsletter":             {{to: "host:api.sendgrid.com", chance: 1, fails: rare, do: "POST"}, {to: "consent-service", chance: 1, fails: rare, do: "GET /consents"}, {to: "customer-profile", chance: 1, fails: rare, do: "GET /customers/{id}"}},
		"consent-service":        {{to: "db:postgresql:customers-db/customers", chance: 1, fails: rare, do: "SELECT"}},
		"erp-bridge":             {{to: "host:suitetalk.api.netsuite.com", chance: 1, fails: rare, do: "POST"}},
		"finance-reporting":      {{to: "db:s3:data-lake/events", chance: 1, fails: rare, do: "GetObject"}},
		"recommendation-trainer": {{to: "db:s3:data-lake/events", chance: 1, fails: rare, do: "GetObject"}},
		"product-admin":          {{to: "category-service", chance: 1, fails: rare, do: "GET /categories"}, {to: "product-service", chance: 1, fails: rare, do: "PUT /products/{id}"}, {to: "media-service", chance: 0.7, fails: rare, do: "POST /images"}},
		"category-service":       {{to: "db:postgresql:products-db/products", chance: 1, fails: rare, do: "SELECT"}},
		"ledger":                 {{to: "topic:ledger-entries", chance: 1}, {to: "db:postgresql:ledger-db/ledger", chance: 1, fails: rare, do: "INSERT"}},
		"notification-service":   {{to: "email-templates", chance: 1, fails: rare, do: "GET /templates/{id}"}, {to: "host:api.sendgrid.com", chance: 1, fails: rare, do: "POST"}},
		"warehouse-gateway":      {{to: "db:postgresql:warehouse-db/parcels", chance: 1, fails: rare, do: "INSERT"}},
		"search-indexer":         {{to: "db:elasticsearch:search-index/products", chance: 1, fails: rare, do: "bulk"}},
		"shipping-service":       {{to: "host:onlinetools.ups.com", chance: 0.4, fails: rare, do: "POST"}, {to: "label-service", chance: 0.8, fails: rare, do: "POST /labels"}, {to: "host:api-eu.dhl.com", chance: 1, fails: rare, do: "POST"}},
	}
}

// consumers take the messages of a topic.
func consumers() map[string][]string {
	return map[string][]string{
		"payment-events":  {"ledger", "loyalty-service", "invoice-service", "notification-service", "warehouse-loader"},
		"order-events":    {"warehouse-gateway", "notification-service", "order-history", "shipping-service", "erp-bridge", "invoice-service", "warehouse-loader", "recommendation-trainer"},
		"stock-changed":   {"search-indexer"},
		"product-changed": {"search-indexer", "media-service"},
		"customer-events": {"newsletter"},
		"ledger-entries":  {"finance-reporting", "warehouse-loader"},
		"clickstream":     {"warehouse-loader", "recommendation-trainer"},
	}
}

// recording writes traces, one a line.
type recording struct {
	rng   *rand.Rand
	lines strings.Builder
	spans map[string][]span // of the trace under way, by service
}

type span struct {
	TraceID      string      `json:"traceId"`
	SpanID       string      `json:"spanId"`
	ParentSpanID string      `json:"parentSpanId,omitempty"`
	TraceState   string      `json:"traceState"`
	Name         string      `json:"name"`
	Kind         int         `json:"kind"`
	Start        string      `json:"startTimeUnixNano"`
	End          string      `json:"endTimeUnixNano"`
	Attributes   []attribute `json:"attributes"`
	Links        []link      `json:"links,omitempty"`
	Status       status      `json:"status"`
}

type attribute struct {
	Key   string            `json:"key"`
	Value map[string]string `json:"value"`
}

type link struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

type status struct {
	Code int `json:"code"`
}

// The kinds of spans by their numbers in OTLP.
const (
	spanServer   = 2
	spanClient   = 3
	spanProducer = 4
	spanConsumer = 5
)

func attributes(pairs ...string) []attribute {
	var list []attribute
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, attribute{pairs[i], map[string]string{"stringValue": pairs[i+1]}})
	}
	return list
}

func (r *recording) id(bytes int) string {
	id := make([]byte, bytes)
	for i := range id {
		id[i] = byte(r.rng.IntN(256))
	}
	id[0] |= 1 // never all zero
	return hex.EncodeToString(id)
}

func (r *recording) visit(v visit, at time.Time) {
	r.spans = map[string][]span{}
	trace := r.id(16)
	var sent []message
	if v.at == "payout-reconciliation" || v.at == "supplier-feeds" || v.at == "price-scraper" { // a clock begins it
		for _, c := range calls()[v.at] {
			r.call(v.at, c, trace, "", at, &sent)
		}
	} else {
		r.serve(v.at, v.name, trace, "", at, &sent)
	}
	r.flush()
	r.deliver(sent)
}

// message was sent to a topic.
type message struct {
	topic string
	from  link
	at    time.Time
}

// serve writes the span of a request to a service with all that it calls, and tells how long it took and whether it failed.
func (r *recording) serve(service, name, trace, parent string, at time.Time, sent *[]message) (took time.Duration, failed bool) {
	took = time.Duration(1+r.rng.IntN(8)) * time.Millisecond
	id := r.id(8)
	for _, c := range calls()[service] {
		if r.rng.Float64() >= c.chance {
			continue
		}
		spent, bad := r.call(service, c, trace, id, at.Add(took), sent)
		took += spent
		failed = failed || bad && !c.soft
	}
	method, route, _ := strings.Cut(name, " ")
	r.write(service, span{
		TraceID: trace, SpanID: id, ParentSpanID: parent, Name: name, Kind: spanServer,
		Attributes: attributes("http.request.method", method, "http.route", route), Status: statusOf(failed),
	}, at, took)
	return took, failed
}

// call writes the span of a call, and what the called does for it.
func (r *recording) call(service string, c call, trace, parent string, at time.Time, sent *[]message) (took time.Duration, failed bool) {
	id := r.id(8)
	took, failed = time.Duration(1+r.rng.ExpFloat64()*6)*time.Millisecond, r.rng.Float64() < c.fails
	s := span{TraceID: trace, SpanID: id, ParentSpanID: parent, Kind: spanClient, Name: c.do}
	world, rest, isAlias := strings.Cut(c.to, ":")
	switch {
	case !isAlias:
		method, _, _ := strings.Cut(c.do, " ")
		s.Attributes = attributes("http.request.method", method, "server.address", c.to)
		spent, bad := r.serve(c.to, c.do, trace, id, at.Add(time.Millisecond), sent)
		took, failed = spent+2*time.Millisecond, failed || bad
	case world == "db":
		system, place, _ := strings.Cut(rest, ":")
		host, name, _ := strings.Cut(place, "/")
		s.Attributes = attributes("db.system.name", system, "server.address", host, "db.namespace", name, "db.operation.name", c.do)
	case world == "host":
		took *= 15
		s.Attributes = attributes("http.request.method", c.do, "server.address", rest)
	case world == "topic":
		s.Kind, s.Name = spanProducer, "send "+rest
		s.Attributes = attributes("messaging.system", "kafka", "messaging.destination.name", rest, "messaging.operation.type", "send")
		*sent = append(*sent, message{rest, link{trace, id}, at.Add(took)})
	}
	s.Status = statusOf(failed)
	r.write(service, s, at, took)
	return took, failed
}

func (r *recording) consume(service string, m message) {
	r.spans = map[string][]span{}
	trace, id := r.id(16), r.id(8)
	at := m.at.Add(time.Duration(5+r.rng.IntN(200)) * time.Millisecond)
	took := 2 * time.Millisecond
	var sent []message
	for _, c := range calls()[service] {
		if r.rng.Float64() >= c.chance {
			continue
		}
		spent, _ := r.call(service, c, trace, id, at.Add(took), &sent)
		took += spent
	}
	r.write(service, span{
		TraceID: trace, SpanID: id, Name: "process " + m.topic, Kind: spanConsumer, Links: []link{m.from},
		Attributes: attributes("messaging.system", "kafka", "messaging.destination.name", m.topic, "messaging.operation.type", "process"),
	}, at, took)
	r.flush()
	r.deliver(sent)
}

// deliver lets all consumers take the messages.
func (r *recording) deliver(sent []message) {
	for _, m := range sent {
		for _, consumer := range consumers()[m.topic] {
			r.consume(consumer, m)
		}
	}
}

func statusOf(failed bool) status {
	if failed {
		return status{2}
	}
	return status{}
}

func (r *recording) write(service string, s span, at time.Time, took time.Duration) {
	s.TraceState = sampling
	s.Start, s.End = strconv.FormatInt(at.UnixNano(), 10), strconv.FormatInt(at.Add(took).UnixNano(), 10)
	r.spans[service] = append(r.spans[service], s)
}

// flush writes the trace under way as one line.
func (r *recording) flush() {
	var resources []any
	for _, service := range slices.Sorted(maps.Keys(r.spans)) {
		resources = append(resources, map[string]any{
			"resource":   map[string]any{"attributes": attributes("service.name", service)},
			"scopeSpans": []any{map[string]any{"spans": r.spans[service]}},
		})
	}
	line, err := json.Marshal(map[string]any{"resourceSpans": resources})
	if err != nil {
		panic(fmt.Sprintf("the traces of the demo company: %v", err)) // cannot be: texts and numbers
	}
	r.lines.Write(line)
	r.lines.WriteByte('\n')
}
