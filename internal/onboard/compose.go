package onboard

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// composition is what docker-compose files say, which is how developers run the whole.
type composition struct {
	file     string
	services []*composed // by name
}

// composed is a service of a compose file.
type composed struct {
	name    string
	file    string
	line    int
	built   string // the folder that its image is built from; "" = it is not
	image   string
	depends []string // sorted
	values  []setting
}

// setting is a value of configuration with where it stands. It is only looked at for the names of hosts.
type setting struct {
	name, value string
	file        string
	line        int
}

func (s *setting) place() string {
	return fmt.Sprintf("%s in %s:%d", oneLine(s.name, 60), s.file, s.line)
}

var composeFile = regexp.MustCompile(`^(docker-)?compose([.-][\w.-]+)?\.ya?ml$`)

const (
	maxComposeFiles = 10
	maxComposed     = 200
)

// readCompose reads the compose files at the root and one folder below. The first that names a service counts.
func (d *drafter) readCompose() composition {
	var c composition
	read := 0
	known := make(map[string]bool)
	for _, file := range byDepth(d.tree.files) {
		if !composeFile.MatchString(path.Base(file)) || depth(path.Dir(file)) > 2 || read >= maxComposeFiles {
			continue
		}
		read++
		for _, s := range readComposeFile(d.tree.content(file), file) {
			if !known[s.name] && len(c.services) < maxComposed {
				known[s.name] = true
				c.services = append(c.services, s)
				if c.file == "" {
					c.file = file
				}
			}
		}
	}
	slices.SortFunc(c.services, func(a, b *composed) int { return strings.Compare(a.name, b.name) })
	return c
}

// byDepth are files with those nearer to the root first.
func byDepth(files []string) []string {
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	return sorted
}

func readComposeFile(data []byte, file string) []*composed {
	var root yaml.Node
	if data == nil || yaml.Unmarshal(data, &root) != nil || len(root.Content) == 0 {
		return nil
	}
	var found []*composed
	for key, value := range pairs(field(root.Content[0], "services")) {
		if len(found) >= maxComposed || value.Kind != yaml.MappingNode {
			continue
		}
		s := &composed{name: key.Value, file: file, line: key.Line, image: text(field(value, "image"))}
		if build := field(value, "build"); build != nil {
			context := text(build)
			if build.Kind == yaml.MappingNode {
				context = text(field(build, "context"))
				if dockerfile := text(field(build, "dockerfile")); strings.Contains(dockerfile, "/") && path.Clean("/"+context) == "/" {
					context = path.Join(context, path.Dir(dockerfile)) // the context is the whole, the program is where its image is described
				}
			}
			if s.built = path.Join(path.Dir(file), context); strings.HasPrefix(s.built, "..") || strings.Contains(context, "://") {
				s.built = ""
			}
		}
		depends := make(map[string]bool)
		for _, name := range []string{"depends_on", "links"} {
			for item := range items(field(value, name)) {
				service, _, _ := strings.Cut(item.Value, ":")
				depends[service] = true
			}
		}
		s.depends = slices.Sorted(maps.Keys(depends))
		for item, inner := range items(field(value, "environment")) {
			name, content := item.Value, text(inner)
			if inner == nil {
				name, content, _ = strings.Cut(item.Value, "=")
			}
			s.values = append(s.values, setting{name, content, file, item.Line})
		}
		found = append(found, s)
	}
	return found
}

// runtimeName is what a compose file calls what is built from a folder; "" = nothing, or several names.
func (d *drafter) runtimeName(dir string) string {
	name := ""
	for _, s := range d.compose.services {
		if s.built == dir && !strings.Contains(s.name, "test") { // what only tests it is not it
			if name != "" {
				return ""
			}
			name = legal(s.name)
		}
	}
	return name
}

// of are the services of a compose file that a component is.
func (c composition) of(one *component, only bool) []*composed {
	var found []*composed
	for _, s := range c.services {
		switch {
		case s.built != "" && (s.built == one.Folder || only):
			found = append(found, s)
		case s.built == "" && s.image != "" && !isPublic(s.image) && one.called[legal(path.Base(imageName(s.image)))]:
			found = append(found, s)
		case s.built != "" && one.called[legal(s.name)]:
			found = append(found, s)
		}
	}
	return found
}
