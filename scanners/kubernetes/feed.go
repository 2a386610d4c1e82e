package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// feed keeps a picture up to date with one part of the cluster: it lists, watches, and lists again where changes were
// missed. It notes how that goes.
type feed struct {
	*part
	picture *picture
	moved   *atomic.Uint64                  // counts what came, for who waits
	same    func(ctx context.Context) error // an error where the server is another cluster's now
	keys    keys

	mu     sync.Mutex
	synced bool // everything was listed
	// Of the last list, and of the last watch; nil = it was good. They are apart since one may be allowed without the other.
	listError, watchError error
	since                 time.Time // of the first error after all was good
}

var (
	_ cache.TransformingStore        = (*feed)(nil)
	_ cache.ListerWatcherWithContext = (*feed)(nil)
)

// run keeps the picture up to date until ctx ends.
func (f *feed) run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	reflector := cache.NewReflectorWithOptions(f, nil, f, cache.ReflectorOptions{
		Name: f.resource.Path(), Logger: &logger,
		Backoff: &wait.Backoff{Duration: min(500*time.Millisecond, f.timing.backoff), Cap: f.timing.backoff, Steps: 10, Factor: 2, Jitter: 0.5},
	})
	reflector.RunWithContext(ctx)
}

// List implements cache.ListerWatcher; the reflector uses ListWithContext.
func (f *feed) List(options v1.ListOptions) (runtime.Object, error) {
	return f.ListWithContext(context.Background(), options)
}

// Watch implements cache.ListerWatcher; the reflector uses WatchWithContext.
func (f *feed) Watch(options v1.ListOptions) (apiwatch.Interface, error) {
	return f.WatchWithContext(context.Background(), options)
}

// ListWithContext lists everything, at once: it turns the pages itself, so that no more than a page of what the server
// sends is in memory. It is always the newest state, never that of another server which lags behind.
func (f *feed) ListWithContext(ctx context.Context, _ v1.ListOptions) (runtime.Object, error) {
	err := f.same(ctx)
	if err != nil {
		return nil, f.note(ctx, &f.listError, err)
	}
	list, err := f.all(ctx, func() { f.moved.Add(1) })
	if err != nil {
		return nil, f.note(ctx, &f.listError, err)
	}
	return list, nil
}

// WatchWithContext watches, or lists by watching where the server can do that.
func (f *feed) WatchWithContext(ctx context.Context, options v1.ListOptions) (apiwatch.Interface, error) {
	options.FieldSelector = f.selector
	lists := options.SendInitialEvents != nil && *options.SendInitialEvents
	if lists {
		if err := f.same(ctx); err != nil {
			return nil, f.note(ctx, &f.watchError, err)
		}
	}
	stream, err := f.watch(ctx, f.namespace, options)
	if err != nil {
		err = f.note(ctx, &f.watchError, err)
		if lists && (utilnet.IsConnectionRefused(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)) {
			// After these the reflector would sleep without heeding ctx. After others it lists.
			err = errors.New(oneLine(err))
		}
		return nil, err
	}
	f.good(&f.watchError)
	return stream, nil
}

// note remembers why a request failed. Kinds that the server no longer has are gone with all their objects.
func (f *feed) note(ctx context.Context, of *error, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if f.vanished(err) {
		// Something before the server, or in its place, says the same of everything.
		if other := f.same(ctx); other != nil {
			err = other
		} else {
			f.picture.replace(f.keys, nil)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listError == nil && f.watchError == nil {
		f.since = time.Now()
	}
	*of = err
	return err
}

// good remembers that a request was good.
func (f *feed) good(of *error) {
	f.moved.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	*of = nil
	f.synced = f.synced || of == &f.listError
}

// Transformer implements cache.TransformingStore.
func (f *feed) Transformer() cache.TransformFunc {
	return func(raw any) (any, error) {
		f.moved.Add(1)
		return f.of(raw)
	}
}

// Add implements cache.ReflectorStore.
func (f *feed) Add(raw any) error {
	made, err := f.of(raw)
	if err != nil {
		return err
	}
	f.picture.put(f.keys, f.key(made.Namespace, made.Name), made)
	return nil
}

// Update implements cache.ReflectorStore.
func (f *feed) Update(raw any) error { return f.Add(raw) }

// Delete implements cache.ReflectorStore.
func (f *feed) Delete(raw any) error {
	gone, ok := raw.(v1.Object)
	if !ok {
		return fmt.Errorf("the API server sent a %T among %s", raw, f.resource.Path())
	}
	f.picture.remove(f.keys, f.key(gone.GetNamespace(), gone.GetName()))
	return nil
}

// Replace implements cache.ReflectorStore.
func (f *feed) Replace(list []any, _ string) error {
	now := make(map[inventory.Key]*item, len(list))
	for _, raw := range list {
		made, err := f.of(raw)
		if err != nil {
			return err
		}
		now[f.key(made.Namespace, made.Name)] = made
	}
	f.picture.replace(f.keys, now)
	f.good(&f.listError)
	return nil
}

// Resync implements cache.ReflectorStore.
func (f *feed) Resync() error { return nil }
