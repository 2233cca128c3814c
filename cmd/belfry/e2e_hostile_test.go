//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// hostile is a receiver that misbehaves and how an attempt at it must be kept.
type hostile struct {
	name  string
	url   string
	class string
	code  int
	check func(attemptView) bool // of the rest, or nil
}

// cookie and path are secrets: a header's value and a part of the URL.
func (h hostile) cookie() string {
	return "cookie-of-" + strings.ReplaceAll(h.name, " ", "-") + "-8c1f07d2"
}

func (h hostile) path() string {
	return "/path-of-" + strings.ReplaceAll(h.name, " ", "-") + "-5e90ab44?q=query-of-77aa0316"
}

// over speaks HTTP as told.
func over(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	return overServer(t, httptest.NewUnstartedServer(answer), (*httptest.Server).Start)
}

func overTLS(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	return overServer(t, httptest.NewUnstartedServer(answer), (*httptest.Server).StartTLS)
}

func overServer(t *testing.T, s *httptest.Server, start func(*httptest.Server)) string {
	t.Helper()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// overTCP reads a request and does with the connection as told.
func overTCP(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 64<<10)) // an alert of the tests comes in one piece
				talk(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// drip writes one byte at a time until the other side has had enough.
func drip(w io.Writer, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := io.WriteString(w, text[i:i+1]); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		<-tick.C
	}
}

func hundredMegabytes(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		block := bytes.Repeat([]byte("x"), 1<<20)
		for range 100 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// echo sends back all that it was sent, in the body and in headers.
func echo(w http.ResponseWriter, r *http.Request) {
	for name, values := range r.Header {
		w.Header()["Echo-"+name] = values
	}
	w.Header().Set("Location", "http://"+r.Host+r.URL.String())
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, "%s http://%s%s\n%v\n", r.Method, r.Host, r.URL, r.Header)
	_, _ = io.Copy(w, r.Body)
}

