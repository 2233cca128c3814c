package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const batchPath = alertsPath + "/batch"

func batch(alerts ...string) string { return `{"alerts":[` + strings.Join(alerts, ",") + `]}` }

// Each item of a batch is taken or refused by itself.
func TestBatch(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test", object{"severities": []string{"INFO"}})
	h.accept(t, object{"alertId": "old"})
	a := h.post(t, batchPath, batch(
		alertBody(object{"alertId": "new"}),
		alertBody(object{"severity": "LOUD", "title": 1}),
		alertBody(object{"alertId": "old"}),
		alertBody(object{"alertId": "old", "severity": "LOW"}),
		alertBody(object{"alertId": "twice", "severity": "LOW"}),
		alertBody(object{"alertId": "twice", "severity": "LOW"}),
		alertBody(object{"alertId": "twice", "severity": "HIGH"}),
		`null`, `[]`, `"x"`, `{}`,
		alertBody(object{"extra": 1}),
	), with("X-Request-Id", "batch-1"))
	got := decode[BatchAnswer](t, a, 202)
	var lines []string
	for i, r := range got.Results {
		if r.Index != i {
			t.Errorf("result %d has the index %d", i, r.Index)
		}
		line := string(r.Status)
		if r.AlertID != nil && *r.AlertID != "" && len(*r.AlertID) < 32 {
			line += " " + *r.AlertID
		}
		if r.Accepted != nil {
			line += fmt.Sprintf(" %d %t %d", len(r.Accepted.Deliveries), r.Accepted.Unrouted != nil, len(r.Accepted.IgnoredFields))
		}
		if r.Problem != nil {
			line += fmt.Sprintf(" %d %s %v", r.Problem.Status, r.Problem.Code, fieldsOf(*r.Problem))
			if r.Problem.RequestID != "batch-1" {
				t.Errorf("result %d has the request id %q", i, r.Problem.RequestID)
			}
		}
		lines = append(lines, line)
	}
	want := []string{
		"accepted new 1 false 0",
		"refused 422 invalid [severity title]",
		"repeated old 1 false 0",
		"refused old 409 alert_conflict []",
		"accepted twice 0 true 0",
		"repeated twice 0 true 0",
		"refused twice 409 alert_conflict []",
		"refused 400 malformed []",
		"refused 400 malformed []",
		"refused 400 malformed []",
		"refused 422 invalid [id severity type]",
		"accepted 1 false 1",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if got.Accepted != 3 || got.Repeated != 2 || got.Refused != 7 {
		t.Errorf("accepted %d, repeated %d, refused %d", got.Accepted, got.Repeated, got.Refused)
	}
	if rows := h.rows(t); rows["alerts"] != 4 || rows["deliveries"] != 3 || rows["river_job"] != 3 {
		t.Errorf("rows %v", rows)
	}
}

func TestWrongBatches(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for body, fields := range map[string][]string{
		`{}`: {"alerts"}, `{"alerts":[]}`: {"alerts"}, `{"alerts":null}`: {"alerts"}, `{"alerts":{}}`: {"alerts"},
		`{"alerts":[],"more":1}`:                  {"alerts", "more"},
		batch(strings.Repeat("{},", 1000) + "{}"): {"alerts"},
	} {
		wantProblem(t, h.post(t, batchPath, body), 422, ProblemCodeInvalid, fields...)
	}
	for _, body := range []string{"[]", "null", "{", "{\"\xff\":[]}", `{"alerts":[{]}`} {
		wantProblem(t, h.post(t, batchPath, body), 400, ProblemCodeMalformed)
	}
	if n := h.count(t, `SELECT count(*) FROM alerts`); n != 0 {
		t.Errorf("%d alerts are stored", n)
	}
}

// A batch may have 16 MiB to the byte, and 1,000 alerts.
func TestLargestBatch(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	pad := func(size int) string {
		body := batch(alertBody(object{"severity": "LOUD"})) // refused, so that it costs little
		return strings.Repeat(" ", size-len(body)) + body
	}
	if a := h.post(t, batchPath, pad(16<<20), chunked); a.status != http.StatusAccepted {
		t.Errorf("16 MiB: %d", a.status)
	}
	wantProblem(t, h.post(t, batchPath, pad(16<<20+1)), 413, ProblemCodeTooLarge)
	thousand := batch(strings.Repeat(alertBody()+",", 999) + alertBody())
	if got := decode[BatchAnswer](t, h.post(t, batchPath, thousand), 202); got.Accepted != 1000 || len(got.Results) != 1000 {
		t.Errorf("%d accepted", got.Accepted)
	}
	if n := h.count(t, `SELECT count(DISTINCT alert_id) FROM alerts`); n != 1000 {
		t.Errorf("%d alerts are stored, want 1000", n)
	}
}

// While this process stops, a producer is told so, and to come again.
func TestNothingCanBeAccepted(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.stop(t)
	for _, a := range []answer{
		h.post(t, alertsPath, alertBody()), h.post(t, batchPath, batch(alertBody(), alertBody())), h.post(t, batchPath, batch(`{}`, alertBody())),
	} {
		p := wantProblem(t, a, 503, ProblemCodeUnavailable)
		if !strings.HasPrefix(p.Detail, "Belfry is stopping") || a.header.Get("Retry-After") == "" {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
	if got := decode[BatchAnswer](t, h.post(t, batchPath, batch(`{}`)), 202); got.Refused != 1 {
		t.Errorf("what is wrong is wrong at any time: %+v", got)
	}
	wantStatus(t, h.get(t, alertsPath), 200)
}
