package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Text that cannot be stored refuses no alert: it is replaced, and the answer and
// the alert's details say where. What a receiver gets is otherwise as written.
func TestAlteredAlert(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(200, "ok"))
	h.hook(t, r.URL)
	const body = `{"id":"a","severity":"HIGH","type":"RULE","alertId":"altered","description":"cut in the middle of an emoji \ud83d",
		"tags":["ok","` + "caf\xe9" + `"],"alertContext":{"cmdline":"/bin/sh\u0000-c\u0000id","n":1.0,"a":{"b c":["\u00e9",null]}}}`
	want := []string{"description", "tags[1]", "alertContext.cmdline"}
	accepted := decode[AcceptedAlert](t, h.post(t, alertsPath, body), 202)
	if diff := cmp.Diff(want, accepted.AlteredFields); diff != "" || accepted.Repeated {
		t.Errorf("repeated: %v (-want +got)\n%s", accepted.Repeated, diff)
	}
	h.await(t, accepted.Deliveries[0].ID, DeliveryStatusDelivered)
	const context = `"alertContext":{"cmdline":"/bin/sh\ufffd-c\ufffdid","n":1.0,"a":{"b c":["\u00e9",null]}}`
	if got := string(r.received()[0].body); !strings.Contains(got, `emoji `+"\ufffd") || !strings.Contains(got, `["ok","caf`+"\ufffd"+`"]`) || !strings.HasSuffix(got, context+"}") {
		t.Errorf("the receiver got %s", got)
	}

	details := h.alert(t, "altered")
	if diff := cmp.Diff(want, details.AlteredFields); diff != "" {
		t.Errorf("details (-want +got)\n%s", diff)
	}
	if details.Alert.Description != "cut in the middle of an emoji \ufffd" {
		t.Errorf("stored is %q", details.Alert.Description)
	}
	again := decode[AcceptedAlert](t, h.post(t, alertsPath, body), 202)
	if diff := cmp.Diff(want, again.AlteredFields); diff != "" || !again.Repeated {
		t.Errorf("repeated: %v (-want +got)\n%s", again.Repeated, diff)
	}
	wantProblem(t, h.post(t, alertsPath, strings.ReplaceAll(body, `\ud83d`, `\ufffd`)), 409, ProblemCodeAlertConflict)
	if metrics := h.get(t, "/metrics").body; !bytes.Contains(metrics, []byte("\nbelfry_alerts_altered_total 1\n")) {
		t.Errorf("not counted once: %s", metrics)
	}
}

func TestUnalteredAlert(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	accepted := h.accept(t, object{"title": "é😀\ufffd"})
	if accepted.AlteredFields == nil || len(accepted.AlteredFields) > 0 || len(h.alert(t, accepted.AlertID).AlteredFields) > 0 {
		t.Errorf("got %v", accepted.AlteredFields)
	}
	if n := h.count(t, `SELECT count(*) FROM alerts WHERE altered_fields IS NULL`); n != 1 {
		t.Error("an empty list takes room")
	}
	if metrics := h.get(t, "/metrics").body; !bytes.Contains(metrics, []byte("\nbelfry_alerts_altered_total 0\n")) {
		t.Errorf("counted: %s", metrics)
	}
}

// Only in what names an alert nothing is replaced.
func TestIDsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for text, code := range map[string]FieldErrorCode{`\u0000`: FieldErrorCodeNul, `\ud83d`: FieldErrorCodeFormat, "\xe9": FieldErrorCodeFormat} {
		for _, field := range []string{"id", "alertId"} {
			body := strings.Replace(alertBody(object{field: "@"}), "@", text, 1)
			p := decode[Problem](t, h.post(t, alertsPath, body), 422)
			if len(p.Errors) != 1 || p.Errors[0].Field != field || p.Errors[0].Code != code {
				t.Errorf("%q: %+v", body, p.Errors)
			}
			answer := decode[BatchAnswer](t, h.post(t, batchPath, batch(alertBody()+","+body)), 202)
			if answer.Accepted != 1 || answer.Results[1].Problem.Errors[0].Field != field {
				t.Errorf("%q in a batch: %+v", body, answer)
			}
		}
	}
}

// TestMuchAltered posts a batch of alerts that are altered in as many places as fit.
func TestMuchAltered(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	body := strings.Replace(alertBody(object{"alertContext": object{"a": "@"}}), `"@"`, "["+strings.Repeat(`"\u0000",`, 10_000)+"1]", 1)
	a := h.post(t, batchPath, batch(body+","+body))
	for _, result := range decode[BatchAnswer](t, a, 202).Results {
		places := result.Accepted.AlteredFields
		if len(places) != 100 || places[99] != "alertContext.a[99]" || !slices.Equal(places, h.alert(t, *result.AlertID).AlteredFields) {
			t.Errorf("got %d places", len(places))
		}
	}
	if len(a.body) > 10_000 || !json.Valid(a.body) {
		t.Errorf("an answer of %d bytes", len(a.body))
	}
}
