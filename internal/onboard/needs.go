package onboard

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// maxNeeds is how many dependencies of one component are drafted.
const maxNeeds = 100

// findNeeds finds what the components need, the surest first: the first reason for a target is the one that is told.
func (d *drafter) findNeeds() error {
	for _, c := range d.components {
		for _, find := range []func(*component) error{d.observed, d.composedNeeds, d.deployedNeeds, d.chartNeeds, d.configuredNeeds} {
			if err := find(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// need notes a dependency of a component; on itself there is none.
func (c *component) need(target catalog.Ref, reason string) *Dependency {
	if target == "" || target == c.Ref() || c.twins[target] {
		return nil
	}
	if had := c.needs[target]; had != nil {
		return had
	}
	if len(c.needs) >= maxNeeds {
		return nil
	}
	n := &Dependency{Value: Value{Text: short(target), Reason: reason}}
	c.needs[target] = n
	return n
}

// composedNeeds are those of the services that a component is in a compose file.
func (d *drafter) composedNeeds(c *component) error {
	for _, s := range d.compose.of(c, d.single) {
		for _, name := range s.depends {
			i := slices.IndexFunc(d.compose.services, func(other *composed) bool { return other.name == name })
			if i < 0 {
				continue
			}
			target, err := d.composedTarget(c, d.compose.services[i])
			if err != nil {
				return err
			}
			c.need(target, fmt.Sprintf("%s depends on %s in %s:%d", oneLine(s.name, 60), oneLine(name, 60), s.file, s.line))
		}
		for i := range s.values {
			if err := d.named(c, &s.values[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// composedTarget is the entity that a service of a compose file stands for; "" = none that a service needs.
func (d *drafter) composedTarget(c *component, s *composed) (catalog.Ref, error) {
	for _, other := range d.components {
		if slices.Contains(d.compose.of(other, d.single), s) {
			return other.Ref(), nil
		}
	}
	if kept, ok := storeOfImage(s.image); ok && s.image != "" {
		return d.storeFor(c, kept, s.name, fmt.Sprintf("the image %s of %s in %s:%d", oneLine(s.image, 80), oneLine(s.name, 60), s.file, s.line))
	}
	name := legal(path.Base(imageName(s.image)))
	if s.image == "" || name == "" || besides[name] || isPublic(s.image) {
		return "", nil
	}
	return d.componentCalled(name)
}

// deployedNeeds are those of the workloads that a component is.
func (d *drafter) deployedNeeds(c *component) error {
	for i := range d.runs.named {
		n := &d.runs.named[i]
		at := slices.IndexFunc(d.runs.workloads, func(w workload) bool { return w.Alias == n.Workload.Alias })
		if at < 0 || !d.runsAs(c, &d.runs.workloads[at]) {
			continue
		}
		if isWatching(n.Setting) {
			continue
		}
		target, err := d.deployedTarget(c, n)
		if err != nil {
			return err
		}
		by := cmp.Or(n.Setting, "its command")
		c.need(target, fmt.Sprintf("%s in %s:%d names %s", oneLine(by, 60), n.Workload.Object.Location, n.Line, n.Host))
	}
	return nil
}

// runsAs says whether a workload is a component, by name or image. Where the repository is one component, workloads that are
// called after it are parts of it (checkout-worker), and so is the only one that there is.
func (d *drafter) runsAs(c *component, w *workload) bool {
	if w.is(c) {
		return true
	}
	if !d.single || slices.ContainsFunc(w.images, isPublic) {
		return false
	}
	return len(d.runs.workloads) == 1 || strings.HasPrefix(legal(w.Name()), c.Name.Text+"-")
}

func (d *drafter) deployedTarget(c *component, n *edges.Named) (catalog.Ref, error) {
	for _, behind := range n.Behind {
		w := d.runs.find(behind.Alias)
		if w == nil {
			continue
		}
		for _, other := range d.components {
			if d.runsAs(other, w) {
				return other.Ref(), nil
			}
		}
		for _, image := range w.images {
			if kept, ok := storeOfImage(image); ok {
				return d.storeFor(c, kept, w.Name(), "the image "+oneLine(image, 80)+" of "+w.words())
			}
		}
		return d.componentCalled(legal(w.Name()))
	}
	return d.hostTarget(c, n.Host, cmp.Or(n.Protocol, hosts.ProtocolOfPort(n.Port)), "the host "+n.Host)
}

func (r *running) find(alias catalog.Alias) *workload {
	for i := range r.workloads {
		if r.workloads[i].Alias == alias {
			return &r.workloads[i]
		}
	}
	return nil
}

// named looks for hosts in a setting.
func (d *drafter) named(c *component, s *setting) error {
	if isWatching(s.name) {
		return nil
	}
	if kept, ok := d.localStore(s); ok {
		target, err := d.storeFor(c, kept, kept.word, s.place())
		if err == nil {
			c.need(target, s.place()+" is an address of "+kept.title)
		}
		return err
	}
	for _, r := range hosts.Extract(s.name, s.value) {
		if !meant(&r) {
			continue
		}
		protocol := cmp.Or(r.Protocol, hosts.ProtocolOfPort(r.Port))
		if i := slices.IndexFunc(d.compose.services, func(other *composed) bool { return other.name == r.Host }); i >= 0 {
			target, err := d.composedTarget(c, d.compose.services[i])
			if err != nil {
				return err
			}
			if target != "" {
				c.need(target, s.place()+" names "+r.Host)
				continue
			}
		}
		target, err := d.hostTarget(c, r.Host, protocol, s.place()+" names "+r.Host)
		if err != nil {
			return err
		}
		c.need(target, s.place()+" names "+r.Host)
	}
	return nil
}

// localStore tells that a setting is the address of a database or broker on one's own machine, which stands for the one
// that is there in production.
func (d *drafter) localStore(s *setting) (store, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s.value), "://")
	if !ok || hosts.Judge(s.name) == hosts.NamesNone {
		return store{}, false
	}
	address := rest[strings.LastIndexByte(rest[:len(rest)-len(tail(rest))], '@')+1:]
	host, _, _ := strings.Cut(strings.TrimSuffix(address, tail(address)), ":")
	if host != "localhost" && host != "127.0.0.1" && host != "0.0.0.0" && host != "host.docker.internal" {
		return store{}, false
	}
	// The same address of a host that is one tells by its scheme which protocol it is.
	for _, r := range hosts.Extract("URL", scheme+"://host.internal:1") {
		if kept, ok := stores[r.Protocol]; ok {
			return kept, true
		}
	}
	return store{}, false
}

// tail is the path and what follows it in what stands behind a scheme.
func tail(rest string) string {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[i:]
	}
	return ""
}

// meant says whether a host is surely meant as one that is called: as it is judged in manifests, but that nothing is known
// of which Services there are.
func meant(r *hosts.Reference) bool {
	if r.Named == hosts.NamesNone || r.Named == hosts.NamesOwn {
		return false
	}
	if _, err := netip.ParseAddr(r.Host); err == nil {
		return false
	}
	switch r.Form {
	case hosts.InURL:
		return true
	case hosts.WithPort:
		return r.Named == hosts.NamesHost || r.Protocol != "" && r.Named == hosts.Unnamed
	}
	return r.Named == hosts.NamesHost
}

// unneeded are protocols that nothing fails without, and that every program here speaks alike.
var unneeded = map[string]bool{"zipkin": true, "jaeger": true, "otlp": true, "statsd": true, "etcd": true, "zookeeper": true}

// hostTarget is the entity that a host stands for; "" = none that can be told.
func (d *drafter) hostTarget(c *component, host, protocol, reason string) (catalog.Ref, error) {
	if unneeded[protocol] || host == "" {
		return "", nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "", nil
	}
	first, dotted := firstLabel(host)
	if d.asked != nil {
		for _, world := range []string{catalog.WorldHost, catalog.WorldDNS} {
			if alias, err := catalog.ParseAlias(world + ":" + host); err == nil {
				if k, err := d.asked.Find(d.ctx, string(alias)); err != nil || k != nil {
					return d.standsFor(k, err)
				}
			}
		}
	}
	inside := !dotted || strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".internal")
	if kept, ok := stores[cmp.Or(protocol, protocolOfImage[first])]; ok {
		if kept.shared && !inside && strings.Count(host, ".") > 1 {
			first = kept.word // a provider's name of one of many brokers
		}
		return d.storeFor(c, kept, first, reason)
	}
	if suffix, icann := publicsuffix.PublicSuffix(host); !inside && (icann || strings.Contains(suffix, ".")) && host != suffix {
		if labels := strings.Split(host, "."); len(labels) == 2 && len(labels[1]) > 3 { // orders.shop is a Service of a namespace
			return d.componentCalled(legal(first))
		}
		return catalog.DiscoveredRef(catalog.Alias(catalog.WorldHost + ":" + host)), nil
	}
	for _, other := range d.components {
		if other.called[legal(first)] {
			return other.Ref(), nil
		}
	}
	if placeholders[first] || legal(first) == "" {
		return "", nil
	}
	return d.componentCalled(legal(first))
}

// firstLabel is the name of the Service in a host: what is before the first dot, or behind it where a pod of it is named.
func firstLabel(host string) (first string, dotted bool) {
	first, rest, dotted := strings.Cut(host, ".")
	if dash := strings.LastIndexByte(first, '-'); dash > 0 && rest != "" && strings.Trim(first[dash+1:], "0123456789") == "" {
		if next, _, _ := strings.Cut(rest, "."); strings.HasPrefix(first, next) {
			return next, true
		}
	}
	return first, dotted
}

// placeholders are words that examples have in place of a host.
var placeholders = map[string]bool{
	"host": true, "hostname": true, "server": true, "your-host": true, "changeme": true, "db": true, "database": true, "proxy": true,
	"url": true, "domain": true, "service": true, "app": true, "api": true, "my": true, "your": true, "xxx": true, "local": true,
}

// componentCalled is the component of a name: as the catalog has it, else as somebody will describe it.
func (d *drafter) componentCalled(name string) (catalog.Ref, error) {
	if name == "" {
		return "", nil
	}
	for _, c := range d.components {
		if c.called[name] {
			return c.Ref(), nil
		}
	}
	if d.asked != nil {
		k, err := d.asked.Find(d.ctx, "component:"+name)
		if err != nil || k != nil {
			return refOf(k), err
		}
	}
	return catalog.NewRef(catalog.KindComponent, "", name), nil
}

// standsFor is what a dependency on an entity is written as: one on a workload is one on the component that it runs, which
// stays when the workload is called otherwise.
func (d *drafter) standsFor(k *Known, err error) (catalog.Ref, error) {
	if err != nil || k == nil || k.Ref.Kind() != "workload" {
		return refOf(k), err
	}
	for _, alias := range k.Aliases {
		if alias.World() == catalog.WorldKubernetes {
			return d.componentCalled(legal(path.Base(string(alias))))
		}
	}
	return "", nil
}

func refOf(k *Known) catalog.Ref {
	if k == nil {
		return ""
	}
	return k.Ref
}

// asOf makes a value one that is that of a component, for which it is asked where it is not known.
func (v *Value) asOf(c *component) { v.Reason, v.Ask = "as of "+short(c.Ref()), false }

// storeFor is the Resource that a component's store is, and drafts it where nobody describes it. A name that says no more
// than which system it is gets the repository's before it; what is shared as a rule is only referred to.
func (d *drafter) storeFor(c *component, kept store, called, reason string) (catalog.Ref, error) {
	name := legal(called)
	vague := name == "" || name == kept.word || protocolOfImage[name] != "" || placeholders[name] || name == "cache" || name == "queue" ||
		name == "broker" || name == "mq" || name == "search" || name == "storage"
	if kept.shared && vague {
		name = kept.word
	} else if vague {
		name = legal(strings.TrimRight(d.repositoryName().Text[:min(len(d.repositoryName().Text), maxName-len(kept.word)-1)], "-_") + "-" + kept.word)
	}
	if d.asked != nil {
		k, err := d.asked.Find(d.ctx, "resource:"+name)
		if err != nil || k.described() {
			return refOf(k), err
		}
	}
	ref := catalog.NewRef(catalog.KindResource, "", name)
	if kept.shared || slices.ContainsFunc(d.resources, func(r *Document) bool { return r.Ref() == ref }) {
		return ref, nil
	}
	resource := &Document{
		Kind: catalog.KindResource, Folder: c.Folder, Name: Value{Text: name, Reason: reason},
		Type:  Value{Text: kept.sort, Reason: "it is " + kept.title},
		Owner: c.Owner,
	}
	resource.Owner.asOf(c)
	d.resources = append(d.resources, resource)
	return ref, nil
}
