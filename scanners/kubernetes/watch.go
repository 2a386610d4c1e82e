package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// watch hears of everything that happens in a cluster.
type watch struct {
	config   *Config
	client   *client
	identity string // of the cluster; "" = unknown, or noIdentity
	picture  *picture
	logs     *logbook
	moved    atomic.Uint64 // counts what came
	running  sync.WaitGroup

	mu    sync.Mutex
	begun bool // everything was listed once
	kinds map[inventory.Kind]*watchedKind

	told readings // as they were told last; only the loop looks at them
	cut  bool     // it was told that the server is out of reach
}

// watchedKind is how a kind is heard of.
type watchedKind struct {
	found discovered
	was   reading // before it was known whether the server has the kind, and until it is listed; absent at first
	feeds []*feed // none = the server does not have the kind, or that is not known
	end   context.CancelFunc
	ended *sync.WaitGroup
}

// Watch implements scanners.Watcher. It lists everything that the configuration lets it see, and then hears of changes. A
// server that goes away is waited for: meanwhile scans fail and say why. It ends with an error only where it cannot begin.
func (s *Scanner) Watch(ctx context.Context, changed func(names ...string)) error {
	if ctx.Err() != nil {
		return nil
	}
	if !s.begin() {
		return errors.New("the cluster is watched already")
	}
	defer s.end()
	err := s.watch(quietly(ctx), changed)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Scanner) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return false
	}
	s.busy = true
	return true
}

func (s *Scanner) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.live = false, nil
}

// watching is the watch that hears of everything; nil = there is none.
func (s *Scanner) watching() *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

func (s *Scanner) watch(ctx context.Context, changed func(names ...string)) error {
	ctx, cancel := context.WithCancel(ctx)
	client, err := s.config.connect()
	if err != nil {
		cancel()
		return err
	}
	w := &watch{
		config: &s.config, client: client, picture: newPicture(s.config.Cluster), logs: s.logs,
		kinds: make(map[inventory.Kind]*watchedKind),
	}
	defer client.close()
	defer w.running.Wait()
	defer cancel()
	if w.identity, err = client.identity(ctx); err != nil {
		return client.explained(err)
	}
	if err := w.discover(ctx); err != nil {
		return err
	}
	if err := w.synced(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	w.begun = true
	w.mu.Unlock()
	w.told = w.readings(time.Now())
	w.picture.cover(s.config.covers(w.told))
	w.picture.derive()
	w.picture.take() // everything is told
	s.mu.Lock()
	s.live = w
	s.mu.Unlock()
	changed()
	return w.loop(ctx, changed)
}

// discover finds out which kinds the server has, and begins to hear of those that came. One that the server has in another
// version now is heard of by that.
func (w *watch) discover(ctx context.Context) error {
	found, err := w.client.discover(ctx)
	if err != nil {
		return err
	}
	for _, d := range found {
		w.mu.Lock()
		old := w.kinds[d.resource.Kind]
		w.mu.Unlock()
		if old != nil && (old.found.version == d.version || len(old.feeds) > 0 && d.version == "") {
			// Where it is gone, the feeds notice that, and notice when it is back.
			if len(old.feeds) == 0 {
				w.set(&watchedKind{found: d})
			}
			continue
		}
		if old != nil && old.end != nil {
			old.end()
			old.ended.Wait()
		}
		now, err := w.begin(d)
		if err != nil {
			return err
		}
		if old != nil && len(old.feeds) == 0 {
			now.was = old.found.reading() // absent, where the definition of the kind came just now
		}
		if old != nil { // what is not there in the new version
			for i, feed := range old.feeds {
				if i < len(now.feeds) {
					now.feeds[i].keys = feed.keys
				}
			}
		}
		w.set(now)
		now.run(ctx, w)
	}
	return nil
}

func (w *watch) set(now *watchedKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kinds[now.found.resource.Kind] = now
}

// begin makes the feeds of a kind.
func (w *watch) begin(d discovered) (*watchedKind, error) {
	now := &watchedKind{found: d, ended: new(sync.WaitGroup)}
	if d.version == "" {
		return now, nil
	}
	parts, err := w.config.parts(w.client, &now.found.resource, d.version)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		now.feeds = append(now.feeds, &feed{
			part: part, picture: w.picture, moved: &w.moved, same: w.same, keys: make(keys),
		})
	}
	return now, nil
}

func (k *watchedKind) run(ctx context.Context, w *watch) {
	ctx, k.end = context.WithCancel(ctx)
	for _, feed := range k.feeds {
		k.ended.Add(1)
		w.running.Go(func() {
			defer k.ended.Done()
			feed.run(ctx)
		})
	}
}

