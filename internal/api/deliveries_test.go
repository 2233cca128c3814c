package api

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// A failed delivery shows each of its attempts.
func TestFailedDelivery(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(500, "broken"))
	d := h.hook(t, r.URL)
	alertID, id := h.accept1(t, object{"title": "t", "severity": "HIGH"})
	got := h.await(t, id, DeliveryStatusFailed)
	if *got.Reason != DeliveryReasonAttemptsExhausted || got.Attempts != 11 || got.MaxAttempts != 11 || got.Run != 1 ||
		got.FinishedAt == nil || got.DueAt != nil || got.FirstAckAt != nil || got.Destination.ID != d.ID || got.AlertID != alertID {
		t.Errorf("delivery %+v", got.Delivery)
	}
	if got.Alert != (AlertRef{AlertID: alertID, Title: "t", Severity: SeverityHIGH, Type: AlertTypeRULE}) {
		t.Errorf("alert %+v", got.Alert)
	}
	if len(got.Runs) != 1 || got.Runs[0].Trigger != RunTriggerAutomatic || got.Runs[0].RequestedBy != nil || got.Runs[0].MaxAttempts != 11 {
		t.Errorf("runs %+v", got.Runs)
	}
	if len(got.AttemptHistory) != 11 {
		t.Fatalf("%d attempts", len(got.AttemptHistory))
	}
	for i, a := range got.AttemptHistory {
		if a.Number != i+1 || a.Run != 1 || *a.StatusCode != 500 || *a.ResponseBody != "broken" || a.ResponseTruncated || !a.Counted ||
			a.Trigger != AttemptTriggerAutomatic || a.Class != AttemptClassRejected || a.RequestedBy != nil || a.DurationMs <= 0 {
			t.Errorf("attempt %d: %+v", i+1, a)
		}
	}
	if diff := cmp.Diff(got.AttemptHistory[10], *got.LastAttempt); diff != "" {
		t.Errorf("last attempt (-want +got):\n%s", diff)
	}
	ids := map[string]bool{}
	for i, x := range r.received() {
		ids[x.header.Get("Webhook-Id")] = true
		if x.header.Get("Belfry-Attempt") != js(i+1) || x.header.Get("Belfry-Test") != "" {
			t.Errorf("request %d: %v", i+1, x.header)
		}
	}
	if len(ids) != 1 || !ids[id.String()] {
		t.Errorf("webhook-id %v, want always %s", ids, id)
	}
}

