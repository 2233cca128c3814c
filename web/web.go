// Package web holds the console. It is not built yet: there is one page that
// says so.
package web

import _ "embed" // for the page

// Page is served at / until the console exists.
//
//go:embed page.html
var Page []byte
