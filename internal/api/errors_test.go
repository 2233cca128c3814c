package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// serve answers one call of an admin without the checks that every answer of a
// harness must pass, as the fault here is ours.
func serve(t *testing.T, cfg Config, path string) (answer, Problem) {
	t.Helper()
	cfg.Now, cfg.AdminToken = time.Now, "open sesame"
	r := httptest.NewRequest(http.MethodGet, path, nil)
	as(cfg.AdminToken)(r)
	w := httptest.NewRecorder()
	New(cfg).ServeHTTP(w, r)
	a := answer{w.Code, w.Result().Header, w.Body.Bytes()}
	for _, breach := range breaches(loadContract(t), r, a) {
		t.Errorf("%s: %s", path, breach)
	}
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return a, p
}

// What goes wrong on our side is in the log, and not in the answer.
func TestOurFault(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(500, ""))
	h.hook(t, r.URL)
	id := h.failed(t)
	h.exec(t, `ALTER TABLE runs RENAME TO sprints`)
	a, p := serve(t, Config{DB: h.db, Log: h.log.logger(slog.LevelDebug)}, deliveryPath(id))
	if a.status != 500 || p.Code != ProblemCodeInternal || strings.Contains(string(a.body), "runs") || p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("%d %s", a.status, a.body)
	}
	found := false
	for line := range strings.Lines(h.log.text()) {
		found = found || strings.Contains(line, `"ERROR"`) && strings.Contains(line, `"request failed"`) && strings.Contains(line, p.RequestID) &&
			strings.Contains(line, "runs") && strings.Contains(line, "/api/v1/deliveries/:id")
	}
	if !found {
		t.Errorf("the log does not say what went wrong:\n%s", h.log.text())
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	log := new(logBook)
	a, p := serve(t, Config{Log: log.logger(slog.LevelInfo)}, alertsPath) // there is no database to ask
	if a.status != 500 || p.Code != ProblemCodeInternal || strings.Contains(string(a.body), "nil") || p.RequestID == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if text := log.text(); !strings.Contains(text, "request panicked") || !strings.Contains(text, p.RequestID) || !strings.Contains(text, "alerts.go") {
		t.Errorf("the log does not say where: %s", text)
	}
}

// Every error leads to a line of the docs that explains it.
func TestProblemTypes(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	docs := string(h.get(t, "/docs").body)
	for status, a := range map[int]answer{
		400: h.post(t, alertsPath, "{"), 401: h.get(t, alertsPath, anonymous), 404: h.get(t, "/no-such-path"), 405: h.delete(t, alertsPath),
		415: h.post(t, alertsPath, "{}", with("Content-Type", "text/plain")), 422: h.post(t, alertsPath, "{}"),
	} {
		p := decode[Problem](t, a, status)
		if p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" || p.Type != "/docs#error-"+string(p.Code) {
			t.Errorf("%d: %+v", status, p)
		}
		if _, id, _ := strings.Cut(p.Type, "#"); !strings.Contains(docs, `id="`+id+`"`) {
			t.Errorf("%d: %s is not in the docs", status, p.Type)
		}
	}
}

// A body that breaks off is the caller's mistake, or his going away.
func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+alertsPath, body)
	if err != nil {
		t.Fatal(err)
	}
	as(h.admin)(r)
	r.Header.Set("Content-Type", "application/json")
	go func() {
		feed.Write([]byte(alertBody()[:10]))
		feed.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if resp, err := client.Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("answered with %d", resp.StatusCode)
	}
	until(t, "the call is over", func() bool { return strings.Contains(h.log.text(), `"route":"/api/v1/alerts"`) })
	if text := h.log.text(); strings.Contains(text, "request failed") {
		t.Errorf("the log blames us: %s", text)
	}
	if n := h.count(t, `SELECT count(*) FROM alerts`); n != 0 {
		t.Errorf("%d alerts", n)
	}
}

// A call that the database leaves waiting is given up, and says so.
func TestCallTimeout(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle, func(s *setup) { s.api.CallTimeout = 200 * time.Millisecond })
	release := pgtest.Lock(t, h.db, `LOCK TABLE destinations`)
	wantProblem(t, h.get(t, destinationsPath), 503, ProblemCodeUnavailable)
	release()
	until(t, "it answers in time again", func() bool { return h.get(t, destinationsPath).status == 200 })
}
