package webhook_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// FuzzDelivery holds that whatever is delivered is answered by one of the statuses, that only what is signed is heard of, and
// that every name is one that a source can have.
func FuzzDelivery(f *testing.F) {
	for event, payload := range map[string]string{
		"push":                      pushed,
		"repository":                `{"action":"renamed","changes":{"repository":{"name":{"from":"cart"}}},"repository":{"full_name":"acme/checkout"}}`,
		"installation":              `{"installation":{"account":{"login":"acme"}}}`,
		"installation_repositories": `{"repositories_added":[{"full_name":"acme/b"}]}`,
		"installation_target":       `{"account":{"login":"b"},"changes":{"login":{"from":"acme"}}}`,
		"organization":              `{"action":"renamed","organization":{"login":"acme"}}`,
		"pull_request":              `{"action":"opened","number":7,"repository":{"full_name":"acme/checkout"}}`,
		"check_run":                 `{"action":"rerequested","check_run":null}`,
		"team":                      `{"organization":{"login":"acme"}}`,
	} {
		f.Add(event, "1", "application/json", []byte(payload), true)
		f.Add(event, "1", "application/x-www-form-urlencoded", []byte("payload="+payload), false)
	}
	f.Fuzz(func(t *testing.T, event, id, media string, body []byte, signed bool) {
		s := newSource()
		target := s.target()
		target.Owners = nil
		h := handler(t, webhook.Config{Targets: []webhook.Target{target}, MaxBytes: 4096})
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", media)
		r.Header.Set("X-GitHub-Event", event)
		r.Header.Set("X-GitHub-Delivery", id)
		if signed {
			r.Header.Set("X-Hub-Signature-256", sign(secret, body))
		} else {
			r.Header.Set("X-Hub-Signature-256", sign("another", body))
		}
		status := send(h, r)
		if !slices.Contains([]int{202, 400, 401, 413, 415}, status) || status == 202 && !signed {
			t.Errorf("status %d", status)
		}
		heard := s.heard()
		if status != 202 && len(heard)+len(s.pulls) > 0 {
			t.Errorf("heard of what was refused: %v, %v", heard, s.pulls)
		}
		for _, names := range heard {
			if len(names) == 0 || !slices.IsSorted(names) {
				t.Errorf("names %q", names)
			}
			for _, name := range names {
				rest, teams := strings.CutPrefix(name, "teams/")
				rest, here := strings.CutPrefix(rest, "github.com/")
				if !here || !fs.ValidPath(strings.TrimSuffix(rest, "/")) || teams && strings.Contains(rest, "/") {
					t.Errorf("the name %q", name)
				}
			}
		}
	})
}
