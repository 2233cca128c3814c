package inbound

import (
	"bytes"
	"net/http"
)

// Framing says how the end of a request's body was announced.
type Framing int

// The framings that matter.
const (
	Clear     Framing = iota
	Ambiguous         // by Content-Length and by Transfer-Encoding: a proxy in between may have read another request
	Unseen            // by Transfer-Encoding, and nobody saw whether by Content-Length too
)

// FramingOf returns the framing of a request. net/http drops a Content-Length beside
// Transfer-Encoding without a word, so the connection looks for it.
func FramingOf(r *http.Request) Framing {
	if len(r.TransferEncoding) == 0 {
		return Clear
	}
	c, ok := r.Context().Value(connKey{}).(*Conn)
	switch {
	case !ok || !c.seen.ended || !c.seen.encoding:
		return Unseen // sent before the request before it was answered
	case c.seen.length:
		return Ambiguous
	}
	return Clear
}

// framing watches the header of a request go by for two names.
type framing struct {
	start            [len("transfer-encoding:")]byte // of the present line
	n                int                             // bytes of it
	judged           bool                            // the rest of the line does not matter
	begun            bool                            // a line that is not empty has come
	ended            bool                            // the header has
	length, encoding bool
}

// scan takes the next bytes of a connection.
func (f *framing) scan(p []byte) {
	for len(p) > 0 && !f.ended {
		end := bytes.IndexByte(p, '\n')
		line := p
		if end >= 0 {
			line, p = p[:end], p[end+1:]
		} else {
			p = nil
		}
		if !f.judged {
			f.n += copy(f.start[f.n:], line)
			f.judged = f.n == len(f.start)
			if f.judged || end >= 0 {
				f.judge()
			}
		}
		if end >= 0 {
			empty := f.n == 0 || f.n == 1 && f.start[0] == '\r'
			f.begun = f.begun || !empty
			f.ended = empty && f.begun // empty lines may come before a request
			f.n, f.judged = 0, false
		}
	}
}

func (f *framing) judge() {
	name, _, found := bytes.Cut(f.start[:f.n], []byte{':'})
	if !found {
		return
	}
	f.length = f.length || bytes.EqualFold(name, []byte("content-length"))
	f.encoding = f.encoding || bytes.EqualFold(name, []byte("transfer-encoding"))
}
