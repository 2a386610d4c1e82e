package edges

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// mention is a host that stands somewhere in the configuration of a workload.
type mention struct {
	hosts.Reference
	name    string // of the variable or key that the host stands under; "" = none
	field   string // path in the workload's object
	initial bool   // in a container that must end before the others start
	file    bool   // in a mounted file
	list    list   // what the host stands together with, where others may have the same; zero = nothing
}

// list is what hosts stand together in: a ConfigMap that is taken as a whole, one file of it, or what was chosen one by one.
type list struct {
	chosen    bool // single keys, or values of the workload's own variables; the rest is zero
	configMap inventory.Key
	file      string // key of the ConfigMap; "" = all of them
	path      string // at which the file is mounted
	image     string // of the container, without its version
}

// reader reads the configuration of one workload.
type reader struct {
	in       *inference
	w        *inventory.Workload
	mentions []mention
}

// container is what is known of a container while it is read.
type container struct {
	*corev1.Container
	path    string
	initial bool
	values  map[string]string // of variables, as far as they are known
	off     []string          // features that are switched off
}

func (r *reader) read() []mention {
	spec := &r.w.Template.Spec
	root := "spec"
	if r.w.TemplatePath != "" {
		root = r.w.TemplatePath + ".spec"
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		r.container(c, fmt.Sprintf("%s.initContainers[%d]", root, i), !sidecar)
	}
	for i := range spec.Containers {
		r.container(&spec.Containers[i], fmt.Sprintf("%s.containers[%d]", root, i), false)
	}
	return r.mentions
}

func (r *reader) container(of *corev1.Container, path string, initial bool) {
	c := &container{Container: of, path: path, initial: initial, values: make(map[string]string)}
	from := len(r.mentions)
	for i := range c.EnvFrom {
		r.envFrom(c, i)
	}
	for i := range c.Env {
		r.variable(c, i)
	}
	r.words(c, c.Command, "command")
	r.words(c, c.Args, "args")
	r.files(c)
	r.labelled(c)
	kept := r.mentions[:from]
	for _, m := range r.mentions[from:] {
		if !hosts.Disabled(m.name, c.off) {
			kept = append(kept, m)
		}
	}
	r.mentions = kept
}

func (r *reader) add(c *container, m mention) {
	m.initial = c.initial
	r.mentions = append(r.mentions, m)
}

// envFrom reads the variables of a whole ConfigMap. A later one, or one of the container's own, takes the place of another.
func (r *reader) envFrom(c *container, i int) {
	source := c.EnvFrom[i].ConfigMapRef
	if source == nil {
		return
	}
	o, m := r.configMap(source.Name)
	if m == nil {
		return
	}
	l := list{configMap: o.Key}
	for _, key := range keys(m) {
		name := c.EnvFrom[i].Prefix + key
		if c.overrides(name) || noise(name, "") {
			continue
		}
		c.off = append(c.off, m.Off[key]...)
		r.references(c, mention{name: name, field: fmt.Sprintf("%s.envFrom[%d]", c.path, i), list: l}, m.Hosts[key])
		c.know(name, m.Hosts[key])
	}
}

// overrides says whether a variable of envFrom is replaced by one of env.
func (c *container) overrides(name string) bool {
	return slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name })
}

// references adds what was found under a key, that may have another name here.
func (r *reader) references(c *container, m mention, found []hosts.Reference) {
	judged := hosts.Unnamed
	if !m.file {
		judged = hosts.Judge(m.name)
	}
	if judged == hosts.NamesNone {
		return
	}
	for _, reference := range found {
		m.Reference = reference
		if judged != hosts.Unnamed && (reference.Whole || reference.Named == hosts.Unnamed) {
			m.Named = judged
		}
		r.add(c, m)
	}
}