// same is an error where the server is another cluster's than at the beginning: nothing of that may get into the picture.
func (w *watch) same(ctx context.Context) error {
	if w.identity == "" || w.identity == noIdentity {
		return nil
	}
	now, err := w.client.identity(ctx)
	if err != nil {
		return err
	}
	return (&state{Cluster: w.identity}).sameCluster(w.client, now)
}

// readings is how far each kind is read now.
func (w *watch) readings(at time.Time) readings {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := make(readings)
	for kind, watched := range w.kinds {
		if len(watched.feeds) == 0 {
			now.note(kind, watched.found.reading())
		}
		for _, feed := range watched.feeds {
			reading := feed.reading(at)
			if w.begun && reading.state == pending {
				reading = watched.was // until it is listed
			}
			now.note(kind, reading)
		}
	}
	return now
}

// synced waits until all kinds were listed, or it is known why not.
func (w *watch) synced(ctx context.Context) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	moved, since := w.moved.Load(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case at := <-look.C:
			now := w.readings(at)
			if err := now.trouble(w.client); err != nil {
				return err
			}
			waits := ""
			for _, resource := range inventory.Resources() {
				if now[resource.Kind].state == pending {
					waits = resource.Path()
				}
			}
			if waits == "" {
				return nil
			}
			if m := w.moved.Load(); m != moved {
				moved, since = m, at
			} else if at.Sub(since) >= w.config.timing.stall {
				return fmt.Errorf("the API server at %s does not answer: it has sent nothing for %s, and no %s yet",
					w.client.server, w.config.timing.stall, waits)
			}
		}
	}
}

// loop tells of changes until ctx ends.
func (w *watch) loop(ctx context.Context, changed func(names ...string)) error {
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { w.rediscover(ctx) })
	logs := make(chan []string)
	if w.logs != nil {
		others.Go(func() { w.logs.follow(ctx, w.client, w.picture, logs) })
	}
	flush := time.NewTimer(0)
	flush.Stop()
	look := time.NewTicker(min(time.Second, w.config.timing.patience))
	defer look.Stop()
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.picture.signal:
			if first.IsZero() {
				first = time.Now()
			}
			flush.Reset(max(0, min(w.config.timing.quiet, w.config.timing.impatient-time.Since(first))))
		case <-flush.C:
			first = time.Time{}
			w.tell(time.Now(), changed)
		case at := <-look.C:
			w.tell(at, changed)
		case names := <-logs:
			changed(names...)
		}
	}
}

// tell tells what changed since the last time: everything, where another kind can be read, or no longer.
func (w *watch) tell(at time.Time, changed func(names ...string)) {
	now := w.readings(at)
	if cut := w.trouble(now) != nil; cut != w.cut {
		w.cut = cut
		if cut {
			changed() // the scan says why
			return
		}
		w.told = nil
	}
	if w.cut {
		return // what is told now would be of a cluster that is out of reach
	}
	if !sameStates(w.told, now) {
		w.told = now
		w.picture.cover(w.config.covers(now))
		w.picture.derive()
		w.picture.take()
		changed()
		return
	}
	w.picture.derive()
	if names := w.logs.with(w.picture.take(), w.picture); len(names) > 0 {
		changed(names...)
	}
}

func sameStates(a, b readings) bool {
	return maps.EqualFunc(a, b, func(a, b reading) bool { return a.state == b.state })
}

// trouble is why the cluster as a whole is not known as it is now; nil = it is.
func (w *watch) trouble(now readings) error { return now.trouble(w.client) }

// rediscover looks for kinds that come later.
func (w *watch) rediscover(ctx context.Context) {
	look := time.NewTicker(w.config.timing.discover)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			_ = w.discover(ctx) // a server out of reach is noticed by the feeds
		}
	}
}

// scan reports everything from the picture.
func (w *watch) scan(ctx context.Context, before state, sink scanners.Sink) ([]byte, error) {
	now := w.readings(time.Now())
	if err := w.trouble(now); err != nil {
		return nil, err
	}
	if err := before.sameCluster(w.client, w.identity); err != nil {
		return nil, err
	}
	w.picture.derive()
	r := &report{picture: w.picture, now: now, before: before, sink: sink}
	if err := r.whole(ctx); err != nil {
		return nil, err
	}
	if err := w.logs.whole(ctx, r); err != nil {
		return nil, err
	}
	return before.next(w.identity, now)
}
