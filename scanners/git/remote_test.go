package git_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/git"
)

// host serves repositories over HTTP as git's own program does.
type host struct {
	*httptest.Server
	dir      string        // of the repositories
	password string        // of the user "reader"; "" = everybody may read
	oldest   bool          // only the oldest protocol is spoken
	dumb     bool          // files are served, and nothing else
	stall    atomic.Int64  // of the packs that are asked for from now on, the one that does not go on after its beginning; 0 = none
	stalled  chan struct{} // it was begun
	requests atomic.Int64
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{dir: t.TempDir(), stalled: make(chan struct{}, 100)}
	backend := filepath.Join(command(t, "", "", "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("there is no git-http-backend here:", err)
	}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		if user, password, _ := r.BasicAuth(); h.password != "" && (user != "reader" || password != h.password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if h.dumb {
			http.FileServer(http.Dir(h.dir)).ServeHTTP(w, r)
			return
		}
		handler := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + h.dir, "GIT_HTTP_EXPORT_ALL=1"}, Stderr: new(bytes.Buffer)}
		if version := r.Header.Get("Git-Protocol"); version != "" && !h.oldest {
			handler.Env = append(handler.Env, "GIT_PROTOCOL="+version)
		}
		if h.stall.Load() > 0 && strings.HasSuffix(r.URL.Path, "git-upload-pack") && r.Method == http.MethodPost {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, r)
			if body := recorder.Body.Bytes(); bytes.Contains(body, []byte("PACK")) && h.stall.Add(-1) == 0 {
				w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
				_, _ = w.Write(body[:len(body)/2])
				_ = http.NewResponseController(w).Flush()
				h.stalled <- struct{}{}
				<-r.Context().Done()
				return
			}
			w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
			_, _ = w.Write(recorder.Body.Bytes())
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(h.CloseClientConnections)
	t.Cleanup(h.Close)
	return h
}

// repository makes one that is served.
func (h *host) repository(t *testing.T, name string) string {
	t.Helper()
	return bare(t, filepath.Join(h.dir, name))
}

func (h *host) name() string { return strings.TrimPrefix(h.URL, "http://") }

