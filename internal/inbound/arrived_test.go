package inbound

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// accepted connects to a listener that nobody serves, and returns both ends.
func accepted(t *testing.T, l *Listener) (client net.Conn, server *Conn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	server, ok := c.(*Conn)
	if !ok {
		t.Fatalf("it is a %T", c)
	}
	return client, server
}

func listenLimited(t *testing.T, bounds Connections) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	bounds.Now, bounds.Write = time.Now, time.Minute
	return Limit(inner, bounds)
}

func (l *Listener) holds(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := c.group.conns[c]
	return ok
}

func (l *Listener) sees(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return c.arrived(l.peeked[:])
}

// A connection on which a request has arrived stays, although the server has not come
// to read it, whether it is its first or a later one: another gives way.
func TestArrivedRequestsStay(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]bool{"the first": false, "a later one": true} {
		l := listenLimited(t, Connections{Open: 2, OpenPerAddress: 2, Fresh: 9, FreshPerAddress: 9})
		client, oldest := accepted(t, l)
		_, second := accepted(t, l)
		if idle {
			for _, c := range []*Conn{oldest, second} {
				c.begin()
				c.state.Store(isIdle)
			}
		}
		if _, err := io.WriteString(client, whole); err != nil {
			t.Fatal(err)
		}
		until(t, "it has arrived", func() bool { return l.sees(oldest) })
		_, third := accepted(t, l)
		if !l.holds(oldest) || l.holds(second) || !l.holds(third) {
			t.Errorf("%s: of the one with a request, the one without and the new one are kept %t, %t, %t",
				name, l.holds(oldest), l.holds(second), l.holds(third))
		}
		got := make([]byte, len(whole))
		if _, err := io.ReadFull(oldest, got); err != nil || string(got) != whole {
			t.Errorf("%s: the request is %q: %v", name, got, err)
		}
	}
}

// A part of a request keeps no connection, nor do empty lines, whether the server has
// read them or not.
func TestPartsDoNotStay(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"} {
		for _, read := range []bool{true, false} {
			l := listenLimited(t, Connections{Open: 1, OpenPerAddress: 1, Fresh: 9, FreshPerAddress: 9})
			client, first := accepted(t, l)
			first.begin()
			first.state.Store(isIdle)
			if _, err := io.WriteString(client, part); err != nil {
				t.Fatal(err)
			}
			until(t, "it has arrived", func() bool { l.sees(first); return bytes.HasPrefix(l.peeked[:], []byte(part)) })
			if read {
				if _, err := io.ReadFull(first, make([]byte, len(part))); err != nil {
					t.Fatal(err)
				}
			}
			if _, second := accepted(t, l); l.holds(first) || !l.holds(second) {
				t.Errorf("with %q, read: %t, the first is kept: %t, the second: %t", part, read, l.holds(first), l.holds(second))
			}
		}
	}
}

// A request whose header has been read is under way, before the server says so.
func TestReadRequestsAreUnderWay(t *testing.T) {
	t.Parallel()
	l := listenLimited(t, Connections{Open: 2, OpenPerAddress: 2, Fresh: 9, FreshPerAddress: 9})
	for _, state := range []int32{isSilent, isIdle} {
		client, c := accepted(t, l)
		c.state.Store(state)
		if _, err := io.WriteString(client, whole); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, len(whole))); err != nil {
			t.Fatal(err)
		}
		if c.state.Load() != isActive || !c.begun.Load() {
			t.Errorf("from %d it is in state %d", state, c.state.Load())
		}
	}
}
