package inbound

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// server serves requests on connections that are bounded, and says on whose.
type server struct {
	*Listener
	address string
}

func serveLimited(t *testing.T, bounds Connections, handler http.HandlerFunc) server {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounds.Now = time.Now
	if bounds.Write == 0 {
		bounds.Write = time.Minute
	}
	l := Limit(inner, bounds)
	s := &http.Server{Handler: handler, ConnState: l.ConnState, ConnContext: l.ConnContext, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return server{l, inner.Addr().String()}
}

// peer is a client's end of a connection.
type peer struct {
	net.Conn
	answers *bufio.Reader
}

// dial connects from an address of this machine.
func (s server) dial(t *testing.T, from string) *peer {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &peer{c, bufio.NewReader(c)}
}

// ask makes a request and returns the answer's status, or the error.
func (p *peer) ask(t *testing.T, request string) (*http.Response, error) {
	t.Helper()
	if _, err := io.WriteString(p, request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

const whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// served says whether a request is answered on the connection.
func (p *peer) served(t *testing.T) bool {
	t.Helper()
	resp, err := p.ask(t, whole)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return err == nil && resp.StatusCode == http.StatusOK
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func (s server) open(t *testing.T, n int) {
	t.Helper()
	until(t, fmt.Sprintf("%d connections", n), func() bool { return s.Counts().Open == n })
}

// idle waits until so many connections only wait: a client has its answer a moment
// before the server says that the request is over.
func (s server) idle(t *testing.T, n int64) {
	t.Helper()
	until(t, fmt.Sprintf("%d idle connections", n), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		idle := int64(0)
		for _, g := range s.groups {
			idle += g.waiting([]int32{isIdle})
		}
		return idle == n
	})
}

// A new connection beyond a bound pushes out the one of its own address that has waited
// longest, and nobody else's.
func TestFreshConnectionsArePushedOut(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{Open: 100, OpenPerAddress: 50, Fresh: 50, FreshPerAddress: 3},
		func(http.ResponseWriter, *http.Request) {})
	other := s.dial(t, "127.0.0.2")
	s.open(t, 1)
	var peers []*peer
	for i := range 3 {
		peers = append(peers, s.dial(t, "127.0.0.1"))
		s.open(t, 2+i)
	}
	// The second has sent a part of a request, which no honest client does for long.
	if _, err := io.WriteString(peers[1], "GET /"); err != nil {
		t.Fatal(err)
	}
	until(t, "the part was read", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.groups[netip.MustParsePrefix("127.0.0.1/32")].conns {
			if c.state.Load() == isPartial {
				return true
			}
		}
		return false
	})
	peers = append(peers, s.dial(t, "127.0.0.1"))
	until(t, "one was pushed out", func() bool { return s.Counts().PushedOut == 1 })
	peers = append(peers, s.dial(t, "127.0.0.1"))
	until(t, "another was pushed out", func() bool { return s.Counts().PushedOut == 2 })
	for i, want := range []bool{false, false, true, true, true} {
		if got := peers[i].served(t); got != want {
			t.Errorf("connection %d is served: %t, want %t", i, got, want)
		}
	}
	if !other.served(t) {
		t.Error("the other address lost its connection")
	}
	if got := s.Counts(); got.Fresh != 0 || got.Open != 4 {
		t.Errorf("%+v, want 4 open and none fresh", got)
	}
}

// Idle connections give way to new ones, those with a request under way do not.
func TestBusyConnectionsStay(t *testing.T) {
	t.Parallel()
	under, leave := make(chan struct{}), make(chan struct{})
	s := serveLimited(t, Connections{Open: 100, OpenPerAddress: 2, Fresh: 50, FreshPerAddress: 50},
		func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				under <- struct{}{}
				<-leave
			}
		})
	idle := s.dial(t, "127.0.0.1")
	if !idle.served(t) {
		t.Fatal("the first is not served")
	}
	s.idle(t, 1)
	var long []*peer
	for range 2 { // the second pushes the idle one out
		p := s.dial(t, "127.0.0.1")
		if _, err := io.WriteString(p, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-under
		long = append(long, p)
	}
	if idle.served(t) {
		t.Error("the idle connection was kept")
	}
	if s.dial(t, "127.0.0.1").served(t) {
		t.Error("a third is served beside two that are busy")
	}
	if got := s.Counts(); got.PushedOut != 1 || got.Refused != 1 {
		t.Errorf("%+v, want one pushed out and one refused", got)
	}
	close(leave)
	for _, p := range long {
		if resp, err := http.ReadResponse(p.answers, nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("a busy connection: %v %v", resp, err)
		}
	}
	s.idle(t, int64(len(long)))
	if !s.dial(t, "127.0.0.1").served(t) {
		t.Error("there is room again, and a connection is not served")
	}
}

