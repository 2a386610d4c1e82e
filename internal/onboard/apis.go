package onboard

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// maxAPIs is how many descriptions of interfaces are drafted as entities.
const maxAPIs = 30

var (
	apiFile     = regexp.MustCompile(`(?i)(openapi|swagger|asyncapi|^api[-_.]?(docs|spec|v\d+)?)[^/]*\.(ya?ml|json)$`)
	protoFile   = regexp.MustCompile(`(?i)\.proto$`)
	graphFile   = regexp.MustCompile(`(?i)^schema\.graphqls?$`)
	protoServes = regexp.MustCompile(`(?m)^\s*service\s+([A-Za-z_]\w*)\s*\{`)
	graphServes = regexp.MustCompile(`(?m)^\s*(extend\s+)?type\s+Query\b`)
	// ofOthers are folders with copies of the interfaces of others.
	ofOthers = regexp.MustCompile(`(?i)(^|/)(clients?|generated|gen|external|third[-_]party|vendored|mocks?|googleapis|google|contracts)(/|$)`)
)

// described is a file that describes an interface.
type described struct {
	file, sort, title string
	services          []string // of a proto file
}

// findAPIs drafts the interfaces that the repository describes, of those who provide them.
func (d *drafter) findAPIs() error {
	var found []described
	for _, file := range d.tree.files {
		if ofOthers.MatchString(path.Dir(file)) || len(found) >= 4*maxAPIs {
			continue
		}
		if api, ok := d.readAPI(file); ok {
			found = append(found, api)
		}
	}
	var whose []*component
	counts := make(map[*component]int)
	for i := range found {
		c := d.provider(&found[i])
		whose = append(whose, c)
		counts[c]++
	}
	taken := make(map[string]bool)
	for i := range found {
		if c := whose[i]; c != nil && len(d.apis) < maxAPIs {
			if err := d.provide(c, &found[i], counts[c] == 1, taken); err != nil {
				return err
			}
		}
	}
	return nil
}

// readAPI tells whether a file describes an interface, by its content.
func (d *drafter) readAPI(file string) (described, bool) {
	base := path.Base(file)
	switch {
	case apiFile.MatchString(base):
		data := d.tree.content(file)
		var head struct {
			OpenAPI  any `yaml:"openapi"`
			Swagger  any `yaml:"swagger"`
			AsyncAPI any `yaml:"asyncapi"`
			Info     struct {
				Title string `yaml:"title"`
			} `yaml:"info"`
		}
		if data == nil || !bytes.Contains(data, []byte("info")) {
			return described{}, false
		}
		if path.Ext(base) == ".json" {
			var object map[string]any
			if json.Unmarshal(data, &object) != nil {
				return described{}, false
			}
			head.OpenAPI, head.Swagger, head.AsyncAPI = object["openapi"], object["swagger"], object["asyncapi"]
			if info, ok := object["info"].(map[string]any); ok {
				head.Info.Title, _ = info["title"].(string)
			}
		} else if yaml.Unmarshal(data, &head) != nil {
			return described{}, false
		}
		switch {
		case head.OpenAPI != nil || head.Swagger != nil:
			return described{file: file, sort: "openapi", title: head.Info.Title}, true
		case head.AsyncAPI != nil:
			return described{file: file, sort: "asyncapi", title: head.Info.Title}, true
		}
	case protoFile.MatchString(base):
		var services []string
		for _, m := range protoServes.FindAllSubmatch(d.tree.content(file), -1) {
			services = append(services, string(m[1]))
		}
		return described{file: file, sort: "grpc", services: services}, len(services) > 0
	case graphFile.MatchString(base):
		return described{file: file, sort: "graphql"}, graphServes.Match(d.tree.content(file))
	}
	return described{}, false
}

// provider is the component that an interface is of: the nearest around its file that serves, or the one that a service of
// the file is called after. Files of services of others are copied everywhere, so a proto file must be alone or be named so.
func (d *drafter) provider(api *described) *component {
	var nearest *component
	for _, c := range d.components {
		if below(api.file, c.Folder) && (nearest == nil || depth(c.Folder) > depth(nearest.Folder)) {
			nearest = c
		}
	}
	for _, c := range d.components {
		for _, service := range api.services {
			name := legal(strings.ToLower(service))
			if plain := strings.ReplaceAll(c.Name.Text, "-", ""); name == plain || strings.TrimSuffix(name, "service") == strings.TrimSuffix(plain, "service") {
				return c
			}
		}
	}
	if nearest == nil || nearest.Type.Text == "website" {
		return nil
	}
	if api.sort == "grpc" && (len(d.components) > 1 && nearest.Folder == "." || len(api.services) > 1 || !d.isOnlyProto(api.file, nearest.Folder)) {
		return nil
	}
	return nearest
}

func (d *drafter) isOnlyProto(file, folder string) bool {
	return !slices.ContainsFunc(d.tree.files, func(other string) bool {
		return other != file && protoFile.MatchString(other) && below(other, folder)
	})
}

func (d *drafter) provide(c *component, api *described, only bool, taken map[string]bool) error {
	name := Value{Text: trimTo(strings.TrimSuffix(c.Name.Text, "-api"), maxName-4) + "-api", Reason: "the API of " + c.Name.Text}
	if !only {
		base := strings.TrimSuffix(path.Base(api.file), path.Ext(api.file))
		own := legal(base)
		if api.title != "" {
			own = legal(api.title)
		}
		name = Value{Text: own, Reason: "the title of the API, or the name of its file"}
		if own == "" || generic[own] || own == "openapi" || own == "swagger" || own == "asyncapi" || taken[own] {
			name.Text = legal(trimTo(c.Name.Text, 40) + "-" + legal(base))
		}
	}
	for n := 2; taken[name.Text] || name.Text == ""; n++ {
		name.Text = legal(trimTo(c.Name.Text, 50)) + "-api-" + string(rune('0'+n%10))
		if n > 9 {
			return nil
		}
	}
	taken[name.Text] = true
	c.ProvidesAPIs = append(c.ProvidesAPIs, Value{Text: name.Text, Reason: "it is described in " + api.file})
	if d.asked != nil {
		k, err := d.asked.Find(d.ctx, string(catalog.NewRef(catalog.KindAPI, "", name.Text)))
		if err != nil {
			return err
		}
		if k.described() {
			d.note("%s is described in %s: see whether that is the same API", short(k.Ref), orNowhere(k.Location))
			return nil
		}
	}
	document := &Document{
		Kind: catalog.KindAPI, Folder: c.Folder, Name: name, Type: Value{Text: api.sort, Reason: "the content of " + api.file},
		Lifecycle: c.Lifecycle, Owner: c.Owner, System: c.System,
		Definition: Value{Text: "./" + api.file, Reason: "the file is read by those who show the API"},
	}
	for _, v := range []*Value{&document.Lifecycle, &document.Owner, &document.System} {
		v.asOf(c)
	}
	if title := oneLine(api.title, maxTitle); title != "" && legal(title) != name.Text {
		document.Title = Value{Text: title, Reason: "the title in " + api.file}
	}
	d.apis = append(d.apis, document)
	return nil
}

func trimTo(s string, most int) string {
	return strings.TrimRight(s[:min(len(s), most)], "-_")
}
