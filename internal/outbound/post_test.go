package outbound

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatusDecidesTheClass(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.WriteHeader(code)
	})
	c := newClient(t, 0)
	for code, want := range map[int]Class{
		200: Acked, 201: Acked, 202: Acked, 204: Acked, 299: Acked,
		300: Redirected, 301: Redirected, 304: Redirected, 307: Redirected, 399: Redirected,
		400: Rejected, 404: Rejected, 410: Rejected, 429: Rejected, 500: Rejected, 503: Rejected, 600: Rejected, 999: Rejected,
	} {
		res := c.Post(t.Context(), Request{URL: fmt.Sprintf("%s/%d", srv.URL, code)})
		wantClass(t, res, want, code)
		wantWords(t, res, "")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/target" {
			reached <- r.Method
		}
		w.Header()["Location"] = r.URL.Query()["to"]
		w.WriteHeader(http.StatusFound)
	})
	c := newClient(t, 0)
	for name, query := range map[string]string{
		"with Location":           "?to=/target",
		"without":                 "",
		"with a broken one":       "?to=http%3A%2F%2F%5B%3A%3A",
		"to another scheme":       "?to=file%3A%2F%2F%2Fetc%2Fpasswd",
		"to another host, by 307": "?to=//127.0.0.2/target",
	} {
		t.Run(name, func(t *testing.T) {
			wantClass(t, c.Post(t.Context(), Request{URL: srv.URL + "/" + query}), Redirected, http.StatusFound)
		})
	}
	if len(reached) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	type sent struct {
		Method, Path, Body string
		Header             http.Header
	}
	seen := make(chan sent, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- sent{r.Method, r.URL.RequestURI(), string(body), r.Header}
	})
	res := newClient(t, 0).Post(t.Context(), Request{
		URL: srv.URL + "/hook?x=1",
		Header: []Header{
			{"webhook-id", "7"},
			{"X-Twice", "a"},
			{"X-Twice", "b"},
			{"Idempotency-Key", "k"},
			{"x-idempotency-key", "k"},
			{"content-type", "text/plain"},
			{"Host", "evil"},
			{"Content-Length", "1"},
			{"Transfer-Encoding", "chunked"},
			{"Connection", "close"},
		},
		Body: []byte(`{"a":1}`),
	})
	wantClass(t, res, Acked, 200)
	want := sent{"POST", "/hook?x=1", `{"a":1}`, http.Header{
		"Content-Length": {"7"}, "Content-Type": {"application/json"}, "User-Agent": {"Belfry/test"},
		"Webhook-Id": {"7"}, "X-Twice": {"a", "b"},
	}}
	if diff := cmp.Diff(want, <-seen); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	wantHeaders := []Header{
		{"Content-Type", "application/json"}, {"User-Agent", "Belfry/test"}, {"webhook-id", "7"}, {"X-Twice", "a"}, {"X-Twice", "b"},
	}
	if diff := cmp.Diff(wantHeaders, res.RequestHeaders); diff != "" {
		t.Errorf("RequestHeaders (-want +got)\n%s", diff)
	}
}

func TestUserAgentAndUserInfo(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, r.Header["User-Agent"], len(user), len(password))
	})
	u := strings.Replace(srv.URL, "//", "//alice:hunter22@", 1)
	res := newClient(t, 0).Post(t.Context(), Request{URL: u, Header: []Header{{"user-agent", "Mine/1"}}})
	if got, want := string(res.Body), "[Mine/1] 5 8"; got != want {
		t.Errorf("server saw %q, want %q", got, want)
	}
	if h := fmt.Sprint(res.RequestHeaders); !strings.Contains(h, "{Authorization Basic ****}") {
		t.Errorf("request headers %s show the password", h)
	}
}

func TestWhatCannotBeSentIsProtocol(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("sent all the same") })
	c := newClient(t, time.Second)
	for name, r := range map[string]Request{
		"no URL":             {},
		"no scheme":          {URL: "example.com/secret-path"},
		"no host":            {URL: "http:///secret-path"},
		"opaque":             {URL: "http:secret-path"},
		"another scheme":     {URL: "file:///etc/passwd"},
		"unparseable":        {URL: "http://[::1/secret-path"},
		"control character":  {URL: "http://127.0.0.1/secret-path\x7f"},
		"bad escape":         {URL: "http://127.0.0.1/%zzsecret-path"},
		"port out of range":  {URL: "http://127.0.0.1:99999/secret-path"},
		"empty header name":  {URL: srv.URL, Header: []Header{{"", "x"}}},
		"line break in name": {URL: srv.URL, Header: []Header{{"A\r\nB", "secret-path"}}},
		"space in name":      {URL: srv.URL, Header: []Header{{"Host ", "secret-path"}}},
		"line break":         {URL: srv.URL, Header: []Header{{"A", "secret-path\r\nB: 1"}}},
		"NUL":                {URL: srv.URL, Header: []Header{{"A", "secret-path\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			res := c.Post(t.Context(), r)
			wantClass(t, res, Protocol, 0)
			if res.Error == "" || strings.Contains(res.Error, "secret-path") {
				t.Errorf("error %q: want one that quotes nothing", res.Error)
			}
		})
	}
}

func TestRecordOfAnAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	tick := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "never")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Retry-After", "30")
		w.Header().Set("X-B", "caf\xe9")
		w.Header().Add("X-A", "2")
		w.Header().Add("X-A", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "busy\x00\xff")
	})
	c := newClient(t, 0)
	c.Post(t.Context(), Request{URL: srv.URL}) // so that no dial uses the clock below from its own goroutine
	c.now = tick
	res := c.Post(t.Context(), Request{URL: srv.URL})

	want := Result{
		Class: Rejected, StatusCode: 503, Address: strings.TrimPrefix(srv.URL, "http://"), Sent: Sent{URL: srv.URL, Body: []byte{}},
		RequestHeaders: []Header{{"Content-Type", "application/json"}, {"User-Agent", "Belfry/test"}},
		ResponseHeaders: []Header{
			{"Content-Length", "6"},
			{"Content-Type", "text/plain"},
			{"Date", "never"},
			{"Retry-After", "30"},
			{"X-A", "2"},
			{"X-A", "1"},
			{"X-B", "caf\uFFFD"},
		},
		Body: []byte("busy\x00\xff"), BodySize: 6, RetryAfter: 30 * time.Second,
	}
	started, duration, timing := res.StartedAt, res.Duration, res.Timing
	res.StartedAt, res.Duration, res.Timing = time.Time{}, 0, Timing{}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("result (-want +got)\n%s", diff)
	}
	if !started.Equal(time.Date(2026, 11, 21, 12, 0, 0, int(time.Millisecond), time.UTC)) || duration <= 0 {
		t.Errorf("started %v, took %v", started, duration)
	}
	if timing.DNS != 0 || timing.Connect != 0 || timing.TLS != 0 || timing.FirstByte <= 0 || timing.Body <= 0 {
		t.Errorf("timing %+v of a kept connection: want first byte and body only", timing)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	silent := serveTCP(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	half := serveTCP(t, func(conn net.Conn) {
		readRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A: ")
		io.Copy(io.Discard, conn)
	})
	c := newClient(t, 300*time.Millisecond)
	for name, test := range map[string]struct{ url, words string }{
		"no answer":        {silent, "waiting for the answer"},
		"no TLS handshake": {strings.Replace(silent, "http", "https", 1), "in the TLS handshake"},
		"half the headers": {half, "reading the answer's headers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := c.Post(t.Context(), Request{URL: test.url})
			wantClass(t, res, Timeout, 0)
			wantWords(t, res, "timed out while "+test.words)
			if res.Address == "" || res.Body != nil || res.Duration < 300*time.Millisecond {
				t.Errorf("address %q, body %q, %v", res.Address, res.Body, res.Duration)
			}
		})
	}
	t.Run("of the caller", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		wantClass(t, newClient(t, 0).Post(ctx, Request{URL: silent}), Timeout, 0)
	})
}

func TestInterruptionBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then does the server notice that we went
		cancel()
		<-r.Context().Done()
	})
	c := newClient(t, 0)
	res := c.Post(ctx, Request{URL: srv.URL})
	wantClass(t, res, Interrupted, 0)
	wantWords(t, res, "stopped by the sender while waiting for the answer")

	res = c.Post(ctx, Request{URL: srv.URL})
	wantClass(t, res, Interrupted, 0)
	wantWords(t, res, "stopped by the sender while waiting for a connection")
}

func TestInterruptionInTheBodyKeepsTheClass(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]Class{200: Acked, 302: Redirected, 500: Rejected} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := newClient(t, 0)
		c.keep.RegisterProtocol("http", onAnswer{c.keep.Clone(), cancel})
		res := c.Post(ctx, Request{URL: srv.URL})
		wantClass(t, res, class, status)
		wantWords(t, res, "body was cut short: stopped by the sender")
		if !res.Truncated {
			t.Errorf("%d: not marked as truncated", status)
		}
	}
}

// onAnswer calls f when the headers of an answer are there.
type onAnswer struct {
	http.RoundTripper
	f func()
}

func (o onAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.RoundTripper.RoundTrip(r)
	o.f()
	return resp, err
}

func TestInformationalAnswersAreIgnored(t *testing.T) {
	t.Parallel()
	c := newClient(t, 5*time.Second)
	t.Run("a few", func(t *testing.T) {
		res := c.Post(t.Context(), Request{URL: serveTCP(t, answerOnce(
			strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 3)+"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))})
		wantClass(t, res, Acked, 200)
	})
	t.Run("without end", func(t *testing.T) {
		res := c.Post(t.Context(), Request{URL: serveTCP(t, func(conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			for {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		})})
		wantClass(t, res, Protocol, 0)
		wantWords(t, res, "response headers exceeded")
	})
	t.Run("101 has no body", func(t *testing.T) {
		res := c.Post(t.Context(), Request{URL: serveTCP(t, func(conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			io.Copy(io.Discard, conn)
		})})
		wantClass(t, res, Rejected, 101)
		wantWords(t, res, "")
	})
}
