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

// databaseProxy stands between a server and its Postgres. A test can cut it as a network
// does: neither side is told.
type databaseProxy struct {
	url    string // of the database, through this proxy
	target [2]string

	mu      sync.Mutex
	open    chan struct{} // closed while bytes pass
	conns   map[*proxiedConn]bool
	losses  []*loss
	copying sync.WaitGroup
}

// proxiedConn is one connection.
type proxiedConn struct {
	server, postgres net.Conn
	loss             *loss // its text has passed
	silenced         bool  // nothing comes back any more
}

// loss is an answer of Postgres that will not arrive.
type loss struct {
	text   string
	commit bool // the answer to what has the COMMIT, the text itself or later, is lost
	done   chan struct{}
}

// newDatabaseProxy starts a proxy to a database.
func newDatabaseProxy(t *testing.T, databaseURL string) *databaseProxy {
	t.Helper()
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &databaseProxy{open: make(chan struct{}), conns: map[*proxiedConn]bool{}}
	close(p.open)
	p.target[0], p.target[1] = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	p.url = fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, listener.Addr(), cfg.Database)
	p.copying.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.copying.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.mend()
		p.copying.Wait()
	})
	return p
}

// cut lets nothing pass any more, either way, and tells neither side.
func (p *databaseProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = make(chan struct{})
}

// mend resets what was connected, and lets new connections pass.
func (p *databaseProxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.server.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.close()
	}
	clear(p.conns)
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

// lose drops Postgres's answer to the next message that has a text in it (or, with
// commit, to the COMMIT that follows) and all that comes back on that connection after
// it. The channel that it returns is closed when the answer has been dropped.
func (p *databaseProxy) lose(text string, commit bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := &loss{text: text, commit: commit, done: make(chan struct{})}
	p.losses = append(p.losses, x)
	return x.done
}

func (c *proxiedConn) close() {
	c.server.Close()
	if c.postgres != nil {
		c.postgres.Close()
	}
}

// serve copies one connection both ways until it ends.
func (p *databaseProxy) serve(conn net.Conn) {
	c := &proxiedConn{server: conn}
	p.mu.Lock()
	p.conns[c] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
		c.close()
	}()
	p.await()
	p.mu.Lock()
	network, address := p.target[0], p.target[1]
	p.mu.Unlock()
	postgres, err := net.Dial(network, address)
	if err != nil {
		return
	}
	p.mu.Lock()
	gone := !p.conns[c]
	c.postgres = postgres
	p.mu.Unlock()
	if gone {
		return
	}
	p.copying.Go(func() {
		p.copy(c.postgres, c.server, func(sent []byte) bool { p.note(c, sent); return true })
		c.close()
	})
	p.copy(c.server, c.postgres, func([]byte) bool { return !p.isSilenced(c) })
}

// copy copies the blocks that passes accepts, and drops the others.
func (p *databaseProxy) copy(to, from net.Conn, passes func([]byte) bool) {
	block := make([]byte, 64<<10)
	for {
		n, err := from.Read(block)
		if err != nil {
			return
		}
		p.await()
		if !passes(block[:n]) {
			continue
		}
		if _, err := to.Write(block[:n]); err != nil {
			return
		}
	}
}

// await waits until bytes may pass.
func (p *databaseProxy) await() {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	<-open
}

// commit is how pgx sends it: by the name that it gives to a prepared statement,
// after the empty name of a portal.
var commit = func() []byte {
	name := sha256.Sum256([]byte("commit"))
	return fmt.Appendf(nil, "\x00stmtcache_%x\x00", name[:24])
}()

// note looks at what a server sends, for what is to be lost.
func (p *databaseProxy) note(c *proxiedConn, sent []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.losses {
		if c.loss == nil && bytes.Contains(sent, []byte(x.text)) {
			c.loss = x
		}
	}
	x := c.loss
	if x == nil || c.silenced || x.commit && !bytes.Contains(sent, commit) {
		return
	}
	select {
	case <-x.done: // it was another's, by then
		c.loss = nil
	default:
		c.silenced = true
		close(x.done)
	}
}

func (p *databaseProxy) isSilenced(c *proxiedConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.silenced
}
