package edges

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// finding is a mention with what it stands for.
type finding struct {
	mention
	answer
	// group is what tells targets apart: the Service, or the host outside.
	group string
}

// verdict is what is made of a mention alone, before it is weighed what it stands together with.
type verdict uint8

const (
	nothing  verdict = iota
	proof            // of an edge, as far as the mention goes
	itself           // it is the workload's own address
	dangling         // it is surely meant as a host, and nothing answers
)

// judge says what a mention alone is worth. The rules are those of the package's documentation.
func (in *inference) judge(w *inventory.Workload, m *mention) (finding, verdict) {
	f := finding{mention: *m}
	if m.Named == hosts.NamesNone {
		return f, nothing
	}
	f.answer = in.resolve(w.Object.Namespace, m.Host)
	switch {
	case f.service != nil:
		f.group = f.service.Namespace + "/" + f.service.Name
		switch {
		case !in.meansService(&f):
			return f, nothing
		case in.leadsTo(f.service, w):
			return f, itself
		}
		return f, proof
	case f.external != "":
		if !meansOutside(m) || in.ownHost(f.external) {
			return f, nothing
		}
		f.group = "host:" + f.external
		return f, proof
	case f.inside && in.dangles(w, m):
		return f, dangling
	}
	return f, nothing
}

// meansService says whether a name that a Service answers is meant as that Service.
func (in *inference) meansService(f *finding) bool {
	switch f.Form {
	case hosts.InURL:
		return true
	case hosts.WithPort:
		return f.Named == hosts.NamesHost || in.hasPort(f.service, f.Port)
	case hosts.Dotted:
		return f.Named == hosts.NamesHost || f.Named == hosts.Unnamed || strings.Contains(f.Host, ".svc")
	default:
		return f.Named == hosts.NamesHost
	}
}

// hasPort says whether a Service has a port. What leads to pods by their own addresses has all that they have.
func (in *inference) hasPort(o *inventory.Object, port int32) bool {
	service, ok := o.Value.(*corev1.Service)
	if !ok || port == 0 || len(service.Spec.Ports) == 0 {
		return ok
	}
	if headless(o) {
		return port >= 80
	}
	return slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == port || p.TargetPort.IntVal == port
	})
}

// meansOutside says whether a public name is meant as a host that is called.
func meansOutside(m *mention) bool {
	switch {
	case m.Named == hosts.NamesOwn:
		return false
	case m.file:
		return m.Named == hosts.NamesHost
	case m.Form == hosts.InURL:
		return true
	case m.Form == hosts.WithPort:
		return m.Named != hosts.NamesOther
	}
	return m.Named == hosts.NamesHost && m.Form == hosts.Dotted
}

// dangles says whether a name of the cluster that nothing answers must be meant as a host.
func (in *inference) dangles(w *inventory.Workload, m *mention) bool {
	switch {
	case m.Named == hosts.NamesOwn, isOwn(w, m.Host), !in.coversHost(w.Object.Namespace, m.Host):
		return false
	case m.file && m.Named != hosts.NamesHost, m.Form == hosts.Word && vague[m.Host]:
		return false
	case m.Form == hosts.InURL || strings.Contains(m.Host, ".svc."):
		return true
	case m.Form == hosts.WithPort:
		return m.Named == hosts.NamesHost || m.Protocol != "" && m.Named == hosts.Unnamed
	}
	return m.Named == hosts.NamesHost
}

// vague are words that settings have in place of a host: kinds of stores, defaults. Nobody changes them.
var vague = map[string]bool{
	"default": true, "auto": true, "memory": true, "in-memory": true, "mem": true, "file": true, "local": true, "disabled": true,
	"enabled": true, "all": true, "any": true, "console": true, "stdout": true, "dev": true, "test": true, "prod": true,
	"production": true, "staging": true, "development": true, "standalone": true, "cluster": true, "changeme": true,
	"placeholder": true, "unknown": true, "empty": true, "public": true, "private": true, "internal": true, "external": true,
}

// isOwn says whether a name is that of the workload, of one of its pods, or one that the pod itself says what it stands for.
func isOwn(w *inventory.Workload, host string) bool {
	spec := &w.Template.Spec
	return host == w.Name() || numbered(host) && strings.HasPrefix(host, w.Name()+"-") || host == spec.Hostname ||
		slices.ContainsFunc(spec.HostAliases, func(a corev1.HostAlias) bool { return slices.Contains(a.Hostnames, host) })
}

// coversHost says whether the inventory would know the Service, if there were one.
func (in *inference) coversHost(namespace, host string) bool {
	labels := strings.Split(host, ".")
	if at := slices.Index(labels, "svc"); at >= 2 {
		namespace = labels[at-1]
	}
	return in.inv.Covers(inventory.Services, namespace)
}

func (in *inference) leadsTo(service *inventory.Object, w *inventory.Workload) bool {
	return slices.ContainsFunc(in.behind(service), func(other *inventory.Workload) bool { return other.Alias == w.Alias })
}

