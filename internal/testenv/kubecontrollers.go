package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// kubeControllers are those that make what tests look at. Others would only cost memory, or need what is not there.
var kubeControllers = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller", "job-controller",
	"cronjob-controller", "endpointslice-controller", "disruption-controller", "persistentvolume-binder-controller",
	"namespace-controller", "garbage-collector-controller",
}

// startControllers starts them with the scheduler and the player of nodes, and waits until the nodes are ready.
func (o *OwnKubeCluster) startControllers(ctx context.Context, player kwok, nodes int) error {
	if nodes == 0 {
		nodes = 3
	}
	if err := define(ctx, o.KubeCluster, logsResource); err != nil {
		return err
	}
	kubelet, err := freePort(ctx)
	if err != nil {
		return err
	}
	o.parts = append(o.parts, &kubePart{name: "kwok", program: player.program, args: []string{
		"--kubeconfig=" + o.Kubeconfig, "--config=" + player.stages, "--enable-crds=Logs",
		"--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake", "--node-lease-duration-seconds=0", // or one that is started anew waits for the old leases to end
		"--cidr=10.64.0.0/16", "--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", kubelet), "--server-address=" + loopback(kubelet),
	}})
	for name, flags := range map[string][]string{
		"kube-controller-manager": {
			"--controllers=" + strings.Join(kubeControllers, ","), "--service-account-private-key-file=" + filepath.Join(o.plane.home, "accounts.key"),
			"--pvclaimbinder-sync-period=1s",
		},
		"kube-scheduler": {},
	} {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		o.parts = append(o.parts, &kubePart{name: name, program: o.plane.program, args: append([]string{
			name, "--kubeconfig=" + o.Kubeconfig, "--authentication-kubeconfig=" + o.Kubeconfig, "--authorization-kubeconfig=" + o.Kubeconfig,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--leader-elect=false",
			"--kube-api-qps=500", "--kube-api-burst=500",
		}, flags...)})
	}
	if err := o.startParts(); err != nil {
		return err
	}
	_, err = o.Ask(ctx, http.MethodPost, "/apis/storage.k8s.io/v1/storageclasses", fmt.Sprintf(`{
		"metadata": {"name": %q, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
		"provisioner": "kwok.x-k8s.io/volume"
	}`, storageClass))
	if err != nil {
		return err
	}
	for number := range nodes {
		if _, err := o.Ask(ctx, http.MethodPost, "/api/v1/nodes", fakeNode(number)); err != nil {
			return err
		}
	}
	return o.nodesReady(ctx, nodes)
}

// kubePart is a program beside the API server.
type kubePart struct {
	name, program string
	args          []string
	process       *process // nil until it is first started
}

// startParts starts them anew: after an outage of the server they would wait for up to a minute before they try again, and
// one in their first second ends them.
func (o *OwnKubeCluster) startParts() error {
	for _, part := range o.parts {
		part.kill()
		var err error
		if part.process, err = startProcess(o.plane.log(part.name), o.plane.home, part.program, part.args...); err != nil {
			return err
		}
	}
	return nil
}

func (p *kubePart) kill() {
	if p.process != nil {
		p.process.kill()
		p.process = nil
	}
}

// fakeNode is large enough for whatever a test puts on it.
func fakeNode(number int) string {
	name := fmt.Sprintf("node-%d", number+1)
	return fmt.Sprintf(`{
		"metadata": {
			"name": %[1]q,
			"annotations": {"kwok.x-k8s.io/node": "fake"},
			"labels": {
				"kubernetes.io/hostname": %[1]q, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
				"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
				"topology.kubernetes.io/region": "region-1", "topology.kubernetes.io/zone": "zone-%[2]c"
			}
		},
		"status": {
			"capacity": {"cpu": "1k", "memory": "4Ti", "pods": "10k"},
			"allocatable": {"cpu": "1k", "memory": "4Ti", "pods": "10k"}
		}
	}`, name, 'a'+number%3)
}

func (o *OwnKubeCluster) nodesReady(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, kubeAnswers)
	defer cancel()
	for {
		answer, err := o.Ask(ctx, http.MethodGet, "/api/v1/nodes", "")
		if err != nil {
			return err
		}
		var nodes struct {
			Items []struct {
				Status struct {
					Conditions []struct{ Type, Status string }
				}
			}
		}
		if err := json.Unmarshal(answer, &nodes); err != nil {
			return err
		}
		ready := 0
		for _, node := range nodes.Items {
			for _, condition := range node.Status.Conditions {
				if condition.Type == "Ready" && condition.Status == "True" {
					ready++
				}
			}
		}
		if ready >= want {
			return nil
		}
		for _, part := range o.parts {
			if !part.process.running() {
				return &kubeEndedError{part.name, o.plane.words(part.name)}
			}
		}
		if !pause(ctx, 50*time.Millisecond) {
			return errors.New("the fake nodes do not become ready:\n" + o.plane.words("kwok"))
		}
	}
}
