package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// Scan reports everything: from what is held in memory, while the cluster is watched, else by listing it.
func (s *Scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	before, err := parseState(previous)
	if err != nil {
		return nil, err
	}
	next, err := s.scan(quietly(ctx), before, sink)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return next, err
}

func (s *Scanner) scan(ctx context.Context, before state, sink scanners.Sink) ([]byte, error) {
	if live := s.watching(); live != nil {
		return live.scan(ctx, before, sink)
	}
	client, err := s.config.connect()
	if err != nil {
		return nil, err
	}
	defer client.close()
	identity, err := client.identity(ctx)
	if err != nil {
		return nil, client.explained(err)
	}
	if err := before.sameCluster(client, identity); err != nil {
		return nil, err
	}
	picture, now, err := s.config.list(ctx, client)
	if err != nil {
		return nil, err
	}
	// What is said not to be there was said by this cluster, and not by something that took its place meanwhile.
	again, err := client.identity(ctx)
	if err != nil {
		return nil, client.explained(err)
	}
	if err := (&state{Cluster: identity}).sameCluster(client, again); err != nil && identity != noIdentity {
		return nil, err
	}
	picture.cover(s.config.covers(now))
	picture.derive()
	r := &report{picture: picture, now: now, before: before, sink: sink}
	if err := r.whole(ctx); err != nil {
		return nil, err
	}
	if s.logs != nil && s.logs.due() == 0 {
		s.logs.look(ctx, client, picture)
	}
	if err := s.logs.whole(ctx, r); err != nil {
		return nil, err
	}
	return before.next(identity, now)
}

// covers says what is known wholly when the kinds could be read like that.
func (c *Config) covers(now readings) func(inventory.Kind, string) bool {
	return func(kind inventory.Kind, namespace string) bool {
		if kind.Listed() && !now.read(kind) || c.excludes(kind) || slices.Contains(c.ExcludeNamespaces, namespace) {
			return false
		}
		return namespace == "" || len(c.Namespaces) == 0 || slices.Contains(c.Namespaces, namespace)
	}
}

// list lists all kinds once. A kind of which one list failed is not in the picture at all.
func (c *Config) list(ctx context.Context, client *client) (*picture, readings, error) {
	found, err := client.discover(ctx)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	now := make(readings)
	listed := make(map[inventory.Kind]map[inventory.Key]*item)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i := range found {
		d := &found[i]
		if d.version == "" {
			mu.Lock()
			now.note(d.resource.Kind, d.reading())
			mu.Unlock()
			continue
		}
		parts, err := c.parts(client, &d.resource, d.version)
		if err != nil {
			return nil, nil, errors.Join(err, group.Wait())
		}
		for _, part := range parts {
			group.Go(func() error {
				items, err := part.listed(ctx)
				mu.Lock()
				defer mu.Unlock()
				reading := part.read(err)
				now.note(d.resource.Kind, reading)
				if reading.state == cutOff {
					return client.explained(err)
				}
				if listed[d.resource.Kind] == nil {
					listed[d.resource.Kind] = make(map[inventory.Key]*item)
				}
				for key, i := range items {
					listed[d.resource.Kind][key] = i
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if err := now.trouble(client); err != nil {
		return nil, nil, err
	}
	picture := newPicture(c.Cluster)
	for kind, items := range listed {
		if now.read(kind) {
			picture.replace(make(keys), items)
		}
	}
	return picture, now, nil
}

// listed is [part.all] by key.
func (p *part) listed(ctx context.Context) (map[inventory.Key]*item, error) {
	list, err := p.all(ctx, func() {})
	if err != nil {
		return nil, err
	}
	all := make(map[inventory.Key]*item, len(list.Items))
	for _, raw := range list.Items {
		made, err := p.of(raw.Object)
		if err != nil {
			return nil, err
		}
		all[p.key(made.Namespace, made.Name)] = made
	}
	return all, nil
}

// ScanParts reports the named scopes from what is held in memory while the cluster is watched.
func (s *Scanner) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	live := s.watching()
	if live == nil {
		return nil, fmt.Errorf("%w: the cluster is not watched", scanners.ErrWhole)
	}
	before, err := parseState(previous)
	if err != nil {
		return nil, err
	}
	now := live.readings(time.Now())
	if live.trouble(now) != nil || before.sameCluster(live.client, live.identity) != nil {
		return nil, fmt.Errorf("%w: the cluster is out of reach", scanners.ErrWhole)
	}
	r := &report{picture: live.picture, now: now, before: before, sink: sink}
	for _, name := range unfolded(names, live.picture.scopes(), s.logs.scopes()) {
		err := error(nil)
		if strings.HasPrefix(name, logFolder) {
			err = s.logs.one(ctx, live.picture, name, sink)
		} else {
			err = r.one(ctx, name)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	return previous, nil
}

// unfolded are the names, with all scopes below those that end in "/" in place of these, each once.
func unfolded(names []string, scopes ...[]string) []string {
	var all []string
	for _, name := range names {
		if !strings.HasSuffix(name, "/") {
			all = append(all, name)
			continue
		}
		for _, scope := range slices.Concat(scopes...) {
			if strings.HasPrefix(scope, name) {
				all = append(all, scope)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
