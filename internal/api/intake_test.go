package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"belfry/internal/access"
)

// wire is a connection on which anything can be sent.
type wire struct {
	net.Conn
	answers *bufio.Reader
}

func (h *harness) wire(t *testing.T) *wire {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &wire{c, bufio.NewReader(c)}
}

func (w *wire) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// answer reads the next answer, and whether the connection ends with it.
func (w *wire) answer(t *testing.T) (a answer, ends bool) {
	t.Helper()
	resp, err := http.ReadResponse(w.answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	a = answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if !resp.Close {
		return a, false
	}
	if n, err := w.answers.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after Connection: close came %q, %v", n, err)
	}
	return a, true
}

func head(path, token, more string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n", path, token, more)
}

// get is a request with a body that nobody wants, and that does not come.
func get(path, token string) string {
	return strings.Replace(head(path, token, "Content-Length: 500\r\n"), "POST", "GET", 1) + "{"
}

// A request whose body was not read, or whose end is in doubt, is the last of its
// connection, and its answer does not wait for the body.
func TestConnectionsEndAfterBrokenRequests(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	reader := h.token(t, access.Read)
	for name, c := range map[string]struct {
		request string
		status  int
		ends    bool
	}{
		"a whole one":           {head(alertsPath, h.admin, "Content-Length: 2\r\n") + "{}", 422, false},
		"a whole chunked one":   {head(alertsPath, h.admin, "Transfer-Encoding: chunked\r\n") + "2\r\n{}\r\n0\r\n\r\n", 422, true}, // nobody saw its header here
		"no token":              {head(alertsPath, "wrong", "Content-Length: 500\r\n") + "{", 401, true},
		"no scope":              {head(alertsPath, reader, "Content-Length: 500\r\n") + "{", 403, true},
		"too large":             {head(alertsPath, h.admin, "Content-Length: 1048577\r\n") + "{", 413, true},
		"a batch too large":     {head(batchPath, h.admin, "Content-Length: 16777217\r\n") + "{", 413, true},
		"a sign-in too large":   {head(sessionPath, h.admin, "Content-Length: 4097\r\n") + "{", 413, true},
		"a wrong query":         {head(alertsPath+"?x=1", h.admin, "Content-Length: 500\r\n") + "{", 422, true},
		"no such path":          {head("/no-such-path", h.admin, "Content-Length: 500\r\n") + "{", 404, true},
		"no such method":        {head("/healthz", h.admin, "Content-Length: 500\r\n") + "{", 405, true},
		"chunks that are none":  {head(alertsPath, h.admin, "Transfer-Encoding: chunked\r\n") + "zz\r\n", 400, true},
		"another site's":        {head(alertsPath, h.admin, "Content-Length: 500\r\nSec-Fetch-Site: cross-site\r\n") + "{", 422, true},
		"a page":                {get("/healthz", h.admin), 200, true},
		"the metrics":           {get("/metrics", h.admin), 200, true},
		"a page of the console": {get("/sign-in", h.admin), 200, true},
		"a file":                {get("/openapi.yaml", h.admin), 200, true},
		"two different lengths": {head(alertsPath, h.admin, "Content-Length: 5\r\nContent-Length: 6\r\n"), 400, true},
		"another coding":        {head(alertsPath, h.admin, "Transfer-Encoding: gzip\r\n"), 501, true},
	} {
		w := h.wire(t)
		request := c.request
		if name == "another site's" { // a bearer token is not a browser's doing
			request = strings.Replace(request, "Authorization: Bearer "+h.admin+"\r\n", "", 1)
			c.status = 403
		}
		w.send(t, request)
		began := time.Now()
		a, ends := w.answer(t)
		if a.status != c.status || ends != c.ends {
			t.Errorf("%s: %d, and the connection ends: %t; want %d, %t\n%s", name, a.status, ends, c.status, c.ends, a.body)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: answered after %v", name, took)
		}
	}
}

// A slot for a call with alerts is taken when its body is there: any number of bodies
// that do not come keep nobody out.
func TestUnfinishedBodiesTakeNoSlots(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for range 2 {
		h.wire(t).send(t, head(batchPath, h.token(t, access.Ingest), "Transfer-Encoding: chunked\r\n")+"1\r\n{\r\n")
	}
	for range maxInFlightIngest + 10 {
		h.wire(t).send(t, head(alertsPath, h.admin, "Content-Length: 500\r\n")+"{")
	}
	large := strings.Repeat("x", 6000)
	var many []string
	for range 200 {
		many = append(many, alertBody(object{"description": large}))
	}
	for _, change := range []change{as(h.admin), chunked} {
		if a := h.post(t, batchPath, batch(many...), change); a.status != 202 {
			t.Errorf("a batch of 1.2 MB: %d %s", a.status, a.body)
		}
		if a := h.post(t, alertsPath, alertBody(), change); a.status != 202 {
			t.Errorf("an alert: %d %s", a.status, a.body)
		}
	}
}

