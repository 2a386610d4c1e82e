//go:build !unix

package git

import "os/exec"

// ownGroup does nothing: the command ends with its context, what it started when it notices.
func ownGroup(*exec.Cmd) {}