// What the destination answers is kept as it is, but for our secrets.
func TestResponseBodies(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, nil)
	h.hook(t, r.URL)
	big := strings.Repeat("x", 70_000)
	letters := "a" + strings.Repeat("é", 40_000) // a letter lies across the cut
	for name, c := range map[string]struct {
		body      []byte
		text      *string
		truncated bool
	}{
		"nothing":          {nil, new(string), false},
		"NUL":              {[]byte("a\x00b"), ptr("a\x00b"), false},
		"not UTF-8":        {[]byte("\xff\xfe\x00"), nil, false},
		"a cut letter":     {[]byte(letters), ptr(letters[:65_535]), true},
		"large":            {[]byte(big), ptr(big[:65_536]), true},
		"large, not UTF-8": {bytes.Repeat([]byte{0xff}, 70_000), nil, true},
		"exactly 64 KiB":   {[]byte(big[:65_536]), ptr(big[:65_536]), false},
		"broken at end":    {[]byte("abc\xc3"), nil, false},
		"markup":           {[]byte("<script>&\u2028"), ptr("<script>&\u2028"), false},
	} {
		r.become(says(400, string(c.body)))
		got := h.delivery(t, h.failed(t)).AttemptHistory[0]
		if diff := cmp.Diff(c.text, got.ResponseBody); diff != "" {
			t.Errorf("%s: text (-want +got):\n%.300s", name, diff)
		}
		if kept := c.body[:min(len(c.body), 65_536)]; c.text == nil && !bytes.Equal(got.ResponseBodyBase64, kept) || c.text != nil && got.ResponseBodyBase64 != nil {
			t.Errorf("%s: base64 of %d bytes", name, len(got.ResponseBodyBase64))
		}
		if got.ResponseTruncated != c.truncated || got.ResponseSize != int64(len(c.body)) {
			t.Errorf("%s: truncated %t, size %d", name, got.ResponseTruncated, got.ResponseSize)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// One attempt shows headers and bodies both ways, without the secrets.
func TestGetAttempt(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) { // echoes all it gets
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key")+" at "+r.URL.Path)
		w.Header().Set("X-Signature", base64.StdEncoding.EncodeToString([]byte(r.Header.Get("X-Api-Key"))))
		w.WriteHeader(400)
		r.Header.Write(w)
		w.Write([]byte(r.RequestURI))
	})
	d := h.hook(t, r.URL, object{"displayName": "echo"})
	id := h.failed(t, object{"alertContext": object{"a": 1}})
	history := h.delivery(t, id).AttemptHistory
	path := deliveryPath(id) + "/attempts/"
	a := decode[Attempt](t, h.get(t, path+history[0].ID.String()), 200)
	if diff := cmp.Diff(history[0], a.AttemptSummary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	sent := map[string]string{}
	for _, x := range a.RequestHeaders {
		sent[strings.ToLower(x.Name)] = x.Value
	}
	if sent["x-api-key"] != "****" || sent["webhook-id"] != id.String() || sent["user-agent"] != "Belfry/test" || sent["belfry-attempt"] != "1" ||
		sent["content-type"] != "application/json" || sent["webhook-timestamp"] == "" {
		t.Errorf("request headers %v", sent)
	}
	var echo string
	for _, x := range a.ResponseHeaders {
		if x.Name == "X-Echo" {
			echo = x.Value
		}
	}
	if !strings.Contains(echo, "****") || !strings.Contains(*a.ResponseBody, "****") {
		t.Errorf("response header %q, body %q", echo, *a.ResponseBody)
	}
	if *a.RequestBody != string(r.received()[0].body) || *a.DeliveryID != id || *a.DestinationID != d.ID || "http://"+*a.Address != r.URL ||
		a.RetriedStale || a.Stripped {
		t.Errorf("attempt %+v", a)
	}
	if a.Timing.FirstByteMs <= 0 || a.DurationMs < a.Timing.FirstByteMs {
		t.Errorf("timing %+v of %v ms", a.Timing, a.DurationMs)
	}

	other := h.failed(t)
	for _, wrong := range []string{
		deliveryPath(other) + "/attempts/" + a.ID.String(), path + anyID, path + uuid.Nil.String(), deliveryPath(uuid.MustParse(anyID)) + "/attempts/" + a.ID.String(),
	} {
		wantProblem(t, h.get(t, wrong), 404, ProblemCodeNotFound)
	}
	wantProblem(t, h.get(t, path+"1"), 400, ProblemCodeMalformed, "attemptId")
}

func TestDeliveryFilters(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	bad, good := newReceiver(t, says(503, "")), newReceiver(t, says(200, ""))
	one := h.hook(t, bad.URL, object{"severities": []string{"LOW", "HIGH"}})
	two := h.hook(t, good.URL, object{"severities": []string{"HIGH"}})
	paused := h.hook(t, good.URL, object{"severities": []string{"CRITICAL"}})
	refused := h.hook(t, "http://127.0.0.1:1", object{"severities": []string{"MEDIUM"}})
	wantStatus(t, h.post(t, destinationPath(paused)+"/pause", ""), 200)
	name := map[uuid.UUID]string{}
	for _, a := range []struct{ id, severity, typ, marks string }{
		{"low", "LOW", "RULE", "failed"}, {"high", "HIGH", "POLICY", "failed delivered"}, {"critical", "CRITICAL", "RULE", "held"}, {"medium", "MEDIUM", "RULE", "failed"},
	} {
		got := h.accept(t, object{"alertId": a.id, "severity": a.severity, "type": a.typ})
		for i, status := range strings.Fields(a.marks) {
			h.await(t, got.Deliveries[i].ID, DeliveryStatus(status))
			name[got.Deliveries[i].ID] = a.id + "-" + status
		}
	}
	by := decode[SentDeliveries](t, h.post(t, alertsPath+"/low/deliveries", js(object{"destinationIds": []uuid.UUID{paused.ID}})), 202).Items[0].ID
	wantStatus(t, h.post(t, deliveryPath(by)+"/cancel", ""), 202)
	name[by] = "low-cancelled"

	const all = "low-cancelled medium-failed critical-held high-delivered high-failed low-failed"
	id := func(d CreatedDestination) string { return "destinationId=" + d.ID.String() }
	hour := func(d time.Duration) string { return url.QueryEscape(time.Now().Add(d).Format(time.RFC3339)) }
	for query, want := range map[string]string{
		"":                                       all,
		"status=failed":                          "medium-failed high-failed low-failed",
		"status=held,cancelled":                  "low-cancelled critical-held",
		"status=held&status=delivered":           "critical-held high-delivered",
		"status=retrying":                        "",
		"reason=paused":                          "critical-held",
		"reason=attempts_exhausted":              "medium-failed high-failed low-failed",
		"reason=by_person,paused":                "low-cancelled critical-held",
		id(one):                                  "high-failed low-failed",
		id(one) + "&" + id(two):                  "high-delivered high-failed low-failed",
		id(one) + "," + two.ID.String():          "high-delivered high-failed low-failed",
		"destinationId=" + anyID:                 "",
		"alertId=high":                           "high-delivered high-failed",
		"alertId=HIGH":                           "",
		"alertId=high&status=failed":             "high-failed",
		"class=rejected":                         "high-failed low-failed",
		"class=refused,acked":                    "medium-failed high-delivered",
		id(refused) + "&class=refused":           "medium-failed",
		"statusCode=503":                         "high-failed low-failed",
		"statusCode=200":                         "high-delivered",
		"statusCode=999":                         "",
		"routedBy=manual":                        "low-cancelled",
		"routedBy=filters,override&severity=LOW": "low-failed",
		"severity=LOW":                           "low-cancelled low-failed",
		"severity=LOW,HIGH&type=POLICY":          "high-delivered high-failed",
		"type=RULE":                              "low-cancelled medium-failed critical-held low-failed",
		"from=" + hour(-time.Hour) + "&to=" + hour(time.Hour): all,
		"from=" + hour(time.Hour):                             "",
		"to=" + hour(-time.Hour):                              "",
		"limit=1":                                             "low-cancelled",
	} {
		list := decode[DeliveryList](t, h.get(t, deliveriesPath+"?"+query), 200)
		var got []string
		for _, d := range list.Items {
			got = append(got, name[d.ID])
			if d.Alert.AlertID != d.AlertID || d.Alert.Severity == "" {
				t.Errorf("%s: alert %+v of %s", query, d.Alert, d.AlertID)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if strings.Contains(query, "limit") || strings.Contains(query, "status=") {
			continue
		}
		c := decode[DeliveryCounts](t, h.get(t, deliveriesPath+"/counts?"+query), 200)
		counted := map[string]StatusCount{"failed": c.Failed, "held": c.Held, "delivered": c.Delivered, "cancelled": c.Cancelled, "queued": c.Queued, "retrying": c.Retrying}
		for status, got := range counted {
			if want := (StatusCount{Count: strings.Count(want, "-"+status)}); got != want {
				t.Errorf("%s: %+v are %s, want %+v", query, got, status, want)
			}
		}
	}
	bad422 := "?reason=x&destinationId=x&class=x&routedBy=x&severity=x&type=x&statusCode=1000"
	fields := []string{"reason", "destinationId", "class", "routedBy", "severity", "type", "statusCode"}
	wantProblem(t, h.get(t, deliveriesPath+"/counts"+bad422), 422, ProblemCodeInvalid, fields...)
	wantProblem(t, h.get(t, deliveriesPath+bad422+"&status=x&cursor=x&limit=0"), 422, ProblemCodeInvalid, append(fields, "status", "cursor", "limit")...)
	for _, code := range []string{"0", "-1", "99", "4294967296"} {
		wantProblem(t, h.get(t, deliveriesPath+"?statusCode="+code), 422, ProblemCodeInvalid, "statusCode")
	}
}

func TestDeliveryPages(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	var want, got []uuid.UUID
	for range 7 {
		_, id := h.accept1(t)
		want = append(want, id)
	}
	slices.Reverse(want)
	for more, pages := "", 0; pages == 0 || more != ""; pages++ {
		page := decode[DeliveryList](t, h.get(t, deliveriesPath+"?limit=3&status=queued"+more), 200)
		for _, d := range page.Items {
			got = append(got, d.ID)
		}
		more = ""
		if page.NextCursor != nil {
			more = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
		h.accept1(t)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// A list shows only the beginning of what came back.
func TestListedBodiesAreShort(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(500, strings.Repeat("é", 20_000)))
	h.hook(t, r.URL)
	id := h.failed(t)
	listed := decode[DeliveryList](t, h.get(t, deliveriesPath), 200).Items[0].LastAttempt
	if n := len(*listed.ResponseBody); n != listedBody || !listed.ResponseTruncated || listed.ResponseSize != 40_000 {
		t.Errorf("listed with %d bytes, truncated %t, size %d", n, listed.ResponseTruncated, listed.ResponseSize)
	}
	full := h.delivery(t, id).LastAttempt
	if n := len(*full.ResponseBody); n != 40_000 || full.ResponseTruncated {
		t.Errorf("got with %d bytes, truncated %t", n, full.ResponseTruncated)
	}
}
