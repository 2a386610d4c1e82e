//go:build unix

package testenv_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

const kubeParentEnv = "ORRERY_TEST_BE_PARENT_OF_KUBE"

// TestKubeEndsWithItsParent kills a process that has a cluster with everything: all must end, and the folder go.
func TestKubeEndsWithItsParent(t *testing.T) {
	if testing.Short() {
		t.Skip("starts all of Kubernetes")
	}
	if os.Getenv(kubeParentEnv) != "" {
		own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true, FakeNodes: 1})
		_, _ = fmt.Fprintln(os.Stdout, "home", filepath.Dir(own.Kubeconfig))
		select {}
	}
	testenv.OwnKube(t, testenv.KubeOptions{}) // or it says what is missing
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKubeEndsWithItsParent$")
	parent.Env = append(os.Environ(), kubeParentEnv+"=1")
	words, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var home string
	for line := bufio.NewScanner(words); home == "" && line.Scan(); {
		home, _ = strings.CutPrefix(line.Text(), "home ")
		if !filepath.IsAbs(home) {
			home = ""
		}
	}
	// etcd, the API server, the controllers, the scheduler and kwok, each with its watcher.
	if count := len(processesOf(t, home)); home == "" || count < 5 {
		t.Fatalf("%d processes have the folder %q", count, home)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	within(t, time.Minute, "not all ends with the parent", func() bool {
		_, err := os.Stat(home)
		return os.IsNotExist(err) && len(processesOf(t, home)) == 0
	})
}

func TestKubeLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts all of Kubernetes")
	}
	var home string
	t.Run("a test", func(t *testing.T) {
		own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true, FakeNodes: 1})
		home = filepath.Dir(own.Kubeconfig)
	})
	if left := processesOf(t, home); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
	if _, err := os.Stat(home); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// processesOf are those that were started with the folder in their arguments.
func processesOf(t *testing.T, folder string) (found []string) {
	t.Helper()
	all, err := exec.CommandContext(t.Context(), "ps", "-eo", "pid,stat,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		fields := strings.Fields(line)
		if folder != "" && strings.Contains(line, folder) && fields[1][0] != 'Z' {
			found = append(found, line)
		}
	}
	return found
}
