// Package demo holds the demo company: the catalog files of Harbour Outfitters, a made-up shop for outdoor clothes. It is
// what `orrery serve --demo` shows, the example of the documentation and golden data of tests. It is written as a real
// company would write it, deliberate faults included; docs/demo.md lists them.
package demo

import (
	"embed"
	"io/fs"
)

//go:embed all:files all:cluster
var embedded embed.FS

// Name is the name of the demo company, for people.
const Name = "Harbour Outfitters"

// Cluster is the name of the cluster that the demo company runs on, and the folder of its manifests.
const Cluster = "cluster"

// Files are the catalog files of the demo company, one folder for each repository.
func Files() fs.FS { return folder("files") }

// Manifests are what the demo company runs: its manifests, one folder for each namespace, and what kubectl says of nodes
// and pods.
func Manifests() fs.FS { return folder(Cluster) }

func folder(name string) fs.FS {
	files, err := fs.Sub(embedded, name)
	if err != nil {
		panic(err) // cannot be: the folder's name is a constant that the compiler has found
	}
	return files
}
