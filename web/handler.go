package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// policy is the Content-Security-Policy of the application: everything comes from this server, and no script or style is
// inline. Pictures may also be shown from where a team keeps its people's portraits.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// policyGraphiQL also lets the editor set styles and run its language worker, both from this server.
const policyGraphiQL = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// notBuilt is served in place of every page where the bundle is missing.
const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Orrery</title>
<h1>The UI is not in this binary</h1>
<p>Run <code>make build</code> in the source folder and start <code>bin/orrery</code> again. The API at
<a href="/graphql">/graphql</a> and the command line work without it.</p>
</html>
`

// routes are the first segments of the paths that the application answers. Any other path is not found; the application
// says so too, with the status 404.
var routes = map[string]bool{
	"": true, "entities": true, "entity": true, "search": true, "changes": true, "sources": true, "blast-radius": true, "problems": true, "cycles": true,
	"health": true, "drift": true,
}

// Handler serves the application on `/` and its routes, GraphiQL on `/graphiql`, and the files they need. It takes GET and
// HEAD. It sets the Content-Security-Policy of its pages itself.
func Handler() http.Handler { return newHandler(bundle()) }

// content is one file of the bundle, ready to be served.
type content struct {
	body      []byte
	gzipped   bool // body is compressed
	mediaType string
	etag      string
}

type handler struct {
	files map[string]content // by path below dist, without the .gz of compressed ones
}

func newHandler(bundle fs.FS) *handler {
	h := &handler{files: map[string]content{}}
	err := fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		name, gzipped := strings.CutSuffix(name, ".gz")
		sum := sha256.Sum256(body)
		h.files[name] = content{
			body: body, gzipped: gzipped, mediaType: mediaType(name),
			etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		}
		return nil
	})
	if err != nil {
		panic(err) // cannot be: the files are in memory
	}
	return h
}

// mediaType is fixed for what the bundle holds, so that the tables of the machine make no difference.
func mediaType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".ttf":
		return "font/ttf"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address only takes GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.Trim(r.URL.Path, "/")
	if file, ok := h.files[name]; ok && path.Ext(name) != ".html" {
		if strings.HasPrefix(name, "assets/") { // their names hold a hash of what is in them
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		serve(w, r, file, http.StatusOK)
		return
	}
	if path.Ext(name) != "" && strings.HasPrefix(name, "assets/") {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h.servePage(w, r, name)
}

func (h *handler) servePage(w http.ResponseWriter, r *http.Request, name string) {
	page, status, security := indexFile, http.StatusOK, policy
	first, _, _ := strings.Cut(name, "/")
	switch {
	case name == "graphiql":
		page, security = "graphiql.html", policyGraphiQL
	case !routes[first]:
		status = http.StatusNotFound
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Security-Policy", security)
	w.Header().Set("Referrer-Policy", "same-origin")
	file, ok := h.files[page]
	if !ok {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, notBuilt)
		return
	}
	serve(w, r, file, status)
}

func serve(w http.ResponseWriter, r *http.Request, file content, status int) {
	w.Header().Set("Content-Type", file.mediaType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", file.etag)
	body := file.body
	if file.gzipped {
		w.Header().Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			w.Header().Set("Content-Encoding", "gzip")
		} else {
			w.Header().Set("ETag", strings.TrimSuffix(file.etag, `"`)+`-plain"`)
			body = unzip(body)
		}
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		if r.Method == http.MethodGet {
			_, _ = w.Write(body)
		}
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func acceptsGzip(r *http.Request) bool {
	for _, coding := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}

// unzip decompresses a file of the bundle, whose size the build decided.
func unzip(compressed []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return nil
	}
	return body
}
