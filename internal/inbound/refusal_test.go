package inbound

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// What net/http answers by itself is answered in our way, and nothing else is touched.
func TestRefusal(t *testing.T) {
	t.Parallel()
	var status int
	l := &Listener{bounds: Connections{Refusal: func(answered int) []byte { status = answered; return []byte("ours") }}}
	const plain = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	long := "HTTP/1.1 400 Bad Request" + plain
	long += strings.Repeat("x", 512-len(long))
	for text, want := range map[string]int{
		long: 400, long + "x": 0, // a handler's, which writes more at a time
		"answers: 400 Bad Request" + plain: 0,
		"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n431 Request": 431,
		"HTTP/1.1 400 Bad Request: x\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request: x":           400,
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n400":                             0,
		"HTTP/1.1 200 OK\r\nX: y\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n":                                 0,
		"HTTP/1.1 4\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n":                                              0,
		"a body": 0, "": 0,
	} {
		status = 0
		if got := l.replacement([]byte(text)); status != want || (got != nil) != (want != 0) {
			t.Errorf("%q: %q, status %d", text, got, status)
		}
	}
	if (&Listener{}).replacement([]byte(long)) != nil {
		t.Error("without a Refusal there is one")
	}
}

// So it is on the wire: the whole answer, once, and then the end.
func TestRefusalIsServed(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{Open: 9, OpenPerAddress: 9, Fresh: 9, FreshPerAddress: 9, Refusal: func(status int) []byte {
		return fmt.Appendf(nil, "HTTP/1.1 %d Ours\r\nContent-Length: 4\r\nConnection: close\r\n\r\nours", status)
	}}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n": "HTTP/1.1 400 Ours",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n": "HTTP/1.1 431 Ours",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                     "HTTP/1.1 200 OK",
	} {
		p := s.dial(t, "127.0.0.1")
		go io.WriteString(p.Conn.(*net.TCPConn), request) // it may be refused in the middle
		answer, _ := io.ReadAll(p.answers)                // a reset may follow
		if !strings.HasPrefix(string(answer), want) || strings.Count(string(answer), "HTTP/1.1") != 1 {
			t.Errorf("%.40q: %.200q, want %s", request, answer, want)
		}
	}
}