// TestHTTP holds what is read over HTTP, of hosts that can do more and less.
func TestHTTP(t *testing.T) {
	for name, able := range map[string]func(t *testing.T, h *host, dir string){
		"all": func(*testing.T, *host, string) {},
		"no parts": func(t *testing.T, _ *host, dir string) {
			command(t, dir, "", "config", "uploadpack.allowFilter", "false")
		},
		"the oldest protocol": func(_ *testing.T, h *host, _ string) { h.oldest = true },
		"old, no single objects": func(t *testing.T, h *host, dir string) {
			h.oldest = true
			command(t, dir, "", "config", "uploadpack.allowAnySHA1InWant", "false")
		},
		"files alone": func(_ *testing.T, h *host, _ string) { h.dumb = true },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			dir := h.repository(t, "acme/one.git")
			able(t, h, dir)
			publish := func(files tree) {
				commit(t, dir, files)
				command(t, dir, "", "update-server-info")
			}
			publish(tree{"a.yaml": strings.Replace(component("a"), "  name", "  description: {$text: ./text}\n  name", 1), "text": "words", "main.go": "package main"})
			s := newSource(t, git.Config{Repositories: []string{h.URL + "/acme/one.git"}})
			s.scan(t)
			if diff := gocmp.Diff([]string{"read " + h.name() + "/acme/one/a.yaml"}, s.reports()); diff != "" {
				t.Error(diff)
			}
			if document := s.last[0].Documents[0]; document.Claims[0].Descriptor.Description != "words" || document.Version.Web != "" {
				t.Errorf("%+v", document)
			}
			h.requests.Store(0)
			s.scan(t)
			if diff := gocmp.Diff([]string{"unchanged " + h.name() + "/acme/one/"}, s.reports()); diff != "" || h.requests.Load() > 3 {
				t.Errorf("%d requests: %s", h.requests.Load(), diff)
			}
			for i := range 3 {
				publish(tree{"a.yaml": component(fmt.Sprint("a", i)), "b.yaml": component(fmt.Sprint("b", i))})
				s.scan(t)
				if diff := gocmp.Diff([]string{fmt.Sprint("component:default/a", i), fmt.Sprint("component:default/b", i)}, s.refs()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestPassword holds that the password of a URL is used, is shown nowhere and kept nowhere.
func TestPassword(t *testing.T) {
	const secret = "s3cr3t/with:odd@signs"
	h := newHost(t)
	h.password = secret
	commit(t, h.repository(t, "one.git"), tree{"a.yaml": component("a")})
	home := t.TempDir()
	t.Setenv("HOME", home)
	helper := "[credential]\n\thelper = store\n[user]\n\tname = x\n" // would keep what it is told
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(helper), 0o600); err != nil {
		t.Fatal(err)
	}
	address := func(password string) string {
		u, err := url.Parse(h.URL + "/one.git")
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("reader", password)
		return u.String()
	}
	calls := counting(t)
	cache := t.TempDir()
	s := newSource(t, git.Config{Repositories: []string{address(secret)}, Cache: cache})
	s.scan(t)
	if diff := gocmp.Diff([]string{"read " + h.name() + "/one/a.yaml"}, s.reports()); diff != "" {
		t.Error(diff)
	}
	hidden := func(what, text string) {
		t.Helper()
		for _, word := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), "s3cr3t", "reader"} {
			if strings.Contains(text, word) {
				t.Errorf("%s show %s: %s", what, word, text)
			}
		}
	}
	hidden("arguments", strings.Join(calls(), "\n"))
	hidden("states", string(s.state))
	for _, dir := range []string{cache, home} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			hidden(path, path+string(data))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	for name, wrong := range map[string]string{"wrong": address("s3cr3t-wrong"), "none": h.URL + "/one.git", "not there": strings.Replace(address(secret), "/one", "/two", 1)} {
		s := newSource(t, git.Config{Repositories: []string{wrong}})
		err := s.try(t.Context())
		if err == nil {
			t.Fatal(name, "is enough")
		}
		hidden("errors", err.Error())
		hidden("reports", strings.Join(s.reports(), "\n"))
		if len(s.last) != 1 || !strings.Contains(err.Error(), h.name()+"/") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %q", name, err, s.reports())
		}
		t.Log(err)
	}
	for _, bad := range []string{
		"https://reader:s3cr3t@", "https://reader:s3cr3t@host/x?y", "https://reader:s3cr3t@ho st/x", "ext::https://reader:s3cr3t@host", "https://reader:s3cr3t/@@host:port/x",
		"ssh://reader:s3cr3t@host/x", "git://reader:s3cr3t@host/x", "https://reader:s3cr3t@host/../x", "reader:s3cr3t@host", "https://reader:s3cr3t%0a@host/x",
	} {
		_, err := git.New(git.Config{Repositories: []string{bad}, Cache: cache})
		if err == nil {
			t.Errorf("%s is accepted", bad)
			continue
		}
		hidden("errors", err.Error())
	}
}

