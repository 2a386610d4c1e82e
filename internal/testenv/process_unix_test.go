//go:build unix

package testenv

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const parentEnv = "ORRERY_TEST_BE_PARENT"

// TestProcessEndsWithItsParent kills a parent by SIGKILL: its child must end, and the folder go.
func TestProcessEndsWithItsParent(t *testing.T) {
	if folder := os.Getenv(parentEnv); folder != "" {
		child, err := startProcess(filepath.Join(folder, "log"), folder, "sleep", "1000")
		_, _ = fmt.Fprintln(os.Stdout, child.command.Process.Pid, err)
		select {}
	}
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessEndsWithItsParent$")
	parent.Env = append(os.Environ(), parentEnv+"="+folder)
	words, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	line := bufio.NewScanner(words)
	for line.Scan() {
		if _, err := fmt.Sscanf(line.Text(), "%d <nil>", &child); err == nil {
			break
		}
	}
	if err := syscall.Kill(child, 0); err != nil || child == 0 {
		t.Fatalf("the child %d does not run: %v", child, err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for alive(child) && pause(ctx, 10*time.Millisecond) {
	}
	if alive(child) {
		t.Errorf("the child %d outlives its parent", child)
	}
	for {
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		} else if !pause(ctx, 10*time.Millisecond) {
			t.Fatalf("the folder stays: %v", err)
		}
	}
}

// alive is false for a process that has ended, also while nobody has asked how.
func alive(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && len(state) > 0 && state[0] != 'Z'
}

func TestProcess(t *testing.T) {
	folder := t.TempDir()
	child, err := startProcess(filepath.Join(folder, "log"), "", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
	if err != nil {
		t.Fatal(err)
	}
	if !child.running() {
		t.Error("it does not run")
	}
	child.terminate()
	for ctx := t.Context(); child.running() && pause(ctx, 10*time.Millisecond); {
	}
	child.kill()
	if child.running() {
		t.Error("it runs still")
	}
	ended, err := startProcess(filepath.Join(folder, "log"), "", "sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	ended.kill()
	if alive(ended.command.Process.Pid) || ended.running() {
		t.Error("it was not killed")
	}
}
