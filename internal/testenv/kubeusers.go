package testenv

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// KubeUser is somebody whom the server knows by a token, and who may do what RBAC lets them: at first, nothing but to
// look at the server's version, health and list of resources.
type KubeUser struct {
	KubeCluster // its Kubeconfig names a file that holds the token, so that clients follow Renew
	t           testing.TB
	tokens      *tokenReviewer
	tokenFile   string
	identity    identity
}

type identity struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// User makes somebody the server knows. Give them rights by applying roles and bindings, which count a moment later.
func (o *OwnKubeCluster) User(name string, groups ...string) *KubeUser {
	o.t.Helper()
	folder, err := os.MkdirTemp(o.plane.home, "user-")
	if err != nil {
		o.t.Fatal(err)
	}
	u := &KubeUser{
		KubeCluster: o.KubeCluster, t: o.t, tokens: o.tokens, tokenFile: filepath.Join(folder, "token"), identity: identity{name, groups},
	}
	u.Kubeconfig = filepath.Join(folder, "kubeconfig")
	u.Renew()
	if err := u.write(name, u.tokenFile); err != nil {
		o.t.Fatal(err)
	}
	return u
}

// Renew gives them a new token, and writes it to where the kubeconfig says. The old one is revoked.
func (u *KubeUser) Renew() {
	u.t.Helper()
	u.Revoke()
	u.Token = rand.Text()
	u.tokens.known.Store(u.Token, u.identity)
	if err := os.WriteFile(u.tokenFile, []byte(u.Token), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// Revoke makes the server refuse the token (401 Unauthorized), as one that has expired: within 10 seconds, for which the
// server may remember it. Watches that run go on.
func (u *KubeUser) Revoke() { u.tokens.known.Delete(u.Token) }

// tokenReviewer tells an API server whose a token is, by the webhook for it.
type tokenReviewer struct {
	config string   // a file, in the form of a kubeconfig
	known  sync.Map // identity by token
}

func reviewTokens(t testing.TB, config string) *tokenReviewer {
	t.Helper()
	r := &tokenReviewer{config: config}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	hook := KubeCluster{Kubeconfig: config, Context: "reviewer", URL: server.URL}
	if err := hook.write("server", ""); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *tokenReviewer) flags() []string {
	return []string{
		"--authentication-token-webhook-config-file=" + r.config, "--authentication-token-webhook-version=v1",
		"--authentication-token-webhook-cache-ttl=0s",
	}
}

// ServeHTTP answers a TokenReview.
func (r *tokenReviewer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var review struct{ Spec struct{ Token string } }
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	user, known := r.known.Load(review.Spec.Token)
	answer := map[string]any{"authenticated": known}
	if known {
		answer["user"] = user
	}
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": answer})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintf(w, "%s", text) // a server that went away asks again
}