// TestRefusedAddresses holds what git is never given.
func TestRefusedAddresses(t *testing.T) {
	for _, bad := range []string{
		"", "-", "--upload-pack=touch x", "ext::sh -c 'touch x'", "ext::sh", "fd::17/foo", "ftp://host/x", "file://host/x", "file:relative", "file:///a b", "/srv/git/x.git", "./x",
		"x", "https://", "https:///x", "https://host", "https://host/", "https://-oProxyCommand=x/y", "ssh://-oProxyCommand=x/y", "-oProxyCommand=x:y", "git@-x:y", "-a@host:x",
		"ssh://-a@host/x", "host:-x", "https://host/x\n", "https://host/a/../b", "https://host/%2e%2e/b", "https://host/x#y", "https://host/x\x00", "host:a\\b", "host::x", "https://host/%0a",
	} {
		if _, err := git.New(git.Config{Repositories: []string{bad}, Cache: t.TempDir()}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// TestNamesOfAddresses holds what the scopes of a remote are called, and where links lead, by the hosts that are asked for it.
func TestNamesOfAddresses(t *testing.T) {
	t.Setenv("GIT_SSH_COMMAND", "false")
	for _, proxy := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(proxy, "http://127.0.0.1:1")
	}
	for text, want := range map[string]string{
		"https://github.com/Acme/Checkout.git":    "github.com/Acme/Checkout/",
		"https://GitHub.com:443/Acme/Checkout/":   "github.com/Acme/Checkout/",
		"git@github.com:Acme/Checkout.git":        "github.com/Acme/Checkout/",
		"ssh://git@gitlab.example.com:2222/a/b/c": "gitlab.example.com:2222/a/b/c/",
		"ssh://host/~me/x.git":                    "host/~me/x/",
		"http://[::1]:8080/x":                     "[::1]:8080/x/",
		"http://127.0.0.1:1/a%20b.git":            "127.0.0.1:1/a b/",
		"file:///srv/nowhere/x.git":               "/srv/nowhere/x.git/",
		"https://token@dev.azure.com/o/p/_git/r":  "dev.azure.com/o/p/_git/r/",
		"work:repositories/x.git":                 "work/repositories/x/",
	} {
		s := newSource(t, git.Config{Repositories: []string{text}})
		if err := s.try(t.Context()); err == nil || len(s.last) != 1 || s.last[0].Name != want {
			t.Errorf("%s: %q and %v, want %s", text, s.reports(), err, want)
		}
	}
}

// TestEndsWithItsContext holds that a scan ends soon after it is told to, in the middle of a fetch, with all that it started,
// and that the next one goes on from there.
func TestEndsWithItsContext(t *testing.T) {
	h := newHost(t)
	files := tree{"a.yaml": component("a")}
	for i := range 200 {
		files[fmt.Sprint("x", i, "/catalog-info.yaml")] = component(fmt.Sprint("x", i)) + strings.Repeat("# some words to make it longer\n", i)
	}
	commit(t, h.repository(t, "one.git"), files)
	s := newSource(t, git.Config{Repositories: []string{h.URL + "/one.git"}})
	for _, pack := range []int64{1, 2} { // the commit, and the contents
		h.stall.Store(pack)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		why := errors.New("the program ends")
		ended := make(chan error, 1)
		go func() { ended <- s.try(ctx) }()
		select {
		case <-h.stalled:
		case err := <-ended:
			t.Fatalf("pack %d: %v", pack, err)
		}
		cancel(why)
		select {
		case err := <-ended:
			if !errors.Is(err, why) {
				t.Errorf("the error is %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the scan goes on")
		}
	}
	s.scan(t)
	if len(s.held) != len(files) {
		t.Errorf("%d scopes, want %d", len(s.held), len(files))
	}
	// A remote that does not go on is given up in time.
	commit(t, filepath.Join(h.dir, "one.git"), tree{"a.yaml": component("b")})
	h.stall.Store(1)
	slow := newSource(t, git.Config{Repositories: []string{h.URL + "/one.git"}, Timeout: time.Second})
	if err := slow.try(t.Context()); err == nil || !strings.Contains(err.Error(), "it took longer than 1s") {
		t.Errorf("%v", err)
	}
}

// TestSSH holds that what people have set up for ssh is used, and that nothing can be asked of anybody.
func TestSSH(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
	commit(t, dir, tree{"a.yaml": component("a"), "b/b.yaml": component("b")})
	log, script := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "ssh")
	text := "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '" + log + "'\n(: < /dev/tty) 2> /dev/null && echo a terminal >> '" + log + "'\n" +
		"for last; do :; done\nexec sh -c \"$last\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSH", script)
	t.Setenv("GIT_SSH_VARIANT", "ssh")
	for text, want := range map[string]string{"git@code.acme.example:" + dir: "code.acme.example", "ssh://git@code.acme.example:2222" + dir: "code.acme.example:2222"} {
		s := newSource(t, git.Config{Repositories: []string{text}})
		s.scan(t)
		name := want + strings.TrimSuffix(dir, ".git")
		if diff := gocmp.Diff([]string{"read " + name + "/a.yaml", "read " + name + "/b/b.yaml"}, s.reports()); diff != "" {
			t.Error(diff)
		}
	}
	said, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(said), "-p 2222 git@code.acme.example git-upload-pack") || strings.Contains(string(said), "a terminal") {
		t.Errorf("%s %v", said, err)
	}
}