// Past the bound of all addresses together the largest gives way, and a proxy's
// connections have no other bound.
func TestTheLargestGivesWay(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{
		Open: 6, OpenPerAddress: 2, Fresh: 5, FreshPerAddress: 1, Exempt: Proxies{netip.MustParsePrefix("127.0.0.3/32")},
	}, func(http.ResponseWriter, *http.Request) {})
	small := s.dial(t, "127.0.0.1")
	if !small.served(t) {
		t.Fatal("the first is not served")
	}
	s.idle(t, 1)
	var proxied []*peer
	for i := range 5 {
		p := s.dial(t, "127.0.0.3")
		if !p.served(t) {
			t.Fatal("a proxy's connection is not served")
		}
		proxied = append(proxied, p)
		s.idle(t, int64(2+i))
	}
	if !s.dial(t, "127.0.0.2").served(t) {
		t.Error("a new address is not served")
	}
	if !small.served(t) {
		t.Error("the small one gave way")
	}
	for i, want := range []bool{false, true, true, true, true} {
		if got := proxied[i].served(t); got != want {
			t.Errorf("proxied connection %d is served: %t, want %t", i, got, want)
		}
	}
}

// Where the largest has requests under way on all its connections, another that only
// waits gives way.
func TestTheLargestIsBusy(t *testing.T) {
	t.Parallel()
	under, leave := make(chan struct{}), make(chan struct{})
	defer close(leave)
	s := serveLimited(t, Connections{Open: 3, OpenPerAddress: 3, Fresh: 3, FreshPerAddress: 3},
		func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				under <- struct{}{}
				<-leave
			}
		})
	for range 2 {
		if _, err := io.WriteString(s.dial(t, "127.0.0.1"), "GET /long HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-under
	}
	idle := s.dial(t, "127.0.0.2")
	if !idle.served(t) {
		t.Fatal("the second address is not served")
	}
	s.idle(t, 1)
	if !s.dial(t, "127.0.0.3").served(t) {
		t.Error("a new address is not served beside one that only waits")
	}
	if idle.served(t) {
		t.Error("the idle connection was kept")
	}
}

// Who has been answered, and has yet to send the body that nobody wants, gives way.
func TestAbandonedConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{Open: 1, OpenPerAddress: 1, Fresh: 1, FreshPerAddress: 1},
		func(w http.ResponseWriter, r *http.Request) {
			Abandon(w, r, time.Now().Add(time.Hour)) // it lingers for all of the test
		})
	p := s.dial(t, "127.0.0.1")
	if resp, err := p.ask(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"); err != nil || resp.StatusCode != http.StatusOK || !resp.Close {
		t.Fatal(resp, err)
	}
	until(t, "another connection is served", func() bool { return s.dial(t, "127.0.0.1").served(t) })
}

// Past the bound of half-open connections the address with most of them loses one.
func TestTheMostHalfOpenGivesWay(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{Open: 100, OpenPerAddress: 100, Fresh: 3, FreshPerAddress: 100},
		func(http.ResponseWriter, *http.Request) {})
	var many []*peer
	for i := range 2 {
		many = append(many, s.dial(t, "127.0.0.1"))
		s.open(t, 1+i)
	}
	few := []*peer{s.dial(t, "127.0.0.2")}
	s.open(t, 3)
	few = append(few, s.dial(t, "127.0.0.2"))
	until(t, "one was pushed out", func() bool { return s.Counts().PushedOut == 1 })
	if many[0].served(t) || !many[1].served(t) || !few[0].served(t) || !few[1].served(t) {
		t.Error("another than the oldest of the address with most was pushed out")
	}
}