// While there is no room for a call with alerts, it is refused before its body is read,
// and the readiness says so. What comes to nothing for another reason meanwhile does not
// count as accepted: one producer with a wrong token keeps no replica in.
func TestOverloadShowsInReadiness(t *testing.T) {
	t.Parallel()
	clock := lateClock{still: time.Now()} // however slow the machine is
	h := newAPI(t, clock.option, func(s *setup) { s.api.AdminToken = "an admin token that needs no database" })
	ready := func(want int, status ReadinessStatus, ok bool) {
		t.Helper()
		got := decode[Health](t, h.get(t, "/readyz", anonymous), want)
		c := got.Checks[len(got.Checks)-1]
		if got.Status != status || c.Name != "producers" || c.OK != ok {
			t.Errorf("%+v, want %s, and the producers' check %t", got, status, ok)
		}
	}
	ready(200, ReadinessStatusOK, true)
	h.server.intake.calls.Add(maxInFlightIngest)
	for second := range historySeconds + 1 {
		wantProblem(t, h.post(t, alertsPath, alertBody()), 503, ProblemCodeOverloaded)
		if second == 0 {
			w := h.wire(t)
			w.send(t, head(alertsPath, h.admin, "Content-Length: 500\r\n")+"{")
			if a, ends := w.answer(t); a.status != 503 || !ends || a.header.Get("Retry-After") == "" {
				t.Errorf("%d, and the connection ends: %t", a.status, ends)
			}
			ready(200, ReadinessStatusBusy, false)
		}
		h.server.intake.calls.Add(-maxInFlightIngest)
		wantProblem(t, h.post(t, alertsPath, alertBody(), as("wrong")), 401, ProblemCodeUnauthenticated)
		wantStatus(t, h.post(t, alertsPath, "{}"), 422)
		wantStatus(t, h.post(t, batchPath, batch("{}")), 202) // with its only alert refused
		h.server.intake.calls.Add(maxInFlightIngest)
		clock.pass(time.Second)
	}
	ready(503, ReadinessStatusUnready, false)
	h.server.intake.calls.Add(-maxInFlightIngest)
	wantStatus(t, h.post(t, alertsPath, alertBody()), 202)
	ready(200, ReadinessStatusBusy, false)
	clock.pass(historySeconds * time.Second)
	ready(200, ReadinessStatusOK, true)
}

// A short burst of refusals, however many, does not take a replica out.
func TestIngestHistory(t *testing.T) {
	t.Parallel()
	clock := lateClock{still: time.Now()} // however slow the machine is
	for name, c := range map[string]struct {
		seconds string // what came in each: r refused, t taken, b both, - nothing
		busy    bool
		shut    bool
	}{
		"nothing":                       {"", false, false},
		"taken":                         {"tttttttttttt", false, false},
		"a burst":                       {"ttttttttrr", true, false},
		"eight seconds":                 {"rrrrrrrr", true, false},
		"nine seconds":                  {"rrrrrrrrr", true, false},
		"ten seconds":                   {"rrrrrrrrrr", true, true},
		"ten seconds, long ago":         {"rrrrrrrrrr----------", false, false},
		"ten seconds, and one begun":    {"rrrrrrrrrr-", true, true},
		"ten seconds, then a quiet one": {"rrrrrrrrrr--", true, false},
		"ten seconds, and some taken":   {"rrrrbrrrrr", true, false},
		"taken once, and then no more":  {"trrrrrrrrrr", true, true},
	} {
		p := newIngestHistory(clock.now)
		clock.pass(time.Minute)
		for _, second := range c.seconds {
			clock.pass(time.Second)
			if second == 'r' || second == 'b' {
				p.add(0, 1)
			}
			if second == 't' || second == 'b' {
				p.add(1, 0)
			}
		}
		if detail, busy, shut := p.state(); busy != c.busy || shut != c.shut || detail == "" {
			t.Errorf("%s: busy %t, shut %t (%s), want %t, %t", name, busy, shut, detail, c.busy, c.shut)
		}
	}
}

// Of the slots for calls with alerts each is taken once and given back.
func TestMaxInFlightIngest(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.server.intake.calls.Add(maxInFlightIngest - 2)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if a := h.post(t, alertsPath, alertBody()); a.status != 202 && a.status != 503 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	counted := func(want int64) { // a slot may be given back a moment after the answer
		t.Helper()
		until(t, "all slots are given back", func() bool { return h.server.intake.calls.Load() == want })
	}
	counted(maxInFlightIngest - 2)
	h.server.intake.calls.Add(1)
	wantStatus(t, h.post(t, alertsPath, alertBody()), 202) // the last slot
	counted(maxInFlightIngest - 1)
	h.server.intake.calls.Add(1)
	wantStatus(t, h.post(t, alertsPath, alertBody()), 503)
}
