package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// Hook is where webhooks go: that of an app, of an organisation, or of all there is.
type Hook struct {
	hub          *GitHub
	id           int64
	url, secret  string
	app          *App
	organization *Account
	waiting      []*Delivery
}

// Delivery is one webhook, made when it happened.
type Delivery struct {
	ID      string // X-GitHub-Delivery
	Event   string // X-GitHub-Event
	Payload []byte
}

// AddHook sends what happens from now on to the URL, signed with the secret ("" = unsigned), once [Hook.Deliver] is called.
func (g *GitHub) AddHook(url, secret string) *Hook { return g.addHook(&Hook{url: url, secret: secret}) }

// AddHook is the webhook of the app: it is told of what happens where the app is installed.
func (a *App) AddHook(url, secret string) *Hook {
	return a.hub.addHook(&Hook{url: url, secret: secret, app: a})
}

// AddHook is a webhook of the organisation.
func (a *Account) AddHook(url, secret string) *Hook {
	return a.hub.addHook(&Hook{url: url, secret: secret, organization: a})
}

func (g *GitHub) addHook(h *Hook) *Hook {
	g.mu.Lock()
	defer g.mu.Unlock()
	h.hub, h.id = g, g.id()
	g.hooks = append(g.hooks, h)
	return h
}

// Waiting are the deliveries that were not sent yet, in order.
func (h *Hook) Waiting() []*Delivery {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	return slices.Clone(h.waiting)
}

// Lose forgets what was not sent yet, as a receiver that was away never gets it.
func (h *Hook) Lose() {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	h.waiting = nil
}

// Deliver sends what waits, in order, and returns the statuses that the receiver answered.
func (h *Hook) Deliver(ctx context.Context) (statuses []int, err error) {
	h.hub.mu.Lock()
	waiting := h.waiting
	h.waiting = nil
	h.hub.mu.Unlock()
	for _, d := range waiting {
		status, failed := h.Send(ctx, d)
		statuses, err = append(statuses, status), errors.Join(err, failed)
	}
	return statuses, err
}

// Send sends a delivery, also one that was sent before, and returns the status that the receiver answered.
func (h *Hook) Send(ctx context.Context, d *Delivery) (status int, err error) {
	request, err := h.Request(ctx, d)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// Request is a delivery as GitHub sends it.
func (h *Hook) Request(ctx context.Context, d *Delivery) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(d.Payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "GitHub-Hookshot/044aadd")
	request.Header.Set("X-GitHub-Event", d.Event)
	request.Header.Set("X-GitHub-Delivery", d.ID)
	request.Header.Set("X-GitHub-Hook-ID", number(h.id))
	target, of := "repository", int64(0)
	switch {
	case h.app != nil:
		target, of = "integration", h.app.id
	case h.organization != nil:
		target, of = "organization", h.organization.id
	}
	request.Header.Set("X-GitHub-Hook-Installation-Target-Type", target)
	request.Header.Set("X-GitHub-Hook-Installation-Target-ID", number(of))
	if h.secret != "" {
		request.Header.Set("X-Hub-Signature-256", Sign(h.secret, d.Payload))
	}
	return request, nil
}

// Sign is the value of X-Hub-Signature-256.
func Sign(secret string, payload []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(payload)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Ping queues the ping that GitHub sends to a new hook.
func (h *Hook) Ping() {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	h.queue("ping", object{
		"zen": "Speak like a human.", "hook_id": h.id,
		"hook": object{
			"type": "App", "id": h.id, "name": "web", "active": true, "events": []string{"push"},
			"created_at": stamp(h.hub.now()), "updated_at": stamp(h.hub.now()),
			"config": object{"content_type": "json", "insecure_ssl": "0", "url": h.url},
		},
	})
}

func (h *Hook) queue(event string, payload object) {
	text, _ := json.Marshal(payload) // maps, lists and plain values
	n := h.hub.id()
	h.waiting = append(h.waiting, &Delivery{
		ID: fmt.Sprintf("%08x-0000-11ee-8000-%012x", h.id, n), Event: event, Payload: text,
	})
}

// emit tells the hooks that something happened in an account, to a repository unless that is nil.
func (g *GitHub) emit(event string, in *Account, r *Repository, payload object) {
	for _, h := range g.hooks {
		if h.organization != nil && h.organization != in {
			continue
		}
		told := maps.Clone(payload)
		if h.app != nil {
			i := h.app.in(in)
			if i == nil || r != nil && !r.gone && !i.covers(r) {
				continue
			}
			told["installation"] = object{"id": i.id, "node_id": nodeID("MDIz", i.id)}
		}
		if r != nil {
			told["repository"] = g.renderRepository(r, g.api(), &principal{})
		}
		if in.organization {
			told["organization"] = g.simpleOrganization(in, g.api())
		}
		told["sender"] = g.simpleUser(&Account{id: 1, login: "somebody"}, g.api())
		h.queue(event, told)
	}
}

// api is the address that payloads have in links.
func (g *GitHub) api() string {
	if g.host == "github.com" {
		return "https://api.github.com"
	}
	return "https://" + g.host + "/api/v3"
}

// in is where the app is installed in an account.
func (a *App) in(account *Account) *Installation {
	for _, i := range a.installations {
		if i.account == account && !i.suspended {
			return i
		}
	}
	return nil
}

// emitInstallation tells the app's own hooks.
func (g *GitHub) emitInstallation(i *Installation, event string, payload object) {
	for _, h := range g.hooks {
		if h.app == i.app {
			payload["installation"] = g.renderInstallation(i, g.api())
			payload["sender"] = g.simpleUser(&Account{id: 1, login: "somebody"}, g.api())
			h.queue(event, payload)
		}
	}
}
