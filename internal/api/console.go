package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/web"
)

// consolePolicy is the Content-Security-Policy of the console: its own scripts
// and nothing from elsewhere. Styles may be inline, because Mantine writes its
// variables into a style element and sizes into style attributes; a nonce would
// make each page unique, and so uncacheable, for little: styles cannot act.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// cacheForever is for files whose names change with their content.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheAsk     = "no-cache" // keep it, and ask whether it is still good
)

// console serves the built console.
type console struct {
	files map[string]*consoleFile // by path, without the slash before it
	index *consoleFile            // the page that all others are views of; nil when it was not built
}

// consoleFile is a file of the binary's. Nothing of it is in memory before it is
// asked for.
type consoleFile struct {
	name    string
	caching string
	plain   func() []byte
	sent    func() sentForm
}

// sentForm is what is kept of a file that was asked for.
type sentForm struct {
	etag string // of the plain file
	zip  []byte // nil when packing saves nothing
}

// newConsole finds the built console. What cannot be read is as if it was not
// built: the files are in the binary, so that never happens.
func newConsole(files fs.FS) *console {
	c := &console{files: map[string]*consoleFile{}}
	if files == nil {
		return c
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		c.files[name] = newConsoleFile(files, name)
		return nil
	})
	if err != nil {
		return &console{}
	}
	c.index = c.files["index.html"]
	delete(c.files, "index.html") // it is served as a page, not by its name
	return c
}

func newConsoleFile(files fs.FS, name string) *consoleFile {
	f := &consoleFile{name: name, caching: cacheAsk}
	if strings.HasPrefix(name, "assets/") {
		f.caching = cacheForever
	}
	f.plain = func() []byte {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil
		}
		return content
	}
	f.sent = sync.OnceValue(func() sentForm {
		content := f.plain()
		sum := sha256.Sum256(content)
		return sentForm{`"` + hex.EncodeToString(sum[:12]) + `"`, packed(content)}
	})
	return f
}

// packed returns the content in gzip, or nil when that is hardly smaller.
func packed(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(content); err != nil || w.Close() != nil || b.Len() > len(content)*9/10 {
		return nil
	}
	return b.Bytes()
}

// serve answers with the file.
func (f *consoleFile) serve(c echo.Context) {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, f.caching)
	header.Set(echo.HeaderContentSecurityPolicy, consolePolicy)
	header.Set(echo.HeaderContentType, mediaType(f.name))
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	var content []byte
	sent := f.sent()
	if sent.zip != nil && acceptsGzip(c.Request()) {
		content = sent.zip
		header.Set("ETag", strings.TrimSuffix(sent.etag, `"`)+`-gz"`) // other bytes, another tag
		header.Set(echo.HeaderContentEncoding, "gzip")
	} else {
		content = f.plain()
		header.Set("ETag", sent.etag)
	}
	http.ServeContent(c.Response(), c.Request(), f.name, time.Time{}, bytes.NewReader(content))
}

// mediaType does not depend on what the machine knows of files.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return echo.MIMEOctetStream
}

// acceptsGzip reports whether the answer may be in gzip. One that is named with
// a weight of 0 is not wanted.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get(echo.HeaderAcceptEncoding), ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		if name := strings.TrimSpace(name); strings.EqualFold(name, "gzip") || name == "*" {
			weight := strings.TrimPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
			return strings.Trim(weight, "0.") != "" || weight == ""
		}
	}
	return false
}

// servePage serves the console's one page, or the page that says that there is
// none.
func (s *Server) servePage(c echo.Context) error {
	if s.console.index == nil {
		return c.HTMLBlob(http.StatusOK, web.Missing)
	}
	s.console.index.serve(c)
	return nil
}

// orConsole answers what no route knows: the console's files, and its page for
// every other path that a browser goes to, as the console has paths of its own.
// All else is not found, as ever: a script must not take a page for an answer. It
// is no route for all paths, because that would know every path, and no method
// would be the wrong one.
func (s *Server) orConsole(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		r := c.Request()
		if !errors.Is(err, echo.ErrNotFound) || r.Method != http.MethodGet && r.Method != http.MethodHead {
			return err
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if f := s.console.files[name]; f != nil {
			f.serve(c)
			return nil
		}
		area, _, _ := strings.Cut(name, "/")
		if area == "api" || area == "assets" || !strings.Contains(r.Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
			return err
		}
		return s.servePage(c)
	}
}

// wayBack returns the page of ours that a person wants to come back to after
// signing in: "/" unless next is a path on this server.
func wayBack(next string) string {
	if len(next) > 2000 || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, unsafeInURL) {
		return "/"
	}
	return next
}

// unsafeInURL reports what browsers leave out of a URL or read as something else: with
// a backslash or a tab in it, a path can become another host.
func unsafeInURL(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }
