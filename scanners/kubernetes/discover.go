package kubernetes

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// parallelRequests is how many requests of one listing are under way at a time.
const parallelRequests = 6

// discovered is in which version the server has a kind.
type discovered struct {
	resource inventory.Resource
	version  string // "" = the server does not have the kind
	err      error  // why that is not known
}

// discover finds out which kinds the server has. The error says that the server itself is out of reach.
func (c *client) discover(ctx context.Context) ([]discovered, error) {
	var mu sync.Mutex
	served := make(map[schema.GroupVersion]answer)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for _, version := range versions() {
		group.Go(func() error {
			names, err := c.resources(ctx, version)
			if outOfReach(err) {
				return c.explained(err)
			}
			mu.Lock()
			defer mu.Unlock()
			served[version] = answer{names, err}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []discovered
	for _, resource := range inventory.Resources() {
		d := discovered{resource: resource}
		if c.excludes(resource.Kind) {
			found = append(found, d) // as if the server did not have it
			continue
		}
		for _, version := range resource.Versions {
			answer := served[schema.GroupVersion{Group: resource.Group, Version: version}]
			if answer.names[resource.Path()] {
				d.version = version
				break
			}
			if answer.err != nil && d.err == nil {
				d.err = answer.err
			}
		}
		if d.version != "" {
			d.err = nil
		}
		if d.err == nil && d.version == "" && resource.New != nil {
			d.version = resource.Versions[0] // no server is without it: asking for it tells why
		}
		found = append(found, d)
	}
	return found, nil
}

type answer struct {
	names map[string]bool
	err   error
}

// versions are those of all groups that there may be something in.
func versions() []schema.GroupVersion {
	var all []schema.GroupVersion
	seen := make(map[schema.GroupVersion]bool)
	for _, resource := range inventory.Resources() {
		for _, version := range resource.Versions {
			if v := (schema.GroupVersion{Group: resource.Group, Version: version}); !seen[v] {
				seen[v] = true
				all = append(all, v)
			}
		}
	}
	return all
}

// resources are the plural names of what the server has in a version of a group; none where it does not have that. A
// server that has not yet loaded all definitions answers with an error, not that there is nothing.
func (c *client) resources(ctx context.Context, version schema.GroupVersion) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timing.request)
	defer cancel()
	path := "/apis/" + version.String()
	if version.Group == "" {
		path = "/api/" + version.Version
	}
	var list v1.APIResourceList
	err := c.bare.Get().AbsPath(path).Do(ctx).Into(&list)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(list.APIResources))
	for _, resource := range list.APIResources {
		names[resource.Name] = true
	}
	return names, nil
}
