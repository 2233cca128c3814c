package outbound

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestHTTP2(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, r.Proto, r.Header["Webhook-Id"])
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := newClient(t, 0)
	c.keep.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.keep.TLSClientConfig.RootCAs.AddCert(srv.Certificate())

	res := c.Post(t.Context(), Request{URL: srv.URL, Header: []Header{{"webhook-id", "7"}}})
	wantClass(t, res, Acked, 200)
	if got := string(res.Body); got != "HTTP/2.0[7]" {
		t.Errorf("body %q", got)
	}
	if res.Timing.TLS <= 0 || res.Timing.Connect <= 0 || res.Address != srv.Listener.Addr().String() {
		t.Errorf("timing %+v, address %q", res.Timing, res.Address)
	}
	res = c.Post(t.Context(), Request{URL: srv.URL + "/abort"})
	wantClass(t, res, Reset, 0)
	if res.RetriedStale {
		t.Error("a request that the server gave up on was sent again")
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "%s %s", r.URL, r.Header.Get("Proxy-Authorization"))
	})
	u, _ := url.Parse(proxy.URL)
	u.User = url.UserPassword("alice", "hunter22")
	c := New(Options{Proxy: u}) // the proxy's own address is exempt from the policy
	t.Cleanup(c.Close)

	res := c.Post(t.Context(), Request{URL: "http://receiver.invalid/x"})
	wantClass(t, res, Acked, 200)
	if got, want := string(res.Body), "**** Basic ****"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	res = c.Post(t.Context(), Request{URL: "https://receiver.invalid/x"})
	wantClass(t, res, Refused, 0)
	wantWords(t, res, "the proxy answered 403")
}

func TestEnvironmentProxiesAreIgnored(t *testing.T) {
	t.Parallel()
	// TestMain has named a proxy. Through it, it would be for the proxy to fail.
	for _, scheme := range []string{"http", "https"} {
		res := newClient(t, 5*time.Second).Post(t.Context(), Request{URL: scheme + "://nobody..example/"})
		wantClass(t, res, DNS, 0)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	from := make(chan string, 5)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from <- r.RemoteAddr
		w.Write(make([]byte, 200<<10)) // more than is kept, less than is read
	})
	c := newClient(t, 0)
	for range 5 {
		wantClass(t, c.Post(t.Context(), Request{URL: srv.URL}), Acked, 200)
	}
	first := <-from
	for range 4 {
		if next := <-from; next != first {
			t.Errorf("a request came from %s, the first from %s", next, first)
		}
	}
}

func BenchmarkPost(b *testing.B) {
	srv := serve(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"ok":true}`)
	})
	c := New(Options{Allow: []netip.Prefix{loopback}})
	b.Cleanup(c.Close)
	r := Request{
		URL:     srv.URL + "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX?token=0123456789abcdef",
		Header:  []Header{{"webhook-id", "7"}, {"Authorization", "Bearer 0123456789abcdef0123456789abcdef"}},
		Body:    []byte(strings.Repeat("x", 2048)),
		Secrets: []string{"Bearer 0123456789abcdef0123456789abcdef", "whsec_0123456789abcdef0123456789abcdef"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if res := c.Post(b.Context(), r); res.Class != Acked {
			b.Fatal(res.Class, res.Error)
		}
	}
}
