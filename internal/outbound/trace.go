package outbound

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// trace follows one request. Its hooks run on other goroutines, and those of a
// dial that lost the race against a kept connection even after the request.
type trace struct {
	now       func() time.Time
	addresses func() ([]net.Addr, error) // of this machine
	mu        sync.Mutex
	steps
}

type steps struct {
	dnsStart, dnsDone         time.Time
	connectStart, connectDone time.Time
	tlsStart, tlsDone         time.Time
	wrote, firstByte          time.Time
	got, reused, tlsFailed    bool
	address                   string
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A Transport that finds a kept connection dead before it wrote to it
		// starts over, and so does the record.
		GetConn:  func(string) { t.note(func() { t.steps = steps{} }) },
		DNSStart: func(httptrace.DNSStartInfo) { t.dialing(func() { t.dnsStart = t.now() }) },
		DNSDone:  func(httptrace.DNSDoneInfo) { t.dialing(func() { t.dnsDone = t.now() }) },
		ConnectStart: func(_, address string) {
			t.dialing(func() {
				t.address = address
				if t.connectStart.IsZero() { // the second address of a name starts while the first is tried
					t.connectStart = t.now()
				}
			})
		},
		ConnectDone:       func(_, _ string, _ error) { t.dialing(func() { t.connectDone = t.now() }) },
		TLSHandshakeStart: func() { t.dialing(func() { t.tlsStart = t.now() }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			t.dialing(func() { t.tlsDone, t.tlsFailed = t.now(), err != nil })
		},
		GotConn:              func(info httptrace.GotConnInfo) { t.note(func() { t.gotConn(info) }) },
		WroteRequest:         func(info httptrace.WroteRequestInfo) { t.note(func() { t.wroteRequest(info) }) },
		GotFirstResponseByte: func() { t.note(func() { t.firstByte = t.now() }) },
	}
}

func (t *trace) note(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

// dialing notes a step of a dial, unless the request is under way without it.
func (t *trace) dialing(f func()) {
	t.note(func() {
		if !t.got {
			f()
		}
	})
}

func (t *trace) gotConn(info httptrace.GotConnInfo) {
	if info.Reused {
		t.steps = steps{} // a dial of our own is for somebody else now
	}
	t.got, t.reused = true, info.Reused
	t.wrote, t.firstByte = time.Time{}, time.Time{}
	if info.Conn != nil {
		t.address = info.Conn.RemoteAddr().String()
	}
}

func (t *trace) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		t.wrote = t.now()
	}
}

// stale reports whether the request went over a kept connection and got not one
// byte of answer.
func (t *trace) stale() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reused && t.firstByte.IsZero()
}

func (t *trace) dialled() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.address
}

// tried returns the address that err is about. A name may have several, of which
// net reports the first that failed and the hooks saw the last.
func (t *trace) tried(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return t.dialled()
	}
	if a, ok := op.Addr.(*net.TCPAddr); ok && a.IP != nil {
		return a.String()
	}
	return ""
}

func (t *trace) timing(end time.Time) Timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Timing{
		DNS:       between(t.dnsStart, t.dnsDone, end),
		Connect:   between(t.connectStart, t.connectDone, end),
		TLS:       between(t.tlsStart, t.tlsDone, end),
		FirstByte: between(t.wrote, t.firstByte, end),
	}
}

func between(from, to, end time.Time) time.Duration {
	if from.IsZero() {
		return 0
	}
	if to.IsZero() {
		to = end
	}
	return max(0, to.Sub(from)) // an answer can begin before the request is out
}

// phase says in words what the exchange was doing.
func (t *trace) phase() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.got && !t.firstByte.IsZero():
		return "reading the answer's headers"
	case t.got && !t.wrote.IsZero():
		return "waiting for the answer"
	case t.got:
		return "sending the request"
	case !t.tlsStart.IsZero():
		return "in the TLS handshake"
	case !t.connectStart.IsZero():
		return "connecting"
	case !t.dnsStart.IsZero():
		return "resolving the host name"
	}
	return "waiting for a connection"
}
