// Package web holds the UI: a React application that speaks to the public GraphQL API and nothing else, and the handler
// that serves its built bundle out of the binary. The bundle is built by `make web` into dist, which git ignores; without
// it everything still compiles, and the handler serves a page that says how to build it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// indexFile is the page of the application; where it is missing, the bundle was not built.
const indexFile = "index.html"

func bundle() fs.FS {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // cannot be: the folder's name is a constant that the compiler has found
	}
	return files
}

// Built says whether the UI is in this binary. Where it is not, the server should say so when it starts.
func Built() bool {
	_, err := fs.Stat(bundle(), indexFile)
	return err == nil
}