// behind are the workloads of a Service, looked up once. Jobs that have the labels of what they belong to, as those of charts
// do, end before anybody could call them; they count where there is nothing else.
func (in *inference) behind(service *inventory.Object) []*inventory.Workload {
	workloads, known := in.leads[service.Key]
	if known {
		return workloads
	}
	workloads = in.inv.Behind(service)
	ends := func(w *inventory.Workload) bool { return w.Kind == "job" || w.Kind == "cronjob" }
	if !slices.ContainsFunc(workloads, ends) || !slices.ContainsFunc(workloads, func(w *inventory.Workload) bool { return !ends(w) }) {
		in.leads[service.Key] = workloads
		return workloads
	}
	in.leads[service.Key] = slices.DeleteFunc(slices.Clone(workloads), ends)
	return in.leads[service.Key]
}

// The numbers from which a list of hosts is everybody's: with fewer readers or hosts it was probably written for those who
// read it (a web server and its worker; a database and a cache).
const (
	manyReaders = 3
	manyHosts   = 3
	// manyPairs is the product from which a list is not believed even though it names none of its readers: then it is one of
	// everything that the system has, of which each reader needs a part.
	manyPairs = 16
)

// believed says whether a list proves the needs of one of its readers. targets counts what is in it, readers those who read
// the same; names says that the reader itself is in it, namesAny that some reader is. What was chosen one by one is only
// doubted where nobody can have chosen it: when all that many have is the same, themselves included.
func believed(targets, readers int, chosen, names, namesAny bool) bool {
	switch {
	case chosen && (targets <= manyHosts || readers < manyReaders || !namesAny):
		return true
	case targets <= 1 || readers <= 1:
		return true
	case targets < manyHosts:
		return !names || readers < manyReaders
	case names:
		return false // nobody writes down his own address for himself
	case readers < manyReaders:
		return true
	}
	return !namesAny && targets*readers < manyPairs
}

// copied is a file that several workloads have at the same path.
type copied struct{ print, path string }

// anothers says whether a file is that of another image: where most of those who have it run one image, charts that know no
// better give it to the others, too.
func anothers(image string, images map[string]int) bool {
	all := 0
	for _, count := range images {
		all += count
	}
	for of, count := range images {
		if of != image && count >= manyReaders && 2*count > all {
			return true
		}
	}
	return false
}

// contents are the targets of one list as one workload reads it.
type contents struct {
	targets map[string]bool
	names   bool // the reader is one of them
}

// prints tell lists with different targets apart. A list from which the reader was left out has the print, too, that it has
// for others.
func (c *contents) prints(own []string) []string {
	all := []string{strings.Join(slices.Sorted(maps.Keys(c.targets)), " ")}
	for _, service := range own {
		if !c.targets[service] {
			with := maps.Clone(c.targets)
			with[service] = true
			all = append(all, strings.Join(slices.Sorted(maps.Keys(with)), " "))
		}
	}
	return all
}

// weigh takes away what stands only in lists that prove nothing.
func (in *inference) weigh(all []*judged) {
	readers := make(map[string]int)
	namesAny := make(map[string]bool)
	images := make(map[copied]map[string]int)
	for _, j := range all {
		counted := make(map[string]bool) // a workload reads a list once, with however many containers
		for l, c := range j.lists {
			if l.file != "" {
				file := copied{c.prints(nil)[0], l.path}
				if images[file] == nil {
					images[file] = make(map[string]int)
				}
				images[file][l.image]++
			}
			for _, print := range c.prints(in.own(j.w)) {
				if !counted[print] {
					counted[print] = true
					readers[print]++
				}
				namesAny[print] = namesAny[print] || c.names
			}
		}
	}
	for _, j := range all {
		doubted, foreign := make(map[list]bool), make(map[list]bool)
		for l, c := range j.lists {
			most, names, any := 0, c.names, false
			for n, print := range c.prints(in.own(j.w)) {
				// With the reader's own name it is the list of others, who were left out of theirs.
				names = names || n > 0 && readers[print] >= manyReaders
				most, any = max(most, readers[print]), any || namesAny[print]
			}
			doubted[l] = !believed(len(c.targets), most, l.chosen, names, any || names)
			foreign[l] = l.file != "" && anothers(l.image, images[copied{c.prints(nil)[0], l.path}])
		}
		// Traces and metrics all programs send alike; that is why their address is in the list.
		j.findings = slices.DeleteFunc(j.findings, func(f finding) bool {
			return (foreign[f.list] || doubted[f.list] && !telemetry[in.protocol(&f)])
		})
		j.dangling = slices.DeleteFunc(j.dangling, func(m mention) bool { return doubted[m.list] })
	}
}

// own are the Services of the namespace that lead to a workload.
func (in *inference) own(w *inventory.Workload) []string {
	if in.owned == nil {
		in.owned = make(map[catalog.Alias][]string)
		for o := range in.inv.List(inventory.Services, in.namespace) {
			for _, other := range in.behind(o) {
				in.owned[other.Alias] = append(in.owned[other.Alias], o.Namespace+"/"+o.Name)
			}
		}
	}
	return in.owned[w.Alias]
}
