package outbound

import (
	"bufio"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const keptOK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// script answers the first request of the first connection and hands the second
// one to second. Later connections are answered; fresh counts their requests.
func script(t *testing.T, second func(net.Conn)) (url string, fresh *atomic.Int32) {
	var connections atomic.Int32
	fresh = new(atomic.Int32)
	return serveTCP(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if connections.Add(1) > 1 {
			for {
				if _, err := readRequest(r); err != nil {
					return
				}
				fresh.Add(1)
				io.WriteString(conn, keptOK)
			}
		}
		for i := range 2 {
			if _, err := readRequest(r); err != nil {
				return
			}
			if i == 0 {
				io.WriteString(conn, keptOK)
			}
		}
		second(conn)
	}), fresh
}

func TestStaleConnection(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }
	for name, second := range map[string]func(net.Conn){"closed": func(net.Conn) {}, "reset": reset} {
		t.Run(name+" is repeated once", func(t *testing.T) {
			t.Parallel()
			url, fresh := script(t, second)
			c := newClient(t, 0)
			wantClass(t, c.Post(t.Context(), Request{URL: url, Body: []byte("1")}), Acked, 200)
			res := c.Post(t.Context(), Request{URL: url, Body: []byte("2")})
			wantClass(t, res, Acked, 200)
			if !res.RetriedStale || fresh.Load() != 1 {
				t.Errorf("retried %v, %d requests on a fresh connection; want true and 1", res.RetriedStale, fresh.Load())
			}
		})
	}
	t.Run("with a byte of answer is not repeated", func(t *testing.T) {
		t.Parallel()
		url, fresh := script(t, func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A: ") })
		c := newClient(t, 0)
		c.Post(t.Context(), Request{URL: url})
		res := c.Post(t.Context(), Request{URL: url})
		wantClass(t, res, Reset, 0)
		if res.RetriedStale || fresh.Load() != 0 {
			t.Errorf("retried %v, %d requests on a fresh connection; want false and 0", res.RetriedStale, fresh.Load())
		}
	})
	t.Run("with a timeout is not repeated", func(t *testing.T) {
		t.Parallel()
		url, fresh := script(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
		c := newClient(t, 0)
		c.Post(t.Context(), Request{URL: url})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		res := c.Post(ctx, Request{URL: url})
		wantClass(t, res, Timeout, 0)
		if res.RetriedStale || fresh.Load() != 0 {
			t.Errorf("retried %v, %d requests on a fresh connection; want false and 0", res.RetriedStale, fresh.Load())
		}
	})
}

func TestTheRepeatMeetsNoOtherStaleConnection(t *testing.T) {
	t.Parallel()
	var connections, fresh atomic.Int32
	both := make(chan struct{})
	url := serveTCP(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if _, err := readRequest(r); err != nil {
			return
		}
		n := connections.Add(1)
		if n == 2 {
			close(both) // so that two connections are in use at once, and then kept
		}
		<-both
		if n > 2 {
			fresh.Add(1)
		}
		io.WriteString(conn, keptOK)
		readRequest(r)
	})
	c := newClient(t, 0)
	var first sync.WaitGroup
	for range 2 {
		first.Go(func() { wantClass(t, c.Post(t.Context(), Request{URL: url}), Acked, 200) })
	}
	first.Wait()
	res := c.Post(t.Context(), Request{URL: url})
	wantClass(t, res, Acked, 200)
	if !res.RetriedStale || fresh.Load() != 1 {
		t.Errorf("retried %v, %d requests on a fresh connection; want true and 1", res.RetriedStale, fresh.Load())
	}
}

func TestFreshConnectionIsNotRepeated(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	url := serveTCP(t, func(conn net.Conn) {
		if _, err := readRequest(bufio.NewReader(conn)); err == nil {
			requests.Add(1)
		}
	})
	res := newClient(t, 0).Post(t.Context(), Request{URL: url})
	wantClass(t, res, Reset, 0)
	if res.RetriedStale || requests.Load() != 1 {
		t.Errorf("retried %v, %d requests; want false and 1", res.RetriedStale, requests.Load())
	}
}

// A front is what stands before a server and can drop all its connections.
func front(t *testing.T, backend string) (url string, drop func()) {
	var (
		mu   sync.Mutex
		open []net.Conn
	)
	url = serveTCP(t, func(client net.Conn) {
		server, err := net.Dial("tcp", backend)
		if err != nil {
			return
		}
		defer server.Close()
		mu.Lock()
		open = append(open, client)
		mu.Unlock()
		var back sync.WaitGroup
		back.Go(func() { io.Copy(client, server) })
		io.Copy(server, client)
		server.Close()
		back.Wait()
	})
	return strings.Replace(url, "http:", "https:", 1), func() {
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range open {
			conn.Close()
		}
	}
}

func TestStaleHTTP2Connection(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	drop := make(chan func(), 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 {
			(<-drop)()
			<-r.Context().Done()
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	url, dropAll := front(t, srv.Listener.Addr().String())
	drop <- dropAll
	c := newClient(t, 5*time.Second)
	for _, transport := range []*http.Transport{c.keep, c.fresh} {
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	}
	wantClass(t, c.Post(t.Context(), Request{URL: url}), Acked, 200)
	res := c.Post(t.Context(), Request{URL: url})
	wantClass(t, res, Acked, 200)
	if !res.RetriedStale || requests.Load() != 3 {
		t.Errorf("retried %v, %d requests; want true and 3", res.RetriedStale, requests.Load())
	}
}
