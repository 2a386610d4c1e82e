package testenv

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// KubeOptions say what an [OwnKube] has. The zero value is an API server alone.
type KubeOptions struct {
	// Name is that of the context in its kubeconfig; "" = "test".
	Name string
	// Controllers runs the controllers that make pods of workloads and fill EndpointSlices, the scheduler, and fake nodes
	// on which pods really become Running. No container runs: what a probe would find is not simulated, every pod is ready.
	// What a test writes into the status of a running pod stays. Claims of the storage class "standard" get a volume.
	Controllers bool
	// FakeNodes is how many nodes there are with Controllers; 0 = 3. They are node-1, node-2 and so on, each in the next of
	// the zones zone-a, zone-b and zone-c of region-1. A test may make more by the annotation kwok.x-k8s.io/node: fake.
	FakeNodes int
	// Flags are further flags of the API server, in the form "--name=value": with --etcd-compaction-interval=1s, a
	// list that was begun before a Kill cannot be gone on with (410 Gone).
	Flags []string
}

// OwnKubeCluster is a cluster for one test, which may do with it whatever it wants. Its methods fail the test when they
// cannot do what they say; they may not be called at the same time.
type OwnKubeCluster struct {
	KubeCluster // as an administrator; the same after each Start
	t           testing.TB
	plane       *controlPlane
	tokens      *tokenReviewer
	parts       []*kubePart // with controllers
	logs        podLogs
}

// OwnKube starts a cluster that ends with the test: some 400 MiB of memory, and 700 MiB with controllers.
func OwnKube(t testing.TB, options KubeOptions) *OwnKubeCluster {
	t.Helper()
	skipBuilding(t)
	ctx, cancel := context.WithTimeout(t.Context(), kubeBuilds+kubeAnswers)
	defer cancel()
	program, err := kubeProgram(ctx)
	skipMissing(t, PartKube, err)
	var player kwok
	if options.Controllers {
		player, err = kwokProgram(ctx)
		skipMissing(t, PartKube, err)
	}
	home, err := os.MkdirTemp("", "orrery-kube-") // not t.TempDir: it goes also where the test process is killed
	if err != nil {
		t.Fatal(err)
	}
	o := &OwnKubeCluster{t: t, logs: podLogs{}}
	o.plane = &controlPlane{program: program, name: cmp.Or(options.Name, "test"), home: home}
	t.Cleanup(o.end)
	o.tokens = reviewTokens(t, filepath.Join(home, "reviewer"))
	o.plane.flags = append(o.tokens.flags(), options.Flags...)
	o.Start()
	if options.Controllers {
		if err := o.startControllers(ctx, player, options.FakeNodes); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// Start starts the API server again, with the same data, address and tokens, and waits until it answers; the controllers
// begin anew. A server that runs stays as it is.
func (o *OwnKubeCluster) Start() {
	o.t.Helper()
	if o.plane.server != nil {
		return
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), kubeAnswers+time.Minute)
	defer cancel()
	if err := o.plane.start(ctx); err != nil {
		o.t.Fatal(err)
	}
	o.KubeCluster = o.plane.cluster()
	if err := o.startParts(); err != nil {
		o.t.Fatal(err)
	}
}

// Stop ends the API server in order; etcd and the controllers go on.
func (o *OwnKubeCluster) Stop() {
	if o.plane.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.t.Context()), time.Minute)
	defer cancel()
	o.plane.server.terminate()
	for o.plane.server.running() && pause(ctx, 20*time.Millisecond) {
	}
	o.Kill()
}

// Kill ends the API server by SIGKILL; etcd and the controllers go on. A client that watched from a revision before the
// last change is refused (410 Gone) after the next Start, as the server remembers no changes from before it started. One
// that does not run stays so.
func (o *OwnKubeCluster) Kill() {
	if o.plane.server != nil {
		o.plane.server.kill()
		o.plane.server = nil
	}
}

// end ends everything, and tells of what ended before although the server was there.
func (o *OwnKubeCluster) end() {
	for _, part := range o.parts {
		if o.plane.server != nil && part.process != nil && !part.process.running() {
			o.t.Errorf("%s ended by itself:\n%s", part.name, o.plane.words(part.name))
		}
		part.kill()
	}
	o.plane.kill()
	if err := os.RemoveAll(o.plane.home); err != nil {
		o.t.Log(err)
	}
}
