//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// line is the way from a server to its Postgres. A test can cut it as a network
// does: without a word to either side.
type line struct {
	url    string // of the database, by way of this line
	target [2]string

	mu      sync.Mutex
	whole   chan struct{} // closed while the line is
	wires   map[*wire]bool
	losses  []*loss
	pumping sync.WaitGroup
}

// wire is one connection.
type wire struct {
	server, postgres net.Conn
	loss             *loss // its text has passed
	deaf             bool  // nothing comes back any more
}

// loss is an answer of Postgres that will not arrive.
type loss struct {
	text   string
	commit bool // the answer to what has the COMMIT, the text itself or later, is lost
	done   chan struct{}
}

// newLine lays a line to a database.
func newLine(t *testing.T, databaseURL string) *line {
	t.Helper()
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{whole: make(chan struct{}), wires: map[*wire]bool{}}
	close(l.whole)
	l.target[0], l.target[1] = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	l.url = fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, listener.Addr(), cfg.Database)
	l.pumping.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.pumping.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.mend()
		l.pumping.Wait()
	})
	return l
}

// cut lets nothing pass any more, either way, and nobody knows.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole = make(chan struct{})
}

// mend resets what was connected, and lets new connections pass.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.wires {
		if tcp, ok := w.server.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		w.close()
	}
	clear(l.wires)
	select {
	case <-l.whole:
	default:
		close(l.whole)
	}
}

// lose loses Postgres's answer to the next thing that is sent with a text in it,
// or to that with which its COMMIT is sent, and all that comes back on that connection after it.
// What is returned is closed when it has come to that.
func (l *line) lose(text string, commit bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &loss{text: text, commit: commit, done: make(chan struct{})}
	l.losses = append(l.losses, x)
	return x.done
}

func (w *wire) close() {
	w.server.Close()
	if w.postgres != nil {
		w.postgres.Close()
	}
}

// carry carries one connection to its end.
func (l *line) carry(conn net.Conn) {
	w := &wire{server: conn}
	l.mu.Lock()
	l.wires[w] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.wires, w)
		w.close()
	}()
	l.await()
	l.mu.Lock()
	network, address := l.target[0], l.target[1]
	l.mu.Unlock()
	postgres, err := net.Dial(network, address)
	if err != nil {
		return
	}
	l.mu.Lock()
	gone := !l.wires[w]
	w.postgres = postgres
	l.mu.Unlock()
	if gone {
		return
	}
	l.pumping.Go(func() {
		l.pump(w.postgres, w.server, func(sent []byte) bool { l.note(w, sent); return true })
		w.close()
	})
	l.pump(w.server, w.postgres, func([]byte) bool { return !l.isDeaf(w) })
}

// pump copies while passes says so, and throws away what it does not.
func (l *line) pump(to, from net.Conn, passes func([]byte) bool) {
	block := make([]byte, 64<<10)
	for {
		n, err := from.Read(block)
		if err != nil {
			return
		}
		l.await()
		if !passes(block[:n]) {
			continue
		}
		if _, err := to.Write(block[:n]); err != nil {
			return
		}
	}
}

// await waits until the line is whole.
func (l *line) await() {
	l.mu.Lock()
	whole := l.whole
	l.mu.Unlock()
	<-whole
}

// commit is how pgx sends it: by the name that it gives to a prepared statement,
// after the empty name of a portal.
var commit = func() []byte {
	name := sha256.Sum256([]byte("commit"))
	return fmt.Appendf(nil, "\x00stmtcache_%x\x00", name[:24])
}()

// note looks at what a server sends, for what is to be lost.
func (l *line) note(w *wire, sent []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.losses {
		if w.loss == nil && bytes.Contains(sent, []byte(x.text)) {
			w.loss = x
		}
	}
	x := w.loss
	if x == nil || w.deaf || x.commit && !bytes.Contains(sent, commit) {
		return
	}
	select {
	case <-x.done: // it was another's, by then
		w.loss = nil
	default:
		w.deaf = true
		close(x.done)
	}
}

func (l *line) isDeaf(w *wire) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return w.deaf
}
