package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// KubeconfigEnv names a kubeconfig file whose current context is used instead of starting a cluster. It needs a token of
// an administrator. Tests keep to namespaces of their own ([Namespace]), but may define resources ([ApplyMeshCRDs]).
const KubeconfigEnv = "ORRERY_TEST_KUBECONFIG"

// kubeAnswers is the longest that a server may take to answer for the first time, on a busy machine.
const kubeAnswers = 3 * time.Minute

// kubeBuilds is the longest that building the programs may take, on a busy machine.
const kubeBuilds = 20 * time.Minute

// KubeCluster says how to reach an API server, as whom.
type KubeCluster struct {
	Kubeconfig string // path of a file with this one context
	Context    string
	URL        string // https://host:port
	Token      string
	CAFile     string
}

// Kube is the cluster that all tests share: the one of the environment, which `make test` starts for all packages, or
// else one that this test process starts, once, and that ends with it. It is an API server without controllers: nothing
// makes pods of Deployments or fills EndpointSlices. Use a [Namespace] of your own in it, and an [OwnKube] for what would
// disturb others, or for controllers and nodes.
func Kube(t testing.TB) KubeCluster {
	t.Helper()
	skipBuilding(t)
	shared := sharedKube()
	skipMissing(t, PartKube, shared.err)
	return shared.cluster
}

// skipBuilding ends a quick test rather than build for minutes.
func skipBuilding(t testing.TB) {
	t.Helper()
	if os.Getenv(KubeconfigEnv) == "" && testing.Short() && !required(PartKube) && !KubeBuilt() {
		Missing(t, PartKube, "it is not built yet, and quick tests do not wait for that: run make servers")
	}
}