// A peer that does not read its answer is given up.
func TestUnreadAnswersAreGivenUp(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := serveLimited(t, Connections{Open: 9, OpenPerAddress: 9, Fresh: 9, FreshPerAddress: 9, Write: 50 * time.Millisecond},
		func(w http.ResponseWriter, r *http.Request) {
			for r.URL.Path != "/short" {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					failed <- err
					return
				}
			}
		})
	p := s.dial(t, "127.0.0.1")
	if resp, err := p.ask(t, "GET /short HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	if _, err := io.WriteString(p, whole); err != nil { // also after an answer that was read
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		p.Close()
		t.Fatal("an answer that nobody reads is still being written")
	}
	s.open(t, 0)
}

// Content-Length beside Transfer-Encoding is seen, however the bytes come, and a request
// that nobody could look at is not taken for a clear one.
func TestFramingOf(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, Connections{Open: 99, OpenPerAddress: 99, Fresh: 99, FreshPerAddress: 99},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Framing", fmt.Sprint(FramingOf(r)))
			_, _ = io.Copy(io.Discard, r.Body)
		})
	const chunks = "\r\n2\r\nhi\r\n0\r\n\r\n"
	for name, c := range map[string]struct {
		header string
		want   Framing
	}{
		"length":                   {"Content-Length: 2\r\n\r\nhi", Clear},
		"chunked":                  {"Transfer-Encoding: chunked\r\n" + chunks, Clear},
		"length, then chunked":     {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + chunks, Ambiguous},
		"chunked, then length":     {"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n" + chunks, Ambiguous},
		"in other letters":         {"cOnTent-LENGTH: 2\r\ntransfer-ENCODING: chunked\r\n" + chunks, Ambiguous},
		"bare line feeds":          {"Content-Length: 2\nTransfer-Encoding: chunked\n" + chunks, Ambiguous},
		"a name that begins so":    {"Content-Length-X: 2\r\nTransfer-Encoding: chunked\r\n" + chunks, Clear},
		"a value that says so":     {"X: Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + chunks, Clear},
		"a body that says so":      {"Transfer-Encoding: chunked\r\n\r\n12\r\nContent-Length: 2\n\r\n0\r\n\r\n", Clear},
		"a long line before":       {"X: " + strings.Repeat("x", 5000) + "\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n" + chunks, Ambiguous},
		"no space after the colon": {"Content-Length:2\r\nTransfer-Encoding:chunked\r\n" + chunks, Ambiguous},
	} {
		request := "POST / HTTP/1.1\r\nHost: x\r\n" + c.header
		want := fmt.Sprint(c.want)
		p := s.dial(t, "127.0.0.1")
		for range 2 { // what was seen of one request is not taken for the next
			if resp, err := p.ask(t, request); err != nil || resp.Header.Get("Framing") != want {
				t.Errorf("%s: %v %v, want %s", name, resp, err, want)
			}
			if resp, err := p.ask(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+chunks); err != nil || resp.Header.Get("Framing") != "0" {
				t.Errorf("after %s: %v %v", name, resp, err)
			}
		}
		var drops framing
		for i := range len(request) {
			drops.scan([]byte(request[i : i+1]))
		}
		if both := drops.length && drops.encoding; both != (c.want == Ambiguous) || !drops.ended {
			t.Errorf("%s, byte by byte: %+v", name, drops)
		}
	}
	p := s.dial(t, "127.0.0.1")
	if _, err := io.WriteString(p, "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n"+chunks); err != nil {
		t.Fatal(err)
	}
	for _, want := range []Framing{Clear, Unseen} {
		if resp, err := http.ReadResponse(p.answers, nil); err != nil || resp.Header.Get("Framing") != fmt.Sprint(want) {
			t.Errorf("sent at once: %v %v, want %v", resp, err, want)
		}
	}
}