// refusingURL is of a port at which nobody listens any more.
func refusingURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func misbehaving(t *testing.T, otherHook string) []hostile {
	t.Helper()
	cutAt64K := func(a attemptView) bool { return a.ResponseTruncated && len(a.body()) == 64<<10 }
	return []hostile{
		{"refuses", refusingURL(t), "refused", 0, nil},
		{"hangs", over(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // without which nobody notices that the sender has gone
			<-r.Context().Done()
		}), "timeout", 0, nil},
		{"redirects", over(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, otherHook, http.StatusTemporaryRedirect)
		}), "redirected", 307, nil},
		{"drips headers", overTCP(t, func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 4096)) }), "timeout", 0, nil},
		{
			"drips a body", over(t, func(w http.ResponseWriter, _ *http.Request) { drip(w, "drop ") }), "acked", 200,
			func(a attemptView) bool { return a.ResponseTruncated && strings.HasPrefix(a.body(), "drop ") },
		},
		{
			"drips an error", over(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); drip(w, "drop ") }), "rejected", 500,
			func(a attemptView) bool { return a.ResponseTruncated && strings.HasPrefix(a.body(), "drop ") },
		},
		{"acks with 100 MB", over(t, hundredMegabytes(200)), "acked", 200, cutAt64K},
		{"fails with 100 MB", over(t, hundredMegabytes(500)), "rejected", 500, cutAt64K},
		{
			"sends NUL", over(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); io.WriteString(w, "a\x00b") }), "rejected", 500,
			func(a attemptView) bool { return a.body() == "a\x00b" },
		},
		{"hangs up", overTCP(t, func(net.Conn) {}), "reset", 0, nil},
		{
			"closes early", overTCP(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") }), "acked", 200,
			func(a attemptView) bool { return a.ResponseTruncated && a.body() == "half" },
		},
		{
			"echoes", over(t, echo), "rejected", 400,
			func(a attemptView) bool {
				return strings.Contains(a.body(), "****") && strings.Contains(a.body(), "AllLogs.IPMonitoring")
			},
		},
		{"speaks SSH", overTCP(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n") }), "protocol", 0, nil},
		{"signs itself", overTLS(t, echo), "tls", 0, nil},
		{"speaks no TLS", "https" + strings.TrimPrefix(over(t, echo), "http"), "tls", 0, nil},
		{"does not exist", "http://no-such-host.invalid", "dns", 0, nil},
		{"is not public", "http://[fd00::1]:8080", "blocked_address", 0, nil}, // in no network of BELFRY_EGRESS_ALLOW
	}
}

// floodAlerts is how many alerts go to all hostile receivers at once.
const floodAlerts = 20

// Nothing that a receiver does may hurt anybody but itself.
func TestE2EHostileReceivers(t *testing.T) {
	heavy(t, 1)
	otherHook := newHook(t)
	p, c := serving(t, pgtest.NewURL(t), "BELFRY_ATTEMPT_TIMEOUT=1s", "BELFRY_RETRY_WAITS=1ms")
	kinds := misbehaving(t, otherHook.url)
	secrets := []string{pgtest.Keyset(), adminToken, "query-of-77aa0316"}
	for _, k := range kinds {
		d := c.destination(t, k.name, k.url+k.path(), header{"X-API-Key", k.cookie()})
		secrets = append(secrets, d.SigningSecret, strings.TrimPrefix(d.SigningSecret, "whsec_"), k.cookie(), strings.Split(k.path(), "?")[0])
	}
	got := map[string]deliveryView{}
	for _, d := range c.alert(t, "a-1").Deliveries {
		got[d.Destination.DisplayName] = d
	}
	for _, k := range kinds {
		status, attempts := "failed", 2
		if k.class == "acked" {
			status, attempts = "delivered", 1
		}
		d := c.awaitStatus(t, got[k.name].ID, status, 1)
		if len(d.AttemptHistory) != attempts {
			t.Errorf("%s: %d attempts, want %d", k.name, len(d.AttemptHistory), attempts)
		}
		for _, a := range d.AttemptHistory {
			if a.Class != k.class || a.code() != k.code || !a.Counted || k.check != nil && !k.check(a) {
				body := a.body()
				a.ResponseBody = nil
				t.Errorf("%s: want class %s and code %d: %+v %d %.300q", k.name, k.class, k.code, a, a.code(), body)
			}
		}
	}
	if n := len(otherHook.acked()); n != 0 {
		t.Error("a redirect was followed")
	}
	// Now all at once, for what that takes.
	var more []any
	for i := range floodAlerts {
		more = append(more, newAlert(fmt.Sprintf("more-%d", i)))
	}
	c.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/alerts/batch", map[string]any{"alerts": more}, nil)
	eventually(t, 60*time.Second, func() string {
		if n := c.counts(t); n.Queued+n.Retrying+n.Held > 0 {
			return fmt.Sprintf("%+v", n)
		}
		return ""
	})
	everything := c.everything(t) + p.log.String()
	for _, s := range secrets {
		if i := strings.Index(everything, s); i >= 0 {
			t.Errorf("%q is told: …%s…", s, everything[max(0, i-200):min(len(everything), i+200)])
		}
	}
	peak := p.peakMemory(t)
	t.Logf("%d kinds of receivers, %d deliveries to each; %d MB of memory at most", len(kinds), 1+floodAlerts, peak>>20)
	if peak > 200<<20 {
		t.Errorf("it took %d MB of memory", peak>>20)
	}
	c.healthy(t)
}

// Without leave, this machine is out of reach.
func TestE2ELoopbackIsBlocked(t *testing.T) {
	heavy(t, 1)
	h := newHook(t)
	_, c := serving(t, pgtest.NewURL(t), "BELFRY_EGRESS_ALLOW=", "BELFRY_RETRY_WAITS=none")
	c.destination(t, "by address", h.url)
	c.destination(t, "by name", strings.Replace(h.url, "127.0.0.1", "localhost", 1))
	c.destination(t, "by number", strings.Replace(h.url, "127.0.0.1", "[::ffff:127.0.0.1]", 1))
	for _, d := range c.alert(t, "a-1").Deliveries {
		got := c.awaitStatus(t, d.ID, "failed", 1)
		if a := got.LastAttempt; a.Class != "blocked_address" || a.StatusCode != nil {
			t.Errorf("%s: %+v", got.Destination.DisplayName, a)
		}
	}
	if len(h.acked()) != 0 {
		t.Error("it was called")
	}
}

// everything is all that the API answers to those who may read.
func (c *client) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	get := func(path string) []byte {
		body := c.call(t, http.StatusOK, http.MethodGet, path, nil, nil).body
		all.Write(body)
		var v any // also what escapes hide
		if json.Unmarshal(body, &v) == nil {
			fmt.Fprint(&all, v)
		}
		return body
	}
	for _, path := range []string{
		"/api/v1/destinations", "/api/v1/deliveries", "/api/v1/alerts", "/api/v1/alerts/a-1", "/api/v1/alerts/a-1/route", "/api/v1/tokens", "/metrics", "/readyz",
	} {
		get(path)
	}
	for _, d := range c.deliveries(t) {
		get("/api/v1/destinations/" + d.Destination.ID)
		var full deliveryView
		if err := json.Unmarshal(get("/api/v1/deliveries/"+d.ID), &full); err != nil {
			t.Fatal(err)
		}
		for _, a := range full.AttemptHistory {
			get("/api/v1/deliveries/" + d.ID + "/attempts/" + a.ID)
		}
	}
	return all.String()
}

// peakMemory is the most that the process ever had in memory.
func (c *child) peakMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in\n%s", status)
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