// skipMissing ends the test where there is an error.
func skipMissing(t testing.TB, part string, err error) {
	t.Helper()
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		Missing(t, part, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// startedKube is never ended: its end is that of the process.
type startedKube struct {
	cluster KubeCluster
	end     func() // not called, but what it holds keeps the cluster alive
	err     error
}

var sharedKube = sync.OnceValue(func() (s startedKube) {
	ctx, cancel := context.WithTimeout(context.Background(), kubeBuilds+kubeAnswers)
	defer cancel()
	var given bool
	if s.cluster, given, s.err = GivenKube(); given {
		return s
	}
	s.cluster, s.end, s.err = StartKube(ctx)
	return s
})

// StartKube starts a cluster that ends with this process, or when end is called, and waits until it answers. A
// *MissingError says that it needs something that is not installed.
func StartKube(ctx context.Context) (cluster KubeCluster, end func(), err error) {
	program, err := kubeProgram(ctx)
	if err != nil {
		return KubeCluster{}, nil, err
	}
	home, err := os.MkdirTemp("", "orrery-kube-")
	if err != nil {
		return KubeCluster{}, nil, err
	}
	p := &controlPlane{program: program, home: home, name: "test"}
	end = func() {
		p.kill()
		_ = os.RemoveAll(home) // only a temporary folder stays behind
	}
	if err := p.start(ctx); err != nil {
		end()
		return KubeCluster{}, nil, err
	}
	return p.cluster(), end, nil
}

// GivenKube is the cluster that the environment names, if it does.
func GivenKube() (cluster KubeCluster, given bool, err error) {
	path := os.Getenv(KubeconfigEnv)
	if path == "" {
		return KubeCluster{}, false, nil
	}
	cluster, err = readKubeconfig(path)
	if err != nil {
		err = fmt.Errorf("%s: %w", KubeconfigEnv, err)
	}
	return cluster, true, err
}

// Environ are the environment variables that name the cluster.
func (c KubeCluster) Environ() []string { return []string{KubeconfigEnv + "=" + c.Kubeconfig} }

// Address is host:port of the API server, for a [Proxy].
func (c KubeCluster) Address() string { return strings.TrimPrefix(c.URL, "https://") }

// Through is the same cluster by way of a proxy that stands before its [KubeCluster.Address].
func (c KubeCluster) Through(t testing.TB, proxy *TCPProxy) KubeCluster {
	t.Helper()
	c.URL = "https://" + proxy.Address()
	c.Kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := c.write("proxied", ""); err != nil {
		t.Fatal(err)
	}
	return c
}

// kubeconfig is what we write and read of such a file.
type kubeconfig struct {
	APIVersion     string         `yaml:"apiVersion"`
	Kind           string         `yaml:"kind"`
	CurrentContext string         `yaml:"current-context"`
	Contexts       []namedContext `yaml:"contexts"`
	Clusters       []namedCluster `yaml:"clusters"`
	Users          []namedUser    `yaml:"users"`
}

type namedContext struct {
	Name    string `yaml:"name"`
	Context struct {
		Cluster string `yaml:"cluster"`
		User    string `yaml:"user"`
	} `yaml:"context"`
}

type namedCluster struct {
	Name    string `yaml:"name"`
	Cluster struct {
		Server string `yaml:"server"`
		CA     string `yaml:"certificate-authority,omitempty"`
		CAData string `yaml:"certificate-authority-data,omitempty"`
	} `yaml:"cluster"`
}

type namedUser struct {
	Name string `yaml:"name"`
	User struct {
		Token     string `yaml:"token,omitempty"`
		TokenFile string `yaml:"tokenFile,omitempty"`
	} `yaml:"user"`
}

// write writes the kubeconfig file. Clients follow what is in tokenFile, where it is given. All names differ from those of
// clusters with another context, so that files can be joined by the variable KUBECONFIG.
func (c KubeCluster) write(user, tokenFile string) error {
	user = c.Context + "-" + user
	config := kubeconfig{
		APIVersion: "v1", Kind: "Config", CurrentContext: c.Context,
		Contexts: make([]namedContext, 1), Clusters: make([]namedCluster, 1), Users: make([]namedUser, 1),
	}
	config.Contexts[0].Name = c.Context
	config.Contexts[0].Context.Cluster, config.Contexts[0].Context.User = c.Context, user
	config.Clusters[0].Name = c.Context
	config.Clusters[0].Cluster.Server, config.Clusters[0].Cluster.CA = c.URL, c.CAFile
	config.Users[0].Name = user
	config.Users[0].User.TokenFile = tokenFile
	if tokenFile == "" {
		config.Users[0].User.Token = c.Token
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Kubeconfig, text, 0o600)
}

func readKubeconfig(path string) (KubeCluster, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return KubeCluster{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return KubeCluster{}, err
	}
	var config kubeconfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		return KubeCluster{}, fmt.Errorf("%s: %w", path, err)
	}
	c := KubeCluster{Kubeconfig: path, Context: config.CurrentContext}
	for _, context := range config.Contexts {
		if context.Name != c.Context {
			continue
		}
		for _, cluster := range config.Clusters {
			if cluster.Name == context.Context.Cluster {
				c.URL, c.CAFile = cluster.Cluster.Server, cluster.Cluster.CA
				if data := cluster.Cluster.CAData; data != "" {
					if c.CAFile, err = writeCA(data); err != nil {
						return KubeCluster{}, fmt.Errorf("%s: certificate-authority-data: %w", path, err)
					}
				}
			}
		}
		for _, user := range config.Users {
			if user.Name == context.Context.User {
				c.Token = user.User.Token
			}
		}
	}
	if c.URL == "" || c.CAFile == "" || c.Token == "" {
		return KubeCluster{}, fmt.Errorf("%s: its current context needs a server, a certificate authority and a token", path)
	}
	return c, nil
}

// writeCA keeps it in a file, as clients of other libraries want a path. Its name follows from what is in it, so that
// there is one for all processes.
func writeCA(data string) (string, error) {
	pem, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", err
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("orrery-kube-ca-%x.crt", sha256.Sum256(pem)))
	return path, os.WriteFile(path, pem, 0o644)
}
