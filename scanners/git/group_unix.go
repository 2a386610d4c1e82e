//go:build unix

package git

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the leader of a session of its own: it has no terminal on which something could ask a person, and
// when its context ends, all that it started ends with it.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