func (r *reader) configMap(name string) (*inventory.Object, *inventory.ConfigMap) {
	o := r.in.inv.Get(inventory.ConfigMaps, r.w.Object.Namespace, name)
	if o == nil {
		return nil, nil
	}
	m, _ := o.Value.(*inventory.ConfigMap)
	return o, m
}

// know remembers the value of a variable of which only the host is known.
func (c *container) know(name string, found []hosts.Reference) {
	delete(c.values, name)
	if len(found) != 1 || !found[0].Whole {
		return
	}
	value := found[0].Host
	if found[0].Port != 0 {
		value += ":" + strconv.Itoa(int(found[0].Port))
	}
	c.values[name] = value
}

// variable reads one variable of env.
func (r *reader) variable(c *container, i int) {
	v := &c.Env[i]
	field := fmt.Sprintf("%s.env[%d]", c.path, i)
	switch {
	case v.ValueFrom == nil:
		value := c.expand(r.in, v.Value)
		c.values[v.Name] = value
		if noise(v.Name, value) {
			return
		}
		c.off = append(c.off, hosts.Off(v.Name, value)...)
		for _, reference := range hosts.Extract(v.Name, value) {
			r.add(c, mention{Reference: reference, name: v.Name, field: field + ".value", list: list{chosen: true}})
		}
	case v.ValueFrom.ConfigMapKeyRef != nil:
		ref := v.ValueFrom.ConfigMapKeyRef
		delete(c.values, v.Name)
		_, m := r.configMap(ref.Name)
		if m == nil || noise(v.Name, "") {
			return
		}
		c.off = append(c.off, m.Off[ref.Key]...)
		r.references(c, mention{name: v.Name, field: field + ".valueFrom.configMapKeyRef", list: list{chosen: true}}, m.Hosts[ref.Key])
		c.know(v.Name, m.Hosts[ref.Key])
	case v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
		c.values[v.Name] = r.w.Object.Namespace
	default:
		delete(c.values, v.Name)
	}
}

// noise says whether a variable is one that Kubernetes gives to every container for every Service, here written down by
// somebody or something: it holds an address.
func noise(name, value string) bool {
	if strings.HasPrefix(name, "KUBERNETES_") {
		return true
	}
	injected := strings.HasSuffix(name, "_SERVICE_HOST") || strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_SERVICE_PORT") ||
		strings.Contains(name, "_TCP") || strings.Contains(name, "_UDP")
	if !injected {
		return false
	}
	value = value[strings.Index(value, "://")+1:]
	host, _, _ := strings.Cut(strings.TrimPrefix(value, "//"), ":")
	_, err := netip.ParseAddr(strings.TrimPrefix(host, "/"))
	return err == nil
}

// expand replaces $(NAME) as the kubelet does: $$(NAME) stays, and so does what is not known.
func (c *container) expand(in *inference, value string) string {
	if !strings.Contains(value, "$(") || len(value) > maxExpanded {
		return value
	}
	var b strings.Builder
	for b.Len() < maxExpanded {
		before, rest, ok := strings.Cut(value, "$")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, closed := "", "", false
		if strings.HasPrefix(rest, "(") {
			name, after, closed = strings.Cut(rest[1:], ")")
		}
		known := ""
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			value = rest[1:]
			continue
		case closed:
			known, closed = c.values[name], true
			if _, has := c.values[name]; !has {
				known, closed = in.injected(name)
			}
		}
		if !closed {
			b.WriteByte('$')
			value = rest
			continue
		}
		b.WriteString(known)
		value = after
	}
	return b.String()
}

// maxExpanded is the length of the longest value, in bytes, in which variables are replaced: longer than any that Linux
// gives to a program.
const maxExpanded = 128 << 10

