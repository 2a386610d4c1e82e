package kubernetes

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

const (
	// pageSize is how many objects one answer to a list has at most; fewer of those that may be large, 1 MB each.
	pageSize      = 500
	largePageSize = 20
	// maxExpired is how often a list is begun anew because the server no longer knows what came before a page.
	maxExpired = 5
)

// part is the objects of one kind in one namespace, or everywhere.
type part struct {
	items
	endpoint
	namespace string // "" = everywhere
	timing    timing
	selector  string // of fields
}

// parts are what is read of a kind: all of it or, where the configuration names namespaces, that of each.
func (c *Config) parts(client *client, resource *inventory.Resource, version string) ([]*part, error) {
	endpoint, err := client.endpoint(resource, version)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resource.Path(), err)
	}
	namespaces := c.Namespaces
	if len(namespaces) == 0 || resource.Cluster {
		namespaces = []string{v1.NamespaceAll}
	}
	excluded := make(map[string]bool)
	var without []fields.Selector
	for _, name := range c.ExcludeNamespaces {
		excluded[name] = true
		switch {
		case resource.Kind == inventory.Namespaces:
			without = append(without, fields.OneTermNotEqualSelector("metadata.name", name))
		case !resource.Cluster:
			without = append(without, fields.OneTermNotEqualSelector("metadata.namespace", name))
		}
	}
	if resource.Kind == inventory.ConfigMaps {
		without = append(without, fields.OneTermNotEqualSelector("metadata.name", "kube-root-ca.crt")) // in every namespace
	}
	var all []*part
	for _, namespace := range namespaces {
		if !excluded[namespace] {
			all = append(all, &part{
				items: items{c.Cluster, resource}, endpoint: endpoint, namespace: namespace, timing: c.timing,
				selector: fields.AndSelectors(without...).String(),
			})
		}
	}
	return all, nil
}

// all lists everything, page by page, as [*item]s. What it returns is whole: a list that expires midway is begun anew.
func (p *part) all(ctx context.Context, progress func()) (*v1.List, error) {
	for expired := 0; ; expired++ {
		list, err := p.pages(ctx, progress)
		if apierrors.IsResourceExpired(err) && expired < maxExpired {
			continue
		}
		return list, err
	}
}

func (p *part) pages(ctx context.Context, progress func()) (*v1.List, error) {
	options := v1.ListOptions{FieldSelector: p.selector, Limit: pageSize}
	if p.resource.Kind == inventory.ConfigMaps {
		options.Limit = largePageSize
	}
	found := new(v1.List)
	for {
		page, err := p.page(ctx, options)
		if err != nil {
			return nil, err
		}
		progress()
		about, err := meta.ListAccessor(page)
		if err != nil {
			return nil, fmt.Errorf("the API server sent no list of %s: %w", p.resource.Path(), err)
		}
		err = meta.EachListItemWithAlloc(page, func(raw runtime.Object) error {
			made, err := p.of(raw)
			if err == nil {
				found.Items = append(found.Items, runtime.RawExtension{Object: made})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		found.ResourceVersion = about.GetResourceVersion()
		if options.Continue = about.GetContinue(); options.Continue == "" {
			return found, nil
		}
	}
}

func (p *part) page(ctx context.Context, options v1.ListOptions) (runtime.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timing.request)
	defer cancel()
	return p.list(ctx, p.namespace, options)
}
