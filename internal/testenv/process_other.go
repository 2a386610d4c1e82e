//go:build !unix

package testenv

import "errors"

type process struct{}

func (p *process) pid() int { return 0 }

func startProcess(string, string, string, ...string) (*process, error) {
	return nil, errors.New("servers for tests are started on Unix only: name one by " + Neo4jURIEnv + " or " + KubeconfigEnv)
}

func (*process) running() bool { return false }
func (*process) terminate()    {}
func (*process) kill()         {}