// words reads a command or its arguments. What follows --flag belongs to it.
func (r *reader) words(c *container, words []string, part string) {
	plain := make([]string, 0, len(words)+1)
	first := 0
	flush := func() {
		if len(plain) > 0 {
			r.text(c, strings.Join(plain, " "), fmt.Sprintf("%s.%s[%d]", c.path, part, first))
		}
		plain = plain[:0]
	}
	for i, word := range words {
		word = c.expand(r.in, word)
		if strings.ContainsAny(word, " \n\t") {
			flush()
			r.text(c, word, fmt.Sprintf("%s.%s[%d]", c.path, part, i))
			continue
		}
		if len(plain) == 0 {
			if first = i; part == "args" && len(c.Command) > 0 && i == 0 {
				plain = append(plain, commandOf(c.Command))
			}
		}
		plain = append(plain, word)
	}
	flush()
}

// commandOf is the command that arguments in another field belong to.
func commandOf(command []string) string {
	if last := command[len(command)-1]; !strings.ContainsAny(last, " \n\t") {
		return strings.Join(command, " ")
	}
	return ""
}

func (r *reader) text(c *container, text, field string) {
	c.off = append(c.off, hosts.Off("", text)...)
	for _, reference := range hosts.Extract("", text) {
		r.add(c, mention{Reference: reference, field: field})
	}
}

// files reads the ConfigMaps that are mounted into a container.
func (r *reader) files(c *container) {
	if dataStore(c.Image) {
		return
	}
	for i, mount := range c.VolumeMounts {
		field := fmt.Sprintf("%s.volumeMounts[%d]", c.path, i)
		for _, volume := range r.w.Template.Spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			if source := volume.ConfigMap; source != nil {
				r.mounted(c, field, mount, source.Name, source.Items)
			}
			if volume.Projected == nil {
				continue
			}
			for _, source := range volume.Projected.Sources {
				if source.ConfigMap != nil {
					r.mounted(c, field, mount, source.ConfigMap.Name, source.ConfigMap.Items)
				}
			}
		}
	}
}

// labelled reads the ConfigMaps that the sidecar of Grafana looks for by a label, and hands to it as data sources.
func (r *reader) labelled(c *container) {
	label := c.values["LABEL"]
	if !strings.Contains(c.Image, "k8s-sidecar") || !strings.Contains(label, "datasource") {
		return
	}
	for o := range r.in.inv.List(inventory.ConfigMaps, r.w.Object.Namespace) {
		if _, has := o.Value.GetLabels()[label]; has {
			r.mounted(c, c.path+".env", corev1.VolumeMount{}, o.Name, nil)
		}
	}
}

// mounted reads the keys of a ConfigMap that a mount shows: those that the volume names, or all, or the one at subPath.
func (r *reader) mounted(c *container, field string, mount corev1.VolumeMount, name string, items []corev1.KeyToPath) {
	o, m := r.configMap(name)
	if m == nil {
		return
	}
	shown := func(key string) bool {
		path := key
		if len(items) > 0 {
			at := slices.IndexFunc(items, func(item corev1.KeyToPath) bool { return item.Key == key })
			if at < 0 {
				return false
			}
			path = items[at].Path
		}
		return mount.SubPath == "" || path == mount.SubPath || strings.HasPrefix(path, strings.TrimSuffix(mount.SubPath, "/")+"/")
	}
	for _, key := range keys(m) {
		if shown(key) {
			l := list{configMap: o.Key, file: key, path: mount.MountPath, image: imageName(c.Image)}
			r.references(c, mention{name: key, field: field, file: true, list: l}, m.Hosts[key])
		}
	}
}

// dataStore says whether an image is the stock one of a data store, which reads no configuration of applications.
func dataStore(image string) bool {
	image = imageName(image)
	switch image[strings.LastIndexByte(image, '/')+1:] {
	case "redis", "memcached", "mongo", "mongodb", "mysql", "mariadb", "postgres", "postgresql", "rabbitmq", "valkey", "percona",
		"cassandra", "all-in-one":
		return true
	}
	return false
}

// imageName is an image without its version.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// keys are those of a ConfigMap, sorted.
func keys(m *inventory.ConfigMap) []string { return slices.Sorted(maps.Keys(m.Hosts)) }
