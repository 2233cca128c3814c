package inbound

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Connections bound what a [Listener] holds open.
type Connections struct {
	Open, OpenPerAddress   int           // at a time
	Fresh, FreshPerAddress int           // of these, without a whole request yet: half-open
	Write                  time.Duration // how long one write may wait for its reader
	Exempt                 Proxies       // whose connections are those of many clients: no bound by address
	Now                    func() time.Time

	// Refusal returns the answer with a status to a request that never becomes one, as
	// its header is too large or is none: the server would write plain text by itself.
	// nil leaves it that.
	Refusal func(status int) []byte
}

// Listener bounds connections, of all clients together and of each address. A new
// connection beyond a bound pushes out the one that has waited for longest without a
// request under way: so a client among many that only hold connections open still gets
// one. Where all have requests under way the new one is closed.
//
// Its ConnState and ConnContext belong into the [http.Server] that serves it.
type Listener struct {
	net.Listener
	bounds Connections

	mu       sync.Mutex
	groups   map[netip.Prefix]*group
	open     int
	peeked   [mostPeeked]byte
	sequence atomic.Int64 // counts changes of state, for their order
	fresh    atomic.Int64

	pushedOut, refused atomic.Int64
}

// group is the connections of one address.
type group struct {
	conns  map[*Conn]struct{}
	fresh  atomic.Int64
	exempt bool
}

// waiting counts the connections in some states.
func (g *group) waiting(states []int32) (n int64) {
	for c := range g.conns {
		if slices.Contains(states, c.state.Load()) {
			n++
		}
	}
	return n
}

// Limit returns a listener whose connections are bounded.
func Limit(l net.Listener, bounds Connections) *Listener {
	return &Listener{Listener: l, bounds: bounds, groups: map[netip.Prefix]*group{}}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.admit(inner); c != nil {
			return c, nil
		}
		l.refused.Add(1)
		inner.Close() //nolint:errcheck // it is not served
	}
}

// admit counts a new connection in, or returns nil if there is no room for it.
func (l *Listener) admit(inner net.Conn) *Conn {
	addr := hostOf(inner.RemoteAddr().String())
	network := Group(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.groups[network]
	if own == nil {
		own = &group{conns: map[*Conn]struct{}{}, exempt: l.bounds.Exempt.Contain(addr)}
	}
	if !l.makeRoom(own) {
		return nil
	}
	c := &Conn{Conn: inner, listener: l, network: network, group: own}
	c.since.Store(l.sequence.Add(1))
	l.groups[network] = own
	own.conns[c] = struct{}{}
	l.open++
	l.fresh.Add(1)
	own.fresh.Add(1)
	return c
}

// makeRoom pushes out what is too much with one more of a group, and reports whether
// there is room then.
func (l *Listener) makeRoom(own *group) bool {
	if !own.exempt {
		if own.fresh.Load() >= int64(l.bounds.FreshPerAddress) {
			l.pushOut(own, isPartial, isSilent)
		}
		if len(own.conns) >= l.bounds.OpenPerAddress && !l.pushOut(own, isClosing, isIdle, isPartial, isSilent) {
			return false
		}
	}
	if l.fresh.Load() >= int64(l.bounds.Fresh) {
		l.pushOut(l.largest(func(g *group) int64 { return g.fresh.Load() }), isPartial, isSilent)
	}
	if l.open < l.bounds.Open {
		return true
	}
	// Whoever has most gives way, or else whoever has most that only wait.
	waits := []int32{isClosing, isIdle, isPartial, isSilent}
	return l.pushOut(l.largest(func(g *group) int64 { return int64(len(g.conns)) }), waits...) ||
		l.pushOut(l.largest(func(g *group) int64 { return g.waiting(waits) }), waits...)
}

func (l *Listener) largest(by func(*group) int64) *group {
	var most *group
	for _, g := range l.groups {
		if most == nil || by(g) > by(most) {
			most = g
		}
	}
	return most
}

// pushOut closes the connection of a group that has been in the first of the states for
// longest, or else in the next of them, if there is one. A connection stays if a
// request has arrived on it that the server has not read yet. A client may have its whole
// answer a moment before the server says that the connection is idle: at its bound, its
// next connection is then refused, and it tries again. To wait for that moment here would
// keep all other clients from being accepted.
func (l *Listener) pushOut(g *group, states ...int32) bool {
	for {
		oldest := g.oldest(states)
		if oldest == nil {
			return false
		}
		if oldest.state.Load() != isClosing && oldest.arrived(l.peeked[:]) {
			oldest.pending.Store(true)
			continue
		}
		l.pushedOut.Add(1)
		l.forget(oldest)
		oldest.Conn.Close() //nolint:errcheck // the server finds out, and closes it in its own time too
		return true
	}
}

// oldest returns the connection that has been in the first of the states for longest,
// or else in the next of them; nil if there is none.
func (g *group) oldest(states []int32) (oldest *Conn) {
	best := len(states)
	for c := range g.conns {
		i := slices.Index(states, c.state.Load())
		if i >= 0 && (i < best || i == best && c.since.Load() < oldest.since.Load()) && !c.pending.Load() {
			oldest, best = c, i
		}
	}
	return oldest
}

// forget counts a connection out, once. The lock is held.
func (l *Listener) forget(c *Conn) {
	if _, ok := c.group.conns[c]; !ok {
		return
	}
	c.begin()
	delete(c.group.conns, c)
	l.open--
	if len(c.group.conns) == 0 {
		delete(l.groups, c.network)
	}
}

// ConnState is told by the server what a connection does.
func (l *Listener) ConnState(inner net.Conn, state http.ConnState) {
	c, ok := inner.(*Conn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.begin()
		c.state.Store(isActive)
		c.pending.Store(false)
	case http.StateIdle:
		c.seen = framing{}
		c.pending.Store(false)
		c.since.Store(l.sequence.Add(1))
		c.state.Store(isIdle)
	}
}

type connKey struct{}

// ConnContext lets handlers find out about the connection of a request.
func (l *Listener) ConnContext(ctx context.Context, inner net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, inner)
}

