package kubernetes

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to authenticate that kubectl has
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

const (
	// A cluster is asked at most so many times a second, after so many at once.
	requestsPerSecond = 50
	requestsAtOnce    = 100
	dialTimeout       = 10 * time.Second
)

// client asks one API server. It is for one scan or one watch: the next one reads the kubeconfig again.
type client struct {
	timing timing
	config *rest.Config
	http   *http.Client
	server string // host and port, for people
	who    string // whose credentials it has, for people
	// excludes says which kinds are not asked for.
	excludes func(inventory.Kind) bool
	bare     rest.Interface
}

// connect finds the cluster and the credentials. It sends nothing.
func (c *Config) connect() (*client, error) {
	config, err := c.restConfig()
	if err != nil {
		return nil, err
	}
	config.UserAgent = c.UserAgent
	config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(requestsPerSecond, requestsAtOnce)
	config.WarningHandler = rest.NoWarnings{} // they are for those who write
	config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	if config.ExecProvider != nil {
		config.ExecProvider.StdinUnavailable = true
		config.ExecProvider.StdinUnavailableMessage = "a server has nobody to ask"
	}
	if config.BearerTokenFile != "" {
		// It is read again when its token is refused. By itself the library shows a token for a minute after it has expired.
		config.Wrap(transport.ResettableTokenSourceWrapTransport(transport.NewCachedFileTokenSource(config.BearerTokenFile)))
		config.BearerToken, config.BearerTokenFile = "", ""
	}
	made := &client{timing: c.timing, config: config, who: c.credentials(), excludes: c.excludes}
	if made.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("%s: %w", made.who, err)
	}
	made.server = config.Host
	if u, err := url.Parse(config.Host); err == nil && u.Host != "" {
		made.server = u.Host
	}
	made.bare, err = made.restClient(schema.GroupVersion{Version: "v1"})
	return made, err
}

func (c *Config) credentials() string {
	switch {
	case c.InCluster:
		return "the service account of this process"
	case c.Context == "":
		return "the current context of the kubeconfig"
	}
	return "context " + c.Context + " of the kubeconfig"
}

func (c *Config) restConfig() (*rest.Config, error) {
	if c.InCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("this process does not run in a cluster, as inCluster says: %w", err)
		}
		return config, nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.WarnIfAllMissing = false
	rules.ExplicitPath = c.Kubeconfig
	file, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	if len(file.Contexts) == 0 {
		return nil, fmt.Errorf("there is no kubeconfig with a context (looked for in %v): write one, or set kubeconfig", rules.GetLoadingPrecedence())
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*file, c.Context, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return config, nil
}

// close lets go of connections that nobody uses.
func (c *client) close() { utilnet.CloseIdleConnectionsFor(c.http.Transport) }

// quietly is a context in which the libraries write no log: what matters is told by the state of the source.
func quietly(ctx context.Context) context.Context { return klog.NewContext(ctx, logr.Discard()) }

// restClient asks for objects of a version of a group, in protobuf.
func (c *client) restClient(version schema.GroupVersion) (rest.Interface, error) {
	config := rest.CopyConfig(c.config)
	config.GroupVersion, config.APIPath = &version, "/apis"
	if version.Group == "" {
		config.APIPath = "/api"
	}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return rest.RESTClientForConfigAndClient(config, c.http)
}

// endpoint is where the objects of one kind are listed and watched; namespace "" = everywhere.
type endpoint interface {
	list(ctx context.Context, namespace string, options v1.ListOptions) (runtime.Object, error)
	watch(ctx context.Context, namespace string, options v1.ListOptions) (apiwatch.Interface, error)
}

// endpoint of a kind in a version: as typed objects in protobuf, or as they are.
func (c *client) endpoint(resource *inventory.Resource, version string) (endpoint, error) {
	name := resource.GroupVersionResource(version)
	if resource.New == nil {
		all, err := dynamic.NewForConfigAndClient(c.config, c.http)
		if err != nil {
			return nil, err
		}
		return &untyped{all.Resource(name)}, nil
	}
	client, err := c.restClient(name.GroupVersion())
	return &typed{client, name.Resource}, err
}

type typed struct {
	client   rest.Interface
	resource string
}

func (t *typed) list(ctx context.Context, namespace string, options v1.ListOptions) (runtime.Object, error) {
	return t.client.Get().Namespace(namespace).Resource(t.resource).VersionedParams(&options, scheme.ParameterCodec).Do(ctx).Get()
}

func (t *typed) watch(ctx context.Context, namespace string, options v1.ListOptions) (apiwatch.Interface, error) {
	options.Watch = true
	return t.client.Get().Namespace(namespace).Resource(t.resource).VersionedParams(&options, scheme.ParameterCodec).Watch(ctx)
}

type untyped struct {
	dynamic.NamespaceableResourceInterface
}

func (u *untyped) list(ctx context.Context, namespace string, options v1.ListOptions) (runtime.Object, error) {
	return u.Namespace(namespace).List(ctx, options)
}

func (u *untyped) watch(ctx context.Context, namespace string, options v1.ListOptions) (apiwatch.Interface, error) {
	return u.Namespace(namespace).Watch(ctx, options)
}

// noIdentity is that of a cluster without the namespace that tells it apart: one whose API server has just begun, with
// nothing in it. No cluster that was read before loses it.
const noIdentity = "none"

// identity tells clusters apart: the uid of a namespace that every cluster has and nobody can delete; "" where it may not
// be looked at.
func (c *client) identity(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timing.request)
	defer cancel()
	var namespace corev1.Namespace
	err := c.bare.Get().Resource("namespaces").Name(v1.NamespaceSystem).Do(ctx).Into(&namespace)
	switch {
	case apierrors.IsForbidden(err):
		return "", nil
	case apierrors.IsNotFound(err):
		return noIdentity, nil
	}
	return string(namespace.UID), err
}
