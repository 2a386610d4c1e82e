//go:build unix

package testenv

import (
	"os"
	"os/exec"
	"syscall"
)

// process is a child that never outlives this process, however that ends: a watcher beside it reads a pipe that only this
// process can write to, and kills the child when the pipe ends.
type process struct {
	command *exec.Cmd
	alive   *os.File // the pipe; to be held open
	ended   bool
}

func (p *process) pid() int { return p.command.Process.Pid }

// watch is run by sh with the folder to remove at the end (may be ""), the program and its arguments. The shell itself
// becomes the program, so that its process number is known; the child of the shell is the watcher.
const watch = `(cat <&3; kill -9 $$; sleep 1; test -z "$1" || rm -rf -- "$1") >/dev/null 2>&1 &
exec 3<&-; shift; exec "$@"`

// startProcess starts the program; the folder, if any, is removed when this process ends before the program does.
func startProcess(log, folder, program string, args ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the child has its own
	watched, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = watched.Close() }()
	command := exec.Command("sh", append([]string{"-c", watch, "sh", folder, program}, args...)...) //nolint:noctx // it ends by kill, or with this process
	command.Stdout, command.Stderr = output, output
	command.ExtraFiles = []*os.File{watched}
	// A group of its own: an interrupt from the keyboard is for us alone, and the watcher can be ended with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		_ = alive.Close()
		return nil, err
	}
	return &process{command: command, alive: alive}, nil
}

// running says whether it has not ended by itself.
func (p *process) running() bool {
	if p.ended {
		return false
	}
	pid, err := syscall.Wait4(p.command.Process.Pid, nil, syscall.WNOHANG, nil)
	p.ended = pid != 0 && err == nil
	return !p.ended
}

// terminate asks it to end.
func (p *process) terminate() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may be gone by now
}

// kill ends it and its watcher, and waits for its end.
func (p *process) kill() {
	// The group cannot be another's by now: the watcher is in it for as long as the pipe is open.
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	_ = p.command.Wait() // says that it was killed
	_ = p.alive.Close()
	p.ended = true
}
