package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"belfry"
	"belfry/internal/access"
	"belfry/internal/pgtest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var draining atomic.Bool
	h := newAPI(t, func(s *setup) { s.api.Draining = draining.Load })
	if got := decode[Health](t, h.get(t, "/healthz", anonymous), 200); got.Status != ReadinessStatusOK {
		t.Errorf("health %+v", got)
	}
	ready := decode[Health](t, h.get(t, "/readyz", anonymous), 200)
	var names []string
	for _, c := range ready.Checks {
		names = append(names, c.Name)
		if !c.OK || c.Detail == "" {
			t.Errorf("check %+v", c)
		}
	}
	if ready.Status != ReadinessStatusOK || strings.Join(names, " ") != "database schema workers partitions traffic producers" {
		t.Errorf("readiness %+v", ready)
	}
	draining.Store(true)
	got := decode[Health](t, h.get(t, "/readyz", anonymous), 503)
	if got.Status != ReadinessStatusUnready || got.Checks[4].OK || got.Checks[4].Detail == ready.Checks[4].Detail || !got.Checks[0].OK {
		t.Errorf("draining %+v", got)
	}
	wantStatus(t, h.get(t, "/healthz", anonymous), 200)
	wantStatus(t, h.post(t, alertsPath, alertBody()), 202) // who asks all the same is served
}

// HEAD answers as GET does, without the body.
func TestHealthByHead(t *testing.T) {
	t.Parallel()
	var draining atomic.Bool
	h := newAPI(t, func(s *setup) { s.api.Draining = draining.Load })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200} {
		a := h.call(t, http.MethodHead, path, "", anonymous)
		if wantStatus(t, a, want); len(a.body) > 0 || a.header.Get("Content-Type") != h.get(t, path).header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v %q", path, a.header, a.body)
		}
	}
	draining.Store(true)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.url+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("draining: %d", resp.StatusCode)
	}
}

// A replica whose workers do not work gets no traffic.
func TestReadinessOfWorkers(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	got := decode[Health](t, h.get(t, "/readyz"), 503)
	if got.Checks[2].OK || got.Checks[3].OK || !got.Checks[0].OK {
		t.Errorf("checks %+v", got.Checks)
	}
}

// A replica that only answers requests does not say that it makes attempts.
func TestReadinessOfTheAPIAlone(t *testing.T) {
	t.Parallel()
	h := newAPI(t, func(s *setup) { s.dispatch.Roles = []string{"api"} })
	got := decode[Health](t, h.get(t, "/readyz"), 200)
	if c := got.Checks[2]; c.Name != "workers" || !c.OK || c.Detail != "This process works no deliveries (role api only)." {
		t.Errorf("check %+v", c)
	}
}

// While the database is away every call says so, and nothing is taken.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	now := time.Now() // and stays so: see Server.refusals
	h := newAPI(t, idle, func(s *setup) { s.api.AdminToken, s.api.Now = "open sesame", func() time.Time { return now } })
	admin := as("open sesame") // known without the database
	code, _ := access.NewCode()
	token, _ := access.NewToken()
	end := pgtest.Outage(t, h.db)
	for _, a := range []answer{
		h.post(t, alertsPath, alertBody(), admin), h.post(t, batchPath, batch(alertBody()), admin), h.get(t, alertsPath, admin),
		h.get(t, alertsPath), h.get(t, alertsPath+"/x", admin), h.get(t, destinationsPath, admin), h.get(t, deliveriesPath+"/"+anyID, admin),
		h.post(t, destinationsPath, js(h.hookBody("http://a.test")), admin), h.post(t, deliveriesPath+"/"+anyID+"/resend", "", admin),
		h.post(t, sessionPath, js(object{"code": code}), anonymous), h.get(t, "/api/v1/tokens", admin), h.submit(t, url.Values{"token": {token}}),
	} {
		wantProblem(t, a, 503, ProblemCodeUnavailable)
	}
	wantStatus(t, h.get(t, "/healthz"), 200)
	if got := decode[Health](t, h.get(t, "/readyz"), 503); got.Checks[0].OK {
		t.Errorf("checks %+v", got.Checks)
	}
	wantStatus(t, h.get(t, "/metrics", admin), 200)
	if text := h.log.text(); strings.Contains(text, `"ERROR"`) || strings.Count(text, `"request refused"`) != 1 {
		t.Errorf("want one line for all of them, and nobody woken:\n%s", text)
	}
	end()
	until(t, "the database is back", func() bool { return h.post(t, alertsPath, alertBody(object{"alertId": "a"}), admin).status == 202 })
	if n := h.count(t, `SELECT count(*) FROM alerts`); n != 1 {
		t.Errorf("%d alerts, want 1", n)
	}
}

