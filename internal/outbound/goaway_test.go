package outbound

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Frames of HTTP/2, RFC 9113, section 4.1.
const (
	frameHeaders   = 0x1
	frameRSTStream = 0x3
	frameSettings  = 0x4
	frameGoAway    = 0x7
)

func frame(typ, flags byte, stream uint32, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), typ, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

func goAwayFrame(last, code uint32) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)
	return frame(frameGoAway, 0, 0, append(b, "secret-echo ErrCode=NO_ERROR"...))
}

func resetFrame(code uint32) []byte {
	return frame(frameRSTStream, 0, 1, binary.BigEndian.AppendUint32(nil, code))
}

// serveFrames is an HTTP/2 server that writes frames when the first request of a
// connection has come, and closes the connection. ok is answered from the second
// connection on.
func serveFrames(t *testing.T, c *Client, frames []byte) (url string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	identity := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(identity.Close)
	for _, transport := range []*http.Transport{c.keep, c.fresh} {
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(identity.Certificate())
	}
	config := &tls.Config{Certificates: identity.TLS.Certificates, NextProtos: []string{"h2"}}
	url = serveTCP(t, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		defer conn.Close()
		r := bufio.NewReader(conn)
		if _, err := io.CopyN(io.Discard, r, int64(len(preface))); err != nil {
			return
		}
		n := connections.Add(1)
		conn.Write(frame(frameSettings, 0, 0, nil))
		if !requestCame(r) {
			return
		}
		if n > 1 {
			conn.Write(frame(frameHeaders, 0x5, 1, []byte{0x88})) // :status 200, and that is all
			io.Copy(io.Discard, r)
			return
		}
		conn.Write(frames)
	})
	return strings.Replace(url, "http:", "https:", 1), connections
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// requestCame reads frames up to the headers of a request.
func requestCame(r *bufio.Reader) bool {
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(r, head); err != nil {
			return false
		}
		size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, r, size); err != nil {
			return false
		}
		if head[3] == frameHeaders {
			return true
		}
	}
}

// A server that takes leave is a lost connection, and not one that does not speak
// HTTP. What it has not begun is sent again at once.
func TestGoAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		frames      []byte
		class       Class
		code        int
		words       string
		connections int32
	}{
		"it shuts down, and has not begun": {goAwayFrame(0, 0), Acked, 200, "", 2},
		"it shuts down in the middle":      {goAwayFrame(1, 0), Reset, 0, "closed the HTTP/2 connection (GOAWAY): it is shutting down (NO_ERROR)", 1},
		"it finds us too loud":             {goAwayFrame(0, 0xb), Reset, 0, "closed the HTTP/2 connection (GOAWAY): it finds our load excessive (ENHANCE_YOUR_CALM)", 1},
		"too loud, in the middle":          {goAwayFrame(1, 0xb), Reset, 0, "it finds our load excessive (ENHANCE_YOUR_CALM)", 1},
		"it had an error":                  {goAwayFrame(0, 0x2), Reset, 0, "it had an internal error (INTERNAL_ERROR)", 1},
		"a code that nobody knows":         {goAwayFrame(0, 0xff), Reset, 0, "(GOAWAY): for a reason that HTTP/2 does not know", 1},
		"one request is given up":          {resetFrame(0x2), Reset, 0, "gave up on the request (HTTP/2 RST_STREAM): it had an internal error (INTERNAL_ERROR)", 1},
		"one request, nobody knows why":    {resetFrame(0xff), Reset, 0, "(HTTP/2 RST_STREAM): for a reason that HTTP/2 does not know", 1},
		"one request is not begun":         {resetFrame(0x7), Acked, 200, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, 10*time.Second)
			url, connections := serveFrames(t, c, tt.frames)
			res := c.Post(t.Context(), Request{URL: url, Body: []byte("{}")})
			wantClass(t, res, tt.class, tt.code)
			wantWords(t, res, tt.words)
			if strings.Contains(res.Error, "secret-echo") {
				t.Errorf("error %q quotes the server", res.Error)
			}
			if n := connections.Load(); n != tt.connections {
				t.Errorf("%d connections, want %d", n, tt.connections)
			}
		})
	}
}

// net/http says it in these words, as of Go 1.26.
func TestGoAwayIsKnownByItsWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=""`:                                                                             true,
		`http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM`:                                                                                                      true,
		`http2: Transport received Server's graceful shutdown GOAWAY`:                                                                                                                 true,
		`http2: Transport: cannot retry err [http2: Transport received Server's graceful shutdown GOAWAY] after Request.Body was written; define Request.GetBody to avoid this error`: true,
		`malformed HTTP response "GOAWAY"`: false,
		`http2: frame too large`:           false,
	} {
		if got := classOf(errors.New(text)) == Reset; got != want {
			t.Errorf("%s: got reset %v, want %v", text, got, want)
		}
	}
}
