package kubernetes

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// LogConfig says how the logs of containers are looked at. It needs the right to get pods/log. Lines are judged and let go
// of: none is kept, told or written anywhere.
type LogConfig struct {
	Format string // json or logfmt
	// Fields are names of fields besides those of the usual libraries, by what they say: timestamp, level, message or
	// correlation (a trace, request or correlation id).
	Fields     map[string][]string
	Lines      int           // how many of the last lines of a container are looked at; 0 = 50
	Containers int           // of a workload, at most; 0 = 5
	Every      time.Duration // 0 = an hour
}

const (
	logFolder     = "logs/"
	workFolder    = "workloads/"
	maxLogBytes   = 256 << 10 // of one container
	logPods       = 2         // of a workload are looked at, until one has said something
	parallelLogs  = 4
	logPatience   = 10 * time.Second // of one request
	logSession    = 2 * time.Minute  // of all in a scan
	logNoPod      = "no pod of it is ready"
	logNoLines    = "it has logged nothing"
	logNotAllowed = "its log may not be read: add " + `{apiGroups: [""], resources: [pods/log], verbs: [get]}` + " to a role of this user"
)

// logbook is what is believed of the logs of a cluster. It is safe for use from several goroutines.
type logbook struct {
	config LogConfig
	judge  *lineJudge

	mu      sync.Mutex
	looked  time.Time
	entries map[string]*logEntry // by the name of the scope, without its folder
}

// logEntry is what is believed of the logs of a workload.
type logEntry struct {
	ref      catalog.Ref
	location string
	order    []string // of the containers
	verdicts map[string]*verdict
}

func newLogbook(config LogConfig) (*logbook, error) {
	if config.Format != "json" && config.Format != "logfmt" {
		return nil, fmt.Errorf("%q is no format of logs: json or logfmt", config.Format)
	}
	for says := range config.Fields {
		if _, known := logNames()[says]; !known {
			return nil, fmt.Errorf("%q is nothing that a line of a log should say: timestamp, level, message or correlation", says)
		}
	}
	if config.Lines <= 0 {
		config.Lines = 50
	}
	if config.Containers <= 0 {
		config.Containers = 5
	}
	if config.Every <= 0 {
		config.Every = time.Hour
	}
	return &logbook{config: config, judge: newLineJudge(config.Format, config.Fields), entries: make(map[string]*logEntry)}, nil
}

// due is how long it is until the logs are to be looked at again.
func (b *logbook) due() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looked.IsZero() {
		return 0
	}
	return max(0, b.config.Every-time.Since(b.looked))
}

// follow looks at the logs again and again until ctx ends, and tells which scopes changed.
func (b *logbook) follow(ctx context.Context, client *client, picture *picture, changed chan<- []string) {
	timer := time.NewTimer(b.due())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		names := b.look(ctx, client, picture)
		timer.Reset(b.config.Every)
		if len(names) == 0 {
			continue
		}
		select {
		case changed <- names:
		case <-ctx.Done():
			return
		}
	}
}

// target is a workload whose logs are to be looked at.
type target struct {
	name       string // of the scope, without its folder
	entry      *logEntry
	namespace  string
	pods       []string
	containers []string
}