// Counts are the connections that a [Listener] has, and those that it has refused or
// closed to make room.
type Counts struct {
	Open, Fresh        int   // now
	PushedOut, Refused int64 // since the start
}

// Counts returns how many connections there are.
func (l *Listener) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Counts{l.open, int(l.fresh.Load()), l.pushedOut.Load(), l.refused.Load()}
}

// What a connection is doing.
const (
	isSilent  int32 = iota // it is fresh, and has sent nothing yet
	isPartial              // it is fresh, and has sent a part of a request
	isIdle                 // it has been answered, and may ask again
	isActive               // a request is under way
	isClosing              // it has been answered for the last time, or is being so
)

// Conn is a connection that a [Listener] counts.
type Conn struct {
	net.Conn
	listener *Listener
	network  netip.Prefix
	group    *group
	state    atomic.Int32
	since    atomic.Int64 // the listener's sequence when the state last changed
	begun    atomic.Bool  // fresh no more
	deadline atomic.Bool  // somebody else minds the writes
	last     atomic.Bool  // the present answer is the last one
	pending  atomic.Bool  // a request has arrived that the server has not read yet
	seen     framing      // of the request that is being read
}

// begin counts the connection as fresh no more, once.
func (c *Conn) begin() {
	if c.begun.CompareAndSwap(false, true) {
		c.listener.fresh.Add(-1)
		c.group.fresh.Add(-1)
	}
}

// Read implements [net.Conn].
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch c.state.Load() {
	case isSilent:
		c.state.Store(isPartial)
		c.watchHeader(p[:n])
	case isPartial, isIdle:
		c.watchHeader(p[:n])
	}
	return n, err
}

// watchHeader follows the header of a request. When the header is whole the request is
// under way, even if the server has not said so yet.
func (c *Conn) watchHeader(p []byte) {
	c.seen.scan(p)
	if c.seen.ended {
		c.begin()
		c.state.Store(isActive)
	}
}

// Write implements [net.Conn]. A reader that takes nothing for too long is given up.
func (c *Conn) Write(p []byte) (int, error) {
	if answer := c.listener.replacement(p); answer != nil {
		_, err := c.write(answer)
		return len(p), err
	}
	return c.write(p)
}

func (c *Conn) write(p []byte) (int, error) {
	if !c.deadline.Load() {
		if err := c.Conn.SetWriteDeadline(c.listener.bounds.Now().Add(c.listener.bounds.Write)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Write(p)
	if c.last.Load() {
		c.state.Store(isClosing)
	}
	return n, err
}

// SetWriteDeadline implements [net.Conn]. Whoever sets one minds all further writes,
// until it is taken away: the server does that after each request.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

// CloseWrite tells the peer that nothing more comes. The server does so half a second
// before it closes.
func (c *Conn) CloseWrite() error {
	c.begin()
	c.state.Store(isClosing)
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return nil
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.listener.mu.Lock()
	c.listener.forget(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
