// Package web holds the console. Vite builds it into dist (see README.md), and
// the binary carries what is there: without Node, a page that says how to build it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Missing is the page that is served where the console was not built.
//
//go:embed missing.html
var Missing []byte

// Console returns the files of the built console: index.html and what it needs.
// There is no index.html when it was not built.
func Console() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}
