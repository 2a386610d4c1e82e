package onboard

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

var (
	// exampleEnv are files that tell which variables there are. The real .env is never opened: it holds secrets.
	exampleEnv = regexp.MustCompile(`^(\.?env[._-](example|sample|template|dist|defaults)|(example|sample)[._-]env|\.example\.env)$`)
	valuesFile = regexp.MustCompile(`^values([.-][\w.-]+)?\.ya?ml$`)
	assigned   = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$`)
)

const (
	maxSettings = 5000 // of one file: lines, or nodes of YAML
	maxLine     = 4096 // bytes of a setting
)

// isPart says whether a file belongs to a component: it is the only one, or the nearest around the file.
func (d *drafter) isPart(c *component, file string) bool {
	if d.single {
		return true
	}
	var nearest *component
	for _, other := range d.components {
		if below(file, other.Folder) && (nearest == nil || depth(other.Folder) > depth(nearest.Folder)) {
			nearest = other
		}
	}
	if nearest == c {
		return true
	}
	// A chart beside the code is called after it: charts/checkout/values.yaml.
	return (nearest == nil || nearest.Folder == ".") && c.called[legal(path.Base(path.Dir(file)))]
}

// watches are words in the names of settings for what watches a program: nothing fails without it.
var watches = map[string]bool{
	"otel": true, "otlp": true, "opentelemetry": true, "jaeger": true, "zipkin": true, "tracing": true, "traces": true, "telemetry": true,
	"statsd": true, "datadog": true, "sentry": true, "newrelic": true, "collector": true, "pushgateway": true, "loki": true,
	"honeycomb": true, "apm": true, "pyroscope": true, "profiling": true,
}

func isWatching(setting string) bool {
	return slices.ContainsFunc(hosts.Words(setting), func(word string) bool { return watches[word] })
}

// configuredNeeds are those that files with examples of variables suggest.
func (d *drafter) configuredNeeds(c *component) error {
	for _, file := range d.tree.files {
		if !exampleEnv.MatchString(path.Base(file)) || !d.isPart(c, file) {
			continue
		}
		for i, line := range lines(d.tree.content(file)) {
			m := assigned.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			s := setting{m[1], strings.Trim(m[2], `"'`), file, i + 1}
			if err := d.named(c, &s); err != nil {
				return err
			}
		}
	}
	return nil
}

func lines(data []byte) []string {
	all := strings.Split(string(data), "\n")
	all = all[:min(len(all), maxSettings)]
	for i := range all {
		all[i] = strings.TrimRight(all[i][:min(len(all[i]), maxLine)], "\r")
	}
	return all
}

// chartNeeds are those that Helm charts suggest: by the charts that they bring along, and by the values that they set.
func (d *drafter) chartNeeds(c *component) error {
	for _, file := range d.tree.files {
		dir, name := path.Split(file)
		chart := path.Join(dir, "Chart.yaml")
		if !d.tree.has[chart] || name != "Chart.yaml" && !valuesFile.MatchString(name) || !d.isPart(c, file) {
			continue
		}
		var root yaml.Node
		if yaml.Unmarshal(d.tree.content(file), &root) != nil || len(root.Content) == 0 {
			continue
		}
		if name == "Chart.yaml" {
			if err := d.subcharts(c, root.Content[0], file); err != nil {
				return err
			}
			continue
		}
		left := maxSettings
		if err := d.values(c, root.Content[0], "", file, &left, 0); err != nil {
			return err
		}
	}
	return nil
}

func (d *drafter) subcharts(c *component, chart *yaml.Node, file string) error {
	list := real(field(chart, "dependencies"))
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	for _, item := range list.Content {
		name := text(field(item, "name"))
		kept, ok := storeOfImage(name)
		if !ok {
			continue
		}
		target, err := d.storeFor(c, kept, name, fmt.Sprintf("the chart %s in %s:%d", oneLine(name, 60), file, item.Line))
		if err != nil {
			return err
		}
		c.need(target, fmt.Sprintf("the chart %s is a part of %s:%d", oneLine(name, 60), file, item.Line))
	}
	return nil
}

// values looks at all texts of a values file. Lists of variables have their names beside their values. What a feature has
// that is switched off is passed over.
func (d *drafter) values(c *component, n *yaml.Node, name, file string, left *int, deep int) error {
	if n = real(n); n == nil || deep > maxDepth || *left <= 0 {
		return nil
	}
	*left-- // of whatever kind: aliases make much of little
	switch n.Kind {
	case yaml.ScalarNode:
		if len(n.Value) > maxLine || n.Tag != "!!str" || strings.Contains(n.Value, "{{") {
			return nil
		}
		return d.named(c, &setting{name, n.Value, file, n.Line})
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if err := d.values(c, item, name, file, left, deep+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		if text(field(n, "enabled")) == "false" {
			return nil
		}
		variable, value := text(field(n, "name")), field(n, "value")
		if variable != "" && value != nil {
			return d.values(c, value, variable, file, left, deep+1)
		}
		for key, value := range pairs(n) {
			if hosts.Judge(key.Value) == hosts.NamesNone || key.Value == "image" || key.Value == "ingress" {
				continue
			}
			if err := d.values(c, value, key.Value, file, left, deep+1); err != nil {
				return err
			}
		}
	}
	return nil
}
