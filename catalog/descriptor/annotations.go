package descriptor

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog"
)

// The annotations in which a person states the names that other worlds have for an entity.
const (
	annotationAliases     = "orrery.dev/aliases"      // any aliases
	annotationOTelService = "orrery.dev/otel-service" // [namespace/]service
	annotationHosts       = "orrery.dev/hosts"        // host names
	annotationSlug        = "github.com/project-slug" // owner/repository
)

// ownAnnotations are those of Orrery; others below orrery.dev/ are misspelt.
var ownAnnotations = []string{
	catalog.AnnotationTier, annotationAliases, annotationOTelService, annotationHosts, "orrery.dev/oncall",
	"orrery.dev/runbook",
}

// foreignAnnotations are well-known annotations by spellings that are seen and have no effect.
var foreignAnnotations = map[string]string{
	"pagerduty/service-id":      "pagerduty.com/service-id",
	"pagerduty/integration-key": "pagerduty.com/integration-key",
	"github/project-slug":       "github.com/project-slug",
	"backstage/techdocs-ref":    "backstage.io/techdocs-ref",
	"backstage/kubernetes-id":   annotationKubernetesID,
}

func (d *document) readAnnotations(annotations *yaml.Node) {
	if typeOf(annotations) != object {
		return
	}
	for i := 0; i < len(annotations.Content); i += 2 {
		key := annotations.Content[i]
		name := keyText(key)
		path := keyPath("metadata.annotations", name)
		if right := foreignAnnotations[name]; right != "" {
			d.warn(key.Line, path, CodeMisspeltField, quote(name)+" has no effect", "write "+right)
			continue
		}
		if strings.HasPrefix(name, "orrery.dev/") && !slices.Contains(ownAnnotations, name) {
			fix := "use one of " + strings.Join(ownAnnotations, ", ")
			if near := nearest(name, ownAnnotations); near != "" {
				fix = "write " + near
			}
			d.warn(key.Line, path, CodeMisspeltField, quote(name)+" has no effect", fix)
			continue
		}
		value := d.filled(annotations.Content[i+1], path)
		if value == opaque || typeOf(value) != str {
			continue
		}
		switch name {
		case catalog.AnnotationTier:
			if tier := strings.TrimSpace(value.Value); len(tier) != 1 || tier < "1" || tier > "4" {
				d.doubt(value, path, `"1", "2", "3" or "4"`, "1 is most critical, 4 least")
			}
		case annotationAliases:
			d.stateAliases(value, path, "")
		case annotationOTelService:
			d.stateAliases(value, path, catalog.WorldOTel)
		case annotationHosts:
			d.stateAliases(value, path, catalog.WorldHost)
		case annotationSlug:
			d.stateSlug(value, path)
		case annotationKubernetesID, annotationKubernetesSelector, annotationKubernetesNamespace:
			d.readKubernetes(name, value, path)
		}
	}
}

// stateAliases reads names, separated by commas or white space or written as a YAML list; each is an alias, or a name of
// the given world.
func (d *document) stateAliases(value *yaml.Node, path, world string) {
	for _, name := range listed(value.Value) {
		stated := name
		if world != "" && !strings.HasPrefix(name, world+":") {
			if world == catalog.WorldHost {
				name = bareHost(name)
			}
			stated = world + ":" + name
		}
		alias, err := catalog.ParseAlias(stated)
		if err != nil {
			d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s: %v", quote(name), err), "mend or remove the name")
			continue
		}
		d.addAlias(alias, value.Line)
	}
}

// stateSlug takes owner/repository. A slug that is none, such as that of a template, says nothing.
func (d *document) stateSlug(value *yaml.Node, path string) {
	alias, err := catalog.ParseAlias(catalog.WorldRepository + ":github.com/" + strings.TrimSpace(value.Value))
	if err != nil || strings.Count(string(alias), "/") != 2 {
		d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s is no GitHub project", quote(value.Value)),
			"write owner/repository")
		return
	}
	d.addAlias(alias, value.Line)
}

func (d *document) addAlias(alias catalog.Alias, line int) {
	if d.stated[alias] {
		return
	}
	if d.stated == nil {
		d.stated = map[catalog.Alias]bool{}
	}
	d.stated[alias] = true
	d.aliases = append(d.aliases, catalog.AliasClaim{Alias: alias, Line: d.at(line)})
}

// listed takes a list apart that stands in one text.
func listed(s string) []string {
	trimmed := strings.TrimSpace(s)
	if strings.HasPrefix(trimmed, "[") || strings.HasPrefix(trimmed, "- ") {
		if root, _, failure := decode(text{bytes: []byte(s), line: 1}); failure == nil && root != nil && typeOf(root) == list {
			var names []string
			for _, item := range root.Content {
				if item = resolve(item); typeOf(item) == str && item.Value != "" {
					names = append(names, strings.TrimSpace(item.Value))
				}
			}
			return names
		}
	}
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// bareHost takes the host out of a URL, since people paste those.
func bareHost(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s, _, _ = strings.Cut(rest, "/")
	}
	return s
}