// A caller who goes away is nobody's fault.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	pgtest.Lock(t, h.db, `LOCK TABLE alerts, destinations IN ACCESS EXCLUSIVE MODE`)
	const waits = `SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	for i, c := range []struct{ method, path, body string }{
		{http.MethodGet, alertsPath, ""}, {http.MethodGet, destinationsPath, ""}, {http.MethodPost, alertsPath, alertBody()},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, c.method, h.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		as(h.admin)(r)
		r.Header.Set("Content-Type", "application/json")
		gone := make(chan error, 1)
		go func() {
			_, err := client.Do(r)
			gone <- err
		}()
		until(t, "the database is asked", func() bool { return h.count(t, waits) > 0 })
		cancel()
		if err := <-gone; err == nil {
			t.Errorf("%s %s was answered", c.method, c.path)
		}
		until(t, "the log says so", func() bool { return strings.Count(h.log.text(), "request abandoned") == i+1 })
		until(t, "the database knows", func() bool { return c.method == http.MethodPost || h.count(t, waits) == 0 })
	}
	if strings.Contains(h.log.text(), "request failed") {
		t.Errorf("the log blames us:\n%s", h.log.text())
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(200, ""))
	d := h.hook(t, r.URL)
	_, id := h.accept1(t, object{"alertId": "a"})
	h.accept(t, object{"alertId": "a"}) // a repeat
	h.await(t, id, DeliveryStatusDelivered)
	r.become(says(500, ""))
	_, id = h.accept1(t)
	h.await(t, id, DeliveryStatusFailed)
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	h.accept(t)
	reader := as(h.token(t, access.Read))
	for series, want := range map[string]string{
		`belfry_alerts_accepted_total`:                      "3",
		`belfry_attempts_total{class="acked"}`:              "1",
		`belfry_attempts_total{class="rejected"}`:           "11",
		`belfry_attempts_total{class="timeout"}`:            "0",
		`belfry_deliveries_open{status="held"}`:             "1",
		`belfry_deliveries_open{status="queued"}`:           "0",
		`belfry_deliveries_open{status="retrying"}`:         "0",
		`belfry_oldest_due_age_seconds`:                     "0",
		`belfry_repairs_total{kind="dead_instance"}`:        "0",
		`belfry_repairs_total{kind="stuck_delivery"}`:       "0",
		`belfry_deliveries_finished_total{status="failed"}`: "1",
		`belfry_attempt_duration_seconds_count`:             "12",
	} {
		line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (.*)$`)
		until(t, fmt.Sprintf("%s is %s", series, want), func() bool {
			m := line.FindSubmatch(h.get(t, "/metrics", reader).body)
			return m != nil && string(m[1]) == want
		})
	}
	wantProblem(t, h.get(t, "/metrics", as(h.token(t, access.Ingest))), 403, ProblemCodeForbidden)
	wantProblem(t, h.get(t, "/metrics", anonymous), 401, ProblemCodeUnauthenticated)
}

func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle, func(s *setup) { s.api.OpenMetrics = true })
	if a := h.get(t, "/metrics", anonymous); a.status != 200 || !bytes.Contains(a.body, []byte("belfry_alerts_accepted_total 0")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantProblem(t, h.get(t, alertsPath, anonymous), 401, ProblemCodeUnauthenticated)
}

func TestPublicPages(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	if a := h.get(t, "/openapi.yaml", anonymous); !bytes.Equal(a.body, belfry.OpenAPI) || !strings.HasPrefix(a.header.Get("Content-Type"), "application/yaml") {
		t.Errorf("openapi.yaml is served as %v", a.header)
	}
	for path, want := range map[string]string{"/docs": `id="error-invalid"`, "/": `href="/docs"`} {
		a := h.get(t, path, anonymous)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}

func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("X", 3*3600)
	h := newAPI(t, idle, func(s *setup) {
		s.api.Now = func() time.Time { return time.Now().In(zone) }
		s.dispatch.Now = s.api.Now
	})
	d := h.hook(t, "http://a.test")
	h.accept(t, object{"createdAt": "2020-10-13T09:05+05:30"})
	wantStatus(t, h.post(t, destinationPath(d)+"/signing-secret", ""), 200)
	times := regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	for _, path := range []string{alertsPath, deliveriesPath, destinationsPath, "/api/v1/tokens"} {
		found := times.FindAllString(string(h.get(t, path).body), -1)
		for _, at := range found {
			if !strings.HasSuffix(at, `Z"`) {
				t.Errorf("%s: %s", path, at)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s: no times", path)
		}
	}
	c := h.signIn(t, object{"token": h.admin})
	if body := h.get(t, sessionPath, cookie(c)).body; !bytes.Contains(body, []byte(`Z"`)) {
		t.Errorf("session %s", body)
	}
}
