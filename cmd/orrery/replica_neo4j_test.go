package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long tests wait for what takes seconds at most, on a machine that does much else.
const patience = 2 * time.Minute

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !condition() {
		if ctx.Err() != nil {
			t.Fatalf("this does not come about: %s", what)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// replica is an `orrery serve` in a process of its own.
type replica struct {
	t       *testing.T
	url     string
	command *exec.Cmd
	log     *watched
	done    chan int      // the exit status
	gone    chan struct{} // closed when it has ended
}

// startReplica starts one that ends with the test at the latest.
func startReplica(t *testing.T, file string) *replica {
	t.Helper()
	r := &replica{t: t, log: newWatched(), done: make(chan int, 1), gone: make(chan struct{})}
	r.command = exec.Command(os.Args[0], "serve", "--config", file)
	r.command.Env = append(os.Environ(), runEnv+"="+untilInput)
	r.command.Stderr = r.log
	alive, err := r.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.command.Wait() // tests look at what became of it
		r.done <- r.command.ProcessState.ExitCode()
		close(r.gone)
	}()
	t.Cleanup(func() {
		r.resume()
		_ = r.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-r.gone:
		case <-time.After(time.Minute):
			t.Errorf("replica %d does not stop", r.command.Process.Pid)
			r.kill()
		}
		_ = alive.Close()
		if t.Failed() {
			t.Logf("the log of replica %d:\n%s", r.command.Process.Pid, r.said())
		}
	})
	r.url = r.log.wait(t, r.done, regexp.MustCompile(`"url":"([^"]+)"`))
	return r
}

// said is its log, without the requests.
func (r *replica) said() string {
	var said []string
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, `"message":"request"`) {
			said = append(said, line)
		}
	}
	return strings.Join(said, "")
}

func (r *replica) kill() {
	_ = r.command.Process.Kill()
	<-r.gone
}

func (r *replica) pause()  { _ = r.command.Process.Signal(syscall.SIGSTOP) }
func (r *replica) resume() { _ = r.command.Process.Signal(syscall.SIGCONT) }

// ended says whether the process has.
func (r *replica) ended() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}

// scans says whether it believes to hold the lease of scans.
func (r *replica) scans() bool {
	log := r.log.String()
	return !r.ended() && strings.LastIndex(log, "this replica scans from now on") > strings.LastIndex(log, "this replica scans no more")
}

// digest is that of its graph; "" if it does not tell.
func (r *replica) digest() string {
	body, status := get(r.t, r.url+"/v1/export?digest")
	if status != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(body)
}

// tryQuery asks a server; anything but an answer without errors is one.
func tryQuery(ctx context.Context, url, query string) ([]byte, error) {
	answer, err := post(ctx, url, query)
	if err != nil {
		return nil, err
	}
	var told struct{ Errors []struct{ Message string } }
	if err := json.Unmarshal(answer, &told); err != nil || len(told.Errors) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: %s", query, answer))
	}
	return answer, nil
}

// revision is that of its snapshot; 0 if it does not tell.
func (r *replica) revision() int {
	answer, err := tryQuery(r.t.Context(), r.url, "{ snapshot { revision } }")
	if err != nil {
		return 0
	}
	var told struct {
		Data struct{ Snapshot struct{ Revision int } }
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		r.t.Fatal(err)
	}
	return told.Data.Snapshot.Revision
}

// scan has the source files scanned, by whoever scans, and returns the revision that it made.
func (r *replica) scan(ctx context.Context) (int, error) {
	answer, err := tryQuery(ctx, r.url, `mutation { scanSource(id: "files") { revision } }`)
	if err != nil {
		return 0, err
	}
	var told struct {
		Data struct{ ScanSource struct{ Revision int } }
	}
	err = json.Unmarshal(answer, &told)
	return told.Data.ScanSource.Revision, err
}

// readyz is what /readyz says of the store.
func (r *replica) readyz() (status int, reachable bool) {
	body, status := get(r.t, r.url+"/readyz")
	var told struct {
		Store *struct{ Reachable bool }
	}
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		return status, false
	}
	return status, told.Store != nil && told.Store.Reachable
}

// get is the body and the status of an answer; status 0 where there is none.
func get(t *testing.T, url string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", 0
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", 0
	}
	return string(body), response.StatusCode
}

// replicas are some servers on one store, and the folder that they scan when they are asked to.
type replicas struct {
	*testing.T
	dir, file string
	running   []*replica
}

// startReplicas starts so many, on a folder of generation 0, and waits until each shows it.
func startReplicas(t *testing.T, count int, graph string) *replicas {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	rs := &replicas{T: t, dir: t.TempDir()}
	rs.file = write(t, fmt.Sprintf("listen: 127.0.0.1:0\ngraph: %s\nsources:\n  - {id: files, kind: files, paths: [%q]}\n",
		graph, filepath.Join(rs.dir, "files")), rs.dir, "orrery.yaml")
	rs.generation(0)
	for range count {
		rs.running = append(rs.running, startReplica(t, rs.file))
	}
	rs.converge()
	return rs
}

const (
	generationFiles    = 80
	generationEntities = 75 // in each file
)

// generation makes the folder be of a generation, at once, so that no scan sees parts of two: it is a link to a folder that
// is complete. Every entity tells its generation, every eighth file comes or goes.
func (rs *replicas) generation(number int) {
	rs.Helper()
	folder := fmt.Sprint("generation-", number)
	for file := range generationFiles {
		if (file+number)%8 == 0 {
			continue
		}
		var text strings.Builder
		for entity := range generationEntities {
			fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: c%d-%d, description: text of generation %d}\n"+
				"spec: {type: service, lifecycle: g%d, owner: g%d, dependsOn: [component:c%d-%d]}\n",
				file, entity, number, number, number, (file+number)%generationFiles, (entity+number)%generationEntities)
		}
		write(rs.T, text.String(), rs.dir, folder, fmt.Sprint(file, ".yaml"))
	}
	fresh := filepath.Join(rs.dir, "next")
	if err := os.Symlink(folder, fresh); err != nil {
		rs.Fatal(err)
	}
	if err := os.Rename(fresh, filepath.Join(rs.dir, "files")); err != nil {
		rs.Fatal(err)
	}
}

// files is the digest of what the files say.
func (rs *replicas) files() string {
	rs.Helper()
	return strings.TrimSpace(must(rs.T, "export", "--digest", "--catalog", filepath.Join(rs.dir, "files")))
}

// converge waits until all replicas that run show what the files say.
func (rs *replicas) converge() {
	rs.Helper()
	want := rs.files()
	for _, r := range rs.running {
		if !r.ended() {
			eventually(rs.T, fmt.Sprintf("replica %d shows what the files say", r.command.Process.Pid), func() bool { return r.digest() == want })
		}
	}
}

// holder waits until one of them scans, and returns it with those that do not.
func (rs *replicas) holder() (holder *replica, others []*replica) {
	rs.Helper()
	eventually(rs.T, "one replica scans", func() bool {
		holder, others = nil, nil
		for _, r := range rs.running {
			switch {
			case r.ended():
			case holder == nil && r.scans():
				holder = r
			default:
				others = append(others, r)
			}
		}
		return holder != nil
	})
	return holder, others
}
