package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// looks is how often the size of a cache is looked at while something is fetched.
	looks = 200 * time.Millisecond
	// asking is how long a remote may take to say at which commit it is.
	asking = 2 * time.Minute
)

var (
	errBranch = errors.New("it has no such branch")
	errHead   = errors.New("its HEAD names a branch that it does not have")
	errLarge  = errors.New("it is larger than a repository may be here")
)

// formatOf is the kind of hash that the name of an object is; "" = it is none.
func formatOf(oid string) string {
	if strings.Trim(oid, "0123456789abcdef") != "" {
		return ""
	}
	switch len(oid) {
	case 40:
		return "sha1"
	case 64:
		return "sha256"
	}
	return ""
}

// ref is what is read of each repository.
func (c *Config) ref() string {
	if c.Branch == "" {
		return "HEAD"
	}
	return "refs/heads/" + c.Branch
}

// remoteHead asks a remote at which commit it is; "" = it is empty.
func (s *scan) remoteHead(ctx context.Context, a *address) (string, error) {
	answer := &bounded{most: 1 << 20}
	err := call{
		args: []string{"ls-remote", "-q", remoteName, s.config.ref()}, gitDir: s.plain["sha1"], remote: a, output: answer, timeout: min(asking, s.config.Timeout),
	}.run(ctx)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(answer.String()) {
		if oid, ref, _ := strings.Cut(strings.TrimSpace(line), "\t"); ref == s.config.ref() && formatOf(oid) != "" {
			return oid, nil
		}
	}
	some := &bounded{most: 40} // of the first line
	err = call{
		args: []string{"ls-remote", "-q", "--heads", remoteName}, gitDir: s.plain["sha1"], remote: a, output: some, timeout: min(asking, s.config.Timeout),
	}.run(ctx)
	switch {
	case some.Len() > 0:
		return "", s.noBranch()
	case err != nil:
		return "", err
	}
	return "", nil
}

func (s *scan) noBranch() error {
	if s.config.Branch == "" {
		return errHead
	}
	return fmt.Errorf("%w: %s", errBranch, s.config.Branch)
}

// fetch brings the commit that the remote is at now into the cache, and returns it.
func (s *scan) fetch(ctx context.Context, a *address, c *cache) (string, error) {
	had := c.mode != ""
	if !had {
		if err := c.clear(contents); err != nil {
			return "", err
		}
	}
	for {
		err := s.fetchBy(ctx, a, c, nil, "+"+s.config.ref()+":"+fetchedRef)
		var said *commandError
		switch {
		case err == nil:
			if commit := c.commit(); commit != "" {
				return commit, nil
			}
			return "", fmt.Errorf("%w: what was fetched is not there", errBroken)
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case errors.Is(err, errLarge):
			return "", err
		case c.mode != all && errors.As(err, &said) && strings.Contains(said.words, "dumb http"):
			err = c.clear(all)
		case had: // it may be the cache that is broken: the remote has just answered
			had, err = false, c.clear(c.mode)
		default:
			return "", err
		}
		if err != nil {
			return "", err
		}
	}
}

// fetchContents brings blobs into the cache. Where the remote does not hand out single objects, everything is fetched again,
// with all that the commit holds.
func (s *scan) fetchContents(ctx context.Context, a *address, c *cache, oids []string) error {
	slices.Sort(oids)
	err := s.fetchBy(ctx, a, c, oids)
	if err == nil || ctx.Err() != nil {
		return err
	}
	var said *commandError
	if !errors.As(err, &said) || !strings.Contains(said.words, "not our ref") && !strings.Contains(said.words, "unadvertised object") {
		return err
	}
	if err := c.clear(newest); err != nil {
		return err
	}
	_, err = s.fetch(ctx, a, c)
	return err
}

// fetchBy fetches what a refspec names, or single objects. Where the cache grows too large by it, it is removed.
func (s *scan) fetchBy(ctx context.Context, a *address, c *cache, oids []string, refspec ...string) error {
	fetch := call{
		args:   []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--force"},
		gitDir: c.dir, remote: a, timeout: s.config.Timeout,
	}
	switch {
	case len(oids) > 0:
		fetch.args = append(fetch.args, "--filter=blob:none", "--stdin")
		fetch.input = strings.NewReader(strings.Join(oids, "\n") + "\n")
		fetch.settings = [][2]string{{"fetch.negotiationAlgorithm", "noop"}}
	case c.mode == contents:
		fetch.args = append(fetch.args, "--depth=1", "--filter=blob:none")
	case c.mode == newest:
		fetch.args = append(fetch.args, "--depth=1")
	}
	fetch.args = append(append(fetch.args, remoteName), refspec...)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(looks); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				if c.bytes() > s.config.MaxRepositoryBytes {
					cancel(errLarge)
				}
			}
		}
	}()
	err := fetch.run(ctx)
	close(done)
	<-stopped
	if err == nil && c.bytes() > s.config.MaxRepositoryBytes {
		err = errLarge
	}
	if errors.Is(err, errLarge) {
		c.mode = ""
		return errors.Join(errLarge, os.RemoveAll(c.dir))
	}
	return err
}
