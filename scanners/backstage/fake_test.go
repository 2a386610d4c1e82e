package backstage_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/backstage"
)

// fake is a Backstage backend: the part of its catalog API that an import asks, over a catalog that can change. It lists
// by the id of entities, as the real one does.
type fake struct {
	token     string // that is wanted; "" = none
	noQuery   bool   // a backend from before entities/by-query and entity-facets
	uncounted bool   // answers without the total, as some do
	unindexed string // a kind that the index of kinds lacks

	mu       sync.Mutex
	entities map[string]object // by uid
	requests []string          // paths and queries, in order
	// before runs ahead of each answer, with the number of the request from 1; true = it has answered.
	before func(n int, w http.ResponseWriter, r *http.Request) bool
}

type object = map[string]any

func newFake(entities ...object) *fake {
	f := &fake{entities: make(map[string]object)}
	for _, e := range entities {
		f.put(e)
	}
	return f
}

// put registers an entity under its uid; without one, under an id that follows from its name.
func (f *fake) put(e object) {
	metadata := e["metadata"].(object)
	if metadata["uid"] == nil {
		metadata["uid"] = fmt.Sprintf("uid-%v-%v", e["kind"], metadata["name"])
	}
	f.entities[metadata["uid"].(string)] = e
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// component is an entity as a backend answers it.
func component(name string, change ...func(metadata, spec object)) object {
	return entity("Component", name, object{"type": "service", "lifecycle": "production", "owner": "payments"}, change...)
}

func entity(kind, name string, spec object, change ...func(metadata, spec object)) object {
	metadata := object{
		"name": name, "namespace": "default", "etag": "e-" + name,
		"annotations": object{
			"backstage.io/managed-by-location":        "url:https://github.com/acme/" + name + "/blob/main/catalog-info.yaml",
			"backstage.io/managed-by-origin-location": "url:https://github.com/acme/all/blob/main/all.yaml",
		},
	}
	for _, c := range change {
		c(metadata, spec)
	}
	return object{"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
}

// RoundTrip answers without a network.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.ServeHTTP(recorder, r)
	}()
	select {
	case <-done:
		response := recorder.Result()
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, strings.TrimPrefix(r.URL.RequestURI(), "/api/catalog/"))
	n, before := len(f.requests), f.before
	f.mu.Unlock()
	if before != nil && before(n, w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token {
		failed(w, http.StatusUnauthorized, "Missing credentials")
		return
	}
	query := r.URL.Query()
	switch path := strings.TrimPrefix(r.URL.Path, "/api/catalog/"); {
	case path == "entities/by-query" && !f.noQuery:
		f.byQuery(w, query)
	case path == "entities":
		f.list(w, query)
	case path == "entity-facets" && !f.noQuery:
		counts := make(map[string]int)
		for _, e := range f.fitting(query["filter"]) {
			if kind := e["kind"].(string); kind != f.unindexed {
				counts[kind]++
			}
		}
		kinds := []object{}
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			kinds = append(kinds, object{"value": kind, "count": counts[kind]})
		}
		answer(w, object{"facets": object{"kind": kinds}})
	default:
		failed(w, http.StatusNotFound, "")
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(value)
}

func failed(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	if message != "" {
		_ = json.NewEncoder(w).Encode(object{"error": object{"name": "SomeError", "message": message}})
	}
}

// place is what a cursor holds.
type place struct {
	Filter []string
	After  string
	Total  int
}

func (f *fake) byQuery(w http.ResponseWriter, query map[string][]string) {
	var at place
	if cursor := query["cursor"]; cursor != nil {
		data, err := base64.StdEncoding.DecodeString(cursor[0])
		if err != nil || json.Unmarshal(data, &at) != nil {
			failed(w, http.StatusBadRequest, "Malformed cursor")
			return
		}
	} else {
		at = place{Filter: query["filter"], Total: len(f.fitting(query["filter"]))}
	}
	rest := slices.DeleteFunc(f.fitting(at.Filter), func(e object) bool { return uid(e) <= at.After })
	limit, pageInfo := limitOf(query), object{}
	if len(rest) > limit {
		if rest = rest[:limit]; limit > 0 {
			data, _ := json.Marshal(place{at.Filter, uid(rest[limit-1]), at.Total})
			pageInfo["nextCursor"] = base64.StdEncoding.EncodeToString(data)
		}
	}
	page := object{"items": project(rest, query["fields"]), "pageInfo": pageInfo, "totalItems": at.Total}
	if f.uncounted {
		delete(page, "totalItems")
	}
	answer(w, page)
}

// list pages by counting, in the order of refs.
func (f *fake) list(w http.ResponseWriter, query map[string][]string) {
	all := f.fitting(query["filter"])
	slices.SortFunc(all, func(a, b object) int { return cmp.Compare(refOf(a), refOf(b)) })
	offset, _ := strconv.Atoi(query["offset"][0])
	all = all[min(offset, len(all)):]
	all = all[:min(limitOf(query), len(all))]
	answer(w, project(all, nil))
}

func limitOf(query map[string][]string) int {
	limit, err := strconv.Atoi(query["limit"][0])
	if err != nil {
		return 20
	}
	return limit
}

// fitting are the entities that one of the filters fits, by uid.
func (f *fake) fitting(filters []string) []object {
	var found []object
	for _, id := range slices.Sorted(maps.Keys(f.entities)) {
		e := f.entities[id]
		if len(filters) == 0 || slices.ContainsFunc(filters, func(filter string) bool { return fits(e, filter) }) {
			found = append(found, e)
		}
	}
	return found
}

func fits(e object, filter string) bool {
	wanted := make(map[string][]string)
	for _, term := range strings.Split(filter, ",") {
		key, value, _ := strings.Cut(term, "=")
		wanted[key] = append(wanted[key], strings.ToLower(value))
	}
	for key, values := range wanted {
		if !slices.Contains(values, strings.ToLower(fmt.Sprint(at(e, key)))) {
			return false
		}
	}
	return true
}

func at(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := value.(object)
		value = m[key]
	}
	return value
}

func project(entities []object, fields []string) []object {
	if fields == nil {
		return append([]object{}, entities...)
	}
	out := []object{}
	for _, e := range entities {
		kept := object{}
		for field := range strings.SplitSeq(fields[0], ",") {
			value := at(e, field)
			parent, name, below := strings.Cut(field, ".")
			switch {
			case value == nil:
			case !below:
				kept[parent] = value
			default:
				if kept[parent] == nil {
					kept[parent] = object{}
				}
				kept[parent].(object)[name] = value
			}
		}
		out = append(out, kept)
	}
	return out
}

func uid(e object) string { return e["metadata"].(object)["uid"].(string) }

func refOf(e object) string {
	return strings.ToLower(fmt.Sprintf("%v:%v/%v", e["kind"], at(e, "metadata.namespace"), at(e, "metadata.name")))
}

// scanner imports from the fake.
func (f *fake) scanner(t testing.TB, config backstage.Config) *backstage.Scanner {
	t.Helper()
	config.URL = cmp.Or(config.URL, "http://backstage.test")
	if config.Transport == nil {
		config.Transport = f
	}
	scanner, err := backstage.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return scanner
}