// look looks at the logs of all workloads, and returns the scopes that changed, sorted.
func (b *logbook) look(ctx context.Context, client *client, picture *picture) []string {
	ctx, cancel := context.WithTimeout(ctx, logSession)
	defer cancel()
	targets := picture.loggers(b.config.Containers)
	b.mu.Lock()
	b.looked = time.Now()
	entries := make(map[string]*logEntry, len(targets))
	changed := make(map[string]bool)
	for _, t := range targets {
		if old := b.entries[t.name]; old != nil {
			t.entry.verdicts = old.verdicts
		} else {
			changed[logFolder+t.name] = true
		}
		entries[t.name] = t.entry
	}
	for name := range b.entries {
		if entries[name] == nil {
			changed[logFolder+name] = true
		}
	}
	b.entries = entries
	b.mu.Unlock()
	var group sync.WaitGroup
	slots := make(chan struct{}, parallelLogs)
	for _, t := range targets {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			for _, container := range t.containers {
				seen, why := b.sample(ctx, client, t, container)
				if ctx.Err() != nil {
					return // what was believed stands
				}
				if b.judged(t, container, seen, why) {
					b.mu.Lock()
					changed[logFolder+t.name] = true
					b.mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return slices.Sorted(maps.Keys(changed))
}

// judged takes in what was seen of a container. It returns whether that changes what is believed.
func (b *logbook) judged(t *target, container string, seen *tally, why string) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := t.entry.verdicts[container]
	if v == nil {
		v = new(verdict)
		t.entry.verdicts[container] = v
	}
	missing, wasWhy, known := v.missed(), v.why, v.known
	if seen != nil {
		v.saw(seen)
	} else {
		v.failed(why)
	}
	return known != v.known || wasWhy != v.why || !slices.Equal(missing, v.missed())
}

// sample counts what the last lines of a container say; why says that there is nothing to count.
func (b *logbook) sample(ctx context.Context, client *client, t *target, container string) (seen *tally, why string) {
	why = logNoPod
	for _, pod := range t.pods {
		lines, err := client.log(ctx, t.namespace, pod, container, b.config.Lines)
		switch {
		case apierrors.IsForbidden(err):
			return nil, logNotAllowed
		case apierrors.IsNotFound(err):
			continue // it went away
		case err != nil:
			why = "its log could not be read" // the reason differs each time, and may hold what was logged
			continue
		}
		seen := &tally{with: make(map[string]int)}
		if b.judge.count(seen, lines); seen.lines > 0 {
			return seen, ""
		}
		why = logNoLines
	}
	return nil, why
}

// log gets the last lines of a container.
func (c *client) log(ctx context.Context, namespace, pod, container string, lines int) (log []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	tail, limit := int64(lines), int64(maxLogBytes)
	stream, err := c.bare.Get().Namespace(namespace).Resource("pods").Name(pod).SubResource("log").VersionedParams(
		&corev1.PodLogOptions{Container: container, TailLines: &tail, LimitBytes: &limit}, scheme.ParameterCodec).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // it was only read
	log, err = io.ReadAll(io.LimitReader(stream, maxLogBytes))
	if end := strings.LastIndexByte(string(log), '\n'); len(log) == maxLogBytes && end >= 0 {
		log = log[:end] // the last line was cut
	}
	return log, err
}

// loggers are the workloads that keep running, with the containers whose logs are looked at.
func (p *picture) loggers(containers int) []*target {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*target
	for _, namespace := range p.objects.Namespaces() {
		for w := range p.objects.Workloads(namespace) {
			if w.Kind == "job" || w.Kind == "cronjob" {
				continue
			}
			t := &target{
				name: strings.Join([]string{namespace, w.Kind, w.Name()}, "/"), namespace: namespace,
				entry: &logEntry{ref: w.Ref, location: w.Object.Location, verdicts: make(map[string]*verdict)},
			}
			for _, pod := range p.objects.PodsOf(w) {
				if len(t.pods) < logPods && ready(pod) {
					t.pods = append(t.pods, pod.Name)
				}
			}
			for i := range w.Template.Spec.Containers {
				if len(t.containers) < containers {
					t.containers = append(t.containers, w.Template.Spec.Containers[i].Name)
				}
			}
			t.entry.order = t.containers
			all = append(all, t)
		}
	}
	return all
}

func ready(o *inventory.Object) bool {
	pod, ok := o.Value.(*corev1.Pod)
	if !ok || pod.DeletionTimestamp != nil {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// with adds to the names of changed scopes those of the logs of workloads that are gone.
func (b *logbook) with(names []string, picture *picture) []string {
	if b == nil {
		return names
	}
	for _, name := range slices.Clone(names) {
		if suffix, ok := strings.CutPrefix(name, workFolder); ok {
			if _, there := picture.scope(name); !there {
				names = append(names, logFolder+suffix)
			}
		}
	}
	return names
}

// scopes are the names of what is believed.
func (b *logbook) scopes() []string {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name := range b.entries {
		names = append(names, logFolder+name)
	}
	return names
}

// whole reports what is believed of all workloads there are. Of those that were not looked at yet, what was said before
// stands, as it does of those of which that is not known.
func (b *logbook) whole(ctx context.Context, r *report) error {
	if b == nil {
		return nil
	}
	names := b.scopes()
	for _, name := range names {
		if err := b.one(ctx, r.picture, name, r.sink); err != nil {
			return err
		}
	}
	memory, ok := r.sink.(scanners.Memory)
	if !ok {
		return nil
	}
	looked := make(map[string]bool, len(names))
	for _, name := range names {
		looked[name] = true
	}
	for _, name := range memory.Scopes() {
		suffix, ok := strings.CutPrefix(name, logFolder)
		if !ok || looked[name] {
			continue
		}
		work := workFolder + suffix
		if _, there := r.picture.scope(work); !there && r.held(work) == "" {
			continue
		}
		if err := r.sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Unchanged}); err != nil {
			return err
		}
	}
	return nil
}

// one reports what is believed of one workload, if it is there.
func (b *logbook) one(ctx context.Context, picture *picture, name string, sink scanners.Sink) error {
	if b == nil {
		return nil
	}
	suffix := strings.TrimPrefix(name, logFolder)
	if _, there := picture.scope(workFolder + suffix); !there {
		return nil
	}
	b.mu.Lock()
	var samples []catalog.LogSample
	entry := b.entries[suffix]
	if entry != nil {
		for _, container := range entry.order {
			if v := entry.verdicts[container]; v != nil {
				samples = append(samples, catalog.LogSample{
					Container: container, Format: b.config.Format, Missing: v.missed(), Unreadable: v.why,
				})
			}
		}
	}
	b.mu.Unlock()
	if len(samples) == 0 { // it is not looked at yet: what was said before stands
		if memory, ok := sink.(scanners.Memory); ok && len(memory.Said(name)) > 0 {
			return sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Unchanged})
		}
		return nil
	}
	return sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Read, Documents: []*catalog.Document{{
		Location: entry.location,
		Claims:   []catalog.Claim{{Subject: catalog.Subject{Ref: entry.ref}, Facts: &catalog.Facts{Logs: samples}}},
	}}})
}
