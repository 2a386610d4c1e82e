// Package demo holds the demo company: the catalog files of Harbour Outfitters, a made-up shop for outdoor clothes. It is
// what `orrery serve --demo` shows, the example of the documentation and golden data of tests. It is written as a real
// company would write it, deliberate faults included; docs/demo.md lists them.
package demo

import (
	"embed"
	"io/fs"
)

//go:embed all:files
var embedded embed.FS

// Name is the name of the demo company, for people.
const Name = "Harbour Outfitters"

// Files are the catalog files of the demo company, one folder for each repository.
func Files() fs.FS {
	files, err := fs.Sub(embedded, "files")
	if err != nil {
		panic(err) // cannot be: the folder's name is a constant that the compiler has found
	}
	return files
}
