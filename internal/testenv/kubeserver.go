package testenv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// controlPlane is an API server and its etcd, started here. It listens on the loopback interface only.
type controlPlane struct {
	program string   // of kubeProgram
	name    string   // of the context of its kubeconfig
	home    string   // holds its data, keys and logs; goes with the process that started it
	flags   []string // of the API server, beside the usual ones

	etcdPort, peerPort, port int    // 0 until it is first started
	token                    string // of the administrator
	etcd, server             *process
}

func (p *controlPlane) cluster() KubeCluster {
	return KubeCluster{
		Kubeconfig: filepath.Join(p.home, "kubeconfig"), Context: p.name, URL: "https://" + loopback(p.port), Token: p.token,
		CAFile: filepath.Join(p.home, "certificates", "apiserver.crt"), // made by the server for itself
	}
}

// start starts what does not run and waits until it answers.
func (p *controlPlane) start(ctx context.Context) error {
	fresh := p.port == 0
	for attempt := 1; ; attempt++ {
		if fresh {
			if err := p.prepare(ctx); err != nil {
				return err
			}
		}
		err := p.startThere(ctx)
		// Another process may have taken a port since it was found to be free.
		if gone := (*kubeEndedError)(nil); fresh && attempt < 3 && errors.As(err, &gone) {
			continue
		}
		return err
	}
}

// prepare chooses the ports and writes the keys and the kubeconfig.
func (p *controlPlane) prepare(ctx context.Context) error {
	for _, port := range []*int{&p.etcdPort, &p.peerPort, &p.port} {
		var err error
		if *port, err = freePort(ctx); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(p.home, "etcd")); err != nil { // of the attempt before, with other ports
		return err
	}
	p.token = rand.Text()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"accounts.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
		"accounts.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"tokens.csv":   []byte(p.token + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(p.home, name), content, 0o600); err != nil {
			return err
		}
	}
	return p.cluster().write("admin", "")
}

func (p *controlPlane) startThere(ctx context.Context) (err error) {
	etcd, peer := "http://"+loopback(p.etcdPort), "http://"+loopback(p.peerPort)
	if p.etcd == nil {
		p.etcd, err = p.run("etcd", "--data-dir="+filepath.Join(p.home, "etcd"),
			"--unsafe-no-fsync", // the data of a test need not outlive the machine
			"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
			"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
		if err != nil {
			return err
		}
	}
	if p.server == nil {
		p.server, err = p.run("kube-apiserver", append([]string{
			"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", p.port), "--cert-dir=" + filepath.Join(p.home, "certificates"),
			"--service-cluster-ip-range=10.0.0.0/16", "--service-account-issuer=https://" + loopback(p.port),
			"--service-account-key-file=" + filepath.Join(p.home, "accounts.pub"),
			"--service-account-signing-key-file=" + filepath.Join(p.home, "accounts.key"),
			"--token-auth-file=" + filepath.Join(p.home, "tokens.csv"),
			"--authorization-mode=RBAC", "--anonymous-auth=false",
			// Nothing makes the service accounts that pods would have to have, takes the taint from a new node, or lets go of a
			// volume that is no longer used.
			"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,StorageObjectInUseProtection",
			"--endpoint-reconciler-type=none", "--shutdown-delay-duration=0s",
			"--shutdown-watch-termination-grace-period=1s", // or its end waits a minute for clients that watch
		}, p.flags...)...)
		if err != nil {
			return err
		}
	}
	if err := p.answers(ctx); err != nil {
		p.kill()
		return err
	}
	return nil
}

// run starts a part of the program. Its log is home/part.log.
func (p *controlPlane) run(part string, args ...string) (*process, error) {
	return startProcess(p.log(part), p.home, p.program, append([]string{part}, args...)...)
}

func (p *controlPlane) log(part string) string { return filepath.Join(p.home, part+".log") }

// answers waits until the server is ready and has the namespace "default".
func (p *controlPlane) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kubeAnswers)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		for part, process := range map[string]*process{"etcd": p.etcd, "kube-apiserver": p.server} {
			if !process.running() {
				return &kubeEndedError{part, p.words(part)}
			}
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("the API server at %s does not answer: %w\n%s", p.cluster().URL, err, p.words("kube-apiserver"))
		}
	}
}

func (p *controlPlane) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := p.cluster().Ask(ctx, http.MethodGet, "/readyz", ""); err != nil {
		return err
	}
	_, err := p.cluster().Ask(ctx, http.MethodGet, "/api/v1/namespaces/default", "")
	return err
}

// words are the last lines that a part wrote.
func (p *controlPlane) words(part string) string {
	words, err := os.ReadFile(p.log(part))
	if err != nil {
		return err.Error()
	}
	return lastLines(string(words), 20)
}

// kill ends both as a crash would.
func (p *controlPlane) kill() {
	for _, process := range []**process{&p.server, &p.etcd} {
		if *process != nil {
			(*process).kill()
			*process = nil
		}
	}
}

// kubeEndedError says that a part ended instead of answering.
type kubeEndedError struct{ part, log string }

func (e *kubeEndedError) Error() string { return e.part + " ended at once:\n" + e.log }
