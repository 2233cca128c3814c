package outbound

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// As many connections to one host are kept as there may be requests in flight.
func TestConnectionsToOneHostAreKept(t *testing.T) {
	t.Parallel()
	const inFlight = 100
	var (
		opened  atomic.Int32
		arrived = make(chan struct{})
		answer  = make(chan struct{})
	)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := New(Options{Allow: []netip.Prefix{loopback}, Timeout: time.Minute, MaxInFlight: inFlight})
	t.Cleanup(c.Close)
	for range 3 {
		var posts sync.WaitGroup
		for range inFlight {
			posts.Go(func() {
				if res := c.Post(t.Context(), Request{URL: srv.URL}); res.Class != Acked {
					t.Errorf("%s: %s", res.Class, res.Error)
				}
			})
		}
		for range inFlight { // all of them have a connection now
			<-arrived
		}
		for range inFlight {
			answer <- struct{}{}
		}
		posts.Wait()
	}
	// One that is given back a moment late is missed, and another is opened.
	if n := opened.Load(); n > inFlight+inFlight/10 {
		t.Errorf("%d connections were opened for %d requests at a time", n, inFlight)
	}
}

// A new connection resumes the TLS session of the one before.
func TestTLSSessionsAreResumed(t *testing.T) {
	t.Parallel()
	var resumed []bool
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		resumed = append(resumed, r.TLS.DidResume)
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, time.Minute)
	c.fresh.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.fresh.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	c.keep = c.fresh // a connection for each request
	for range 3 {
		if res := c.Post(t.Context(), Request{URL: srv.URL}); res.Class != Acked {
			t.Fatalf("%s: %s", res.Class, res.Error)
		}
	}
	if len(resumed) != 3 || resumed[0] || !resumed[1] || !resumed[2] {
		t.Errorf("resumed: %t, want all but the first", resumed)
	}
}
