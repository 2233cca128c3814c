package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seedsAlert is the example payload of the seeds.
const seedsAlert = `{
  "id": "AllLogs.IPMonitoring",
  "createdAt": "2020-10-13T03:35:24Z",
  "severity": "INFO",
  "type": "RULE",
  "link": "https://runpanther.io/alerts/b90c19e66e160e194a5b3b94ec27fb7c",
  "title": "New Alert: Suspicious traffic detected from [123.123.123.123]",
  "name": "Monitor Suspicious IPs",
  "alertId": "b90c19e66e160e194a5b3b94ec27fb7c",
  "description": "This rule alerts on any activity outside of our IP address whitelist",
  "runbook": "",
  "tags": [
    "Network Monitoring",
    "Threat Intel"
  ],
  "version": "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0"
}`

// The example of the seeds: what is posted is what the receiver gets, and what
// it answers can be looked up.
func TestSeedsExample(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(200, "success"))
	d := h.hook(t, r.URL)
	accepted := decode[AcceptedAlert](t, h.post(t, alertsPath, seedsAlert), 202)
	if accepted.AlertID != "b90c19e66e160e194a5b3b94ec27fb7c" || accepted.Repeated || accepted.Unrouted != nil || len(accepted.Deliveries) != 1 {
		t.Fatalf("accepted %+v", accepted)
	}
	to := accepted.Deliveries[0]
	if to.Destination != (DestinationRef{ID: d.ID, DisplayName: d.DisplayName, Type: "webhook"}) || to.Status != "queued" || to.RoutedBy != "filters" || to.Reason != nil {
		t.Errorf("delivery %+v", to)
	}
	h.await(t, to.ID, DeliveryStatusDelivered)

	got := r.received()
	if len(got) != 1 {
		t.Fatalf("received %d times", len(got))
	}
	if diff := cmp.Diff(compact(t, []byte(seedsAlert)), compact(t, got[0].body)); diff != "" {
		t.Errorf("received (-posted +got):\n%s", diff)
	}
	if id := got[0].header.Get("Webhook-Id"); id != to.ID.String() || got[0].header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got[0].header)
	}

	details := h.alert(t, accepted.AlertID)
	if len(details.Deliveries) != 1 {
		t.Fatalf("details %+v", details)
	}
	delivered := details.Deliveries[0]
	last := delivered.LastAttempt
	if delivered.Status != "delivered" || delivered.Attempts != 1 || delivered.FirstAckAt == nil || delivered.DueAt != nil ||
		*last.StatusCode != 200 || *last.ResponseBody != "success" || last.Class != AttemptClassAcked || last.ResponseSize != 7 {
		t.Errorf("delivery %+v, last attempt %+v", delivered, last)
	}
	a := details.Alert
	if a.ID != "AllLogs.IPMonitoring" || a.Version != "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0" || !slices.Equal(a.Tags, []string{"Network Monitoring", "Threat Intel"}) ||
		a.Link != "https://runpanther.io/alerts/b90c19e66e160e194a5b3b94ec27fb7c" || time.Since(a.AcceptedAt) > time.Minute || a.Destinations != nil || string(a.AlertContext) != "null" {
		t.Errorf("alert %+v", a)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	bare := h.alert(t, h.accept(t).AlertID).Alert
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(bare.AlertID) || bare.Title != "AllLogs.IPMonitoring" || bare.Name != "" ||
		bare.Link != "https://belfry.test/alerts/"+bare.AlertID || !bare.CreatedAt.Equal(bare.AcceptedAt) || time.Since(bare.CreatedAt) > time.Minute ||
		len(bare.Tags)+len(bare.LogTypes) != 0 || bare.Description+bare.Runbook+bare.Version != "" {
		t.Errorf("bare alert %+v", bare)
	}
	if other := h.accept(t); other.AlertID == bare.AlertID || other.Repeated {
		t.Errorf("without alertId it is a new alert: %+v", other)
	}
	if named := h.alert(t, h.accept(t, object{"name": "n", "title": ""}).AlertID).Alert; named.Title != "n" {
		t.Errorf("title %q, want the name", named.Title)
	}
	if titled := h.alert(t, h.accept(t, object{"name": "n", "title": "t"}).AlertID).Alert; titled.Title != "t" {
		t.Errorf("title %q", titled.Title)
	}
	for _, at := range []string{"0001-01-01T00:00:00.000000001Z", "1969-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"} {
		if got := h.alert(t, h.accept(t, object{"createdAt": at}).AlertID).Alert.CreatedAt.Format(time.RFC3339Nano); got != at {
			t.Errorf("created at %s, want %s", got, at)
		}
	}
	full := h.alert(t, h.accept(t, object{
		"createdAt": "2020-10-13T09:05:24.123456789+05:30", "alertContext": object{"b": 1, "a": []any{nil, "é"}}, "logTypes": []string{"B", "A", "B"},
	}).AlertID).Alert
	if !full.CreatedAt.Equal(time.Date(2020, 10, 13, 3, 35, 24, 123456789, time.UTC)) || string(full.AlertContext) != `{"a":[null,"é"],"b":1}` ||
		!slices.Equal(full.LogTypes, []string{"B", "A"}) {
		t.Errorf("alert %+v", full)
	}
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	first := h.post(t, alertsPath, `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2}}`)
	want := decode[AcceptedAlert](t, first, 202)
	want.Repeated = true
	h.hook(t, "http://a.test") // the route is decided once
	for name, body := range map[string]string{
		"the same":               `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2}}`,
		"another order of names": `{"alertContext":{"q":2,"p":1},"tags":["a","b"], "type":"RULE","severity":"LOW","id":"x","alertId":"a-1"}`,
		"null for absent":        `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2},"title":null}`,
	} {
		if diff := cmp.Diff(want, decode[AcceptedAlert](t, h.post(t, alertsPath, body), 202)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, body := range map[string]string{
		"another value":           `{"alertId":"a-1","id":"x","severity":"HIGH","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2}}`,
		"another order of a list": `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["b","a"],"alertContext":{"p":1,"q":2}}`,
		"the default, given":      `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2},"title":"x"}`,
		"an unknown field":        `{"alertId":"a-1","id":"x","severity":"LOW","type":"RULE","tags":["a","b"],"alertContext":{"p":1,"q":2},"y":1}`,
	} {
		if a := h.post(t, alertsPath, body); a.status != 409 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		} else {
			wantProblem(t, a, 409, ProblemCodeAlertConflict)
		}
	}
	if rows := h.rows(t); rows["alerts"] != 1 || rows["deliveries"] != 1 || rows["river_job"] != 1 {
		t.Errorf("rows %v", rows)
	}
}

// However many post the same at once, it is one alert.
func TestRacingRepeats(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		got []bool
	)
	for range 20 {
		wg.Go(func() {
			a := h.accept(t, object{"alertId": "same"})
			mu.Lock()
			defer mu.Unlock()
			got = append(got, a.Repeated)
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(got, func(repeated bool) bool { return repeated })); n != 1 || h.count(t, `SELECT count(*) FROM deliveries`) != 1 {
		t.Errorf("%d are new", n)
	}
}

func TestWrongAlerts(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	before := h.rows(t)
	everything := `{"id":" ","createdAt":"yesterday","severity":"LOUD","type":"NOISE","link":"ftp://x","title":5,"name":null,"alertId":"a/b",
		"description":[],"runbook":"` + strings.Repeat("x", 65_537) + `","tags":["a",5],"version":"\n","logTypes":"A","alertContext":[],"destinations":[""]}`
	wantProblem(t, h.post(t, alertsPath, everything), 422, ProblemCodeInvalid, "id", "createdAt", "severity", "type", "link", "title",
		"alertId", "description", "runbook", "tags[1]", "version", "logTypes", "alertContext", "destinations[0]")
	wantProblem(t, h.post(t, alertsPath, `{}`), 422, ProblemCodeInvalid, "id", "severity", "type")
	wantProblem(t, h.post(t, alertsPath, `{"id":"a","id":"b","severity":"LOW","type":"RULE","x":1,"x":2}`), 422, ProblemCodeInvalid, "id", "x")
	wantProblem(t, h.post(t, alertsPath, alertBody(object{"alertContext": strings.Repeat("x", 1)})), 422, ProblemCodeInvalid, "alertContext")
	wantProblem(t, h.post(t, alertsPath, alertBody(object{"alertContext": object{"x": strings.Repeat("x", 200<<10)}})), 422, ProblemCodeInvalid, "alertContext")
	for name, body := range map[string]string{
		"nothing": "", "white space": " \n", "no JSON": "{", "two values": "{}{}", "a list": "[]", "null": "null", "text": `"x"`, "not UTF-8": "\xff",
		"a byte order mark": "\ufeff{}", "deep": strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101),
	} {
		if a := h.post(t, alertsPath, body, with("Content-Type", "application/json")); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		} else {
			wantProblem(t, a, 400, ProblemCodeMalformed)
		}
	}
	for _, media := range []string{"text/plain", "", "application/x-www-form-urlencoded"} {
		wantProblem(t, h.post(t, alertsPath, alertBody(), with("Content-Type", media)), 415, ProblemCodeUnsupportedMediaType)
	}
	if diff := cmp.Diff(before, h.rows(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
}

// A body may have 1 MiB to the byte, however it comes.
func TestLargestAlert(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	pad := func(size int) string {
		body := alertBody(object{"pad": ""})
		return strings.Replace(body, `"pad":"`, `"pad":"`+strings.Repeat("x", size-len(body)), 1)
	}
	for size, status := range map[int]int{1 << 20: 202, 1<<20 + 1: 413} {
		for name, c := range map[string]change{"announced": with("X-A", "a"), "chunked": chunked} {
			if a := h.post(t, alertsPath, pad(size), c); a.status != status {
				t.Errorf("%d bytes, %s: %d, want %d", size, name, a.status, status)
			}
		}
	}
	wantProblem(t, h.post(t, alertsPath, pad(1<<20+1), chunked), 413, ProblemCodeTooLarge)
	if n := h.count(t, `SELECT count(*) FROM alerts`); n != 2 {
		t.Errorf("%d alerts, want 2", n)
	}
}

// What a producer's next version adds loses no alert.
func TestUnknownFieldsOfAlerts(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	got := h.accept(t, object{"zeta": 1, "ID": "x", "alpha": object{"a": nil}, "é": "é"})
	if diff := cmp.Diff([]string{"ID", "alpha", "zeta", "é"}, got.IgnoredFields); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	many := object{}
	for i := range 150 {
		many[fmt.Sprintf("x%03d", i)] = i
	}
	if got := h.accept(t, many); len(got.IgnoredFields) != 100 || got.IgnoredFields[99] != "x099" {
		t.Errorf("%d ignored fields, want the first 100", len(got.IgnoredFields))
	}
}

// An alertId is found again by its path, whatever is in it.
func TestStrangeAlertIDs(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"severities": nil})
	for _, id := range []string{
		"a%b", "a b", "a?b", "a+b", "é", "%2F", "a%2525", "batch", "a,b;c=d", `\"<>'`, "日本語", "a#b", "a&b", "...", "-", strings.Repeat("é", 256), "a\u2028b",
	} {
		if got := h.accept(t, object{"alertId": id}); got.AlertID != id {
			t.Errorf("%q is accepted as %q", id, got.AlertID)
		}
		path := alertsPath + "/" + url.PathEscape(id)
		if got := decode[AlertDetails](t, h.get(t, path), 200); got.Alert.AlertID != id {
			t.Errorf("%q is found as %q", id, got.Alert.AlertID)
		}
		wantStatus(t, h.get(t, path+"/route"), 200)
		sent := decode[SentDeliveries](t, h.post(t, path+"/deliveries", js(object{"destinationIds": []any{d.ID}})), 202)
		if len(sent.Items) != 1 || sent.Items[0].AlertID != id {
			t.Errorf("%q is sent as %+v", id, sent)
		}
		if list := decode[DeliveryList](t, h.get(t, deliveriesPath+"?alertId="+url.QueryEscape(id)), 200); len(list.Items) != 1 {
			t.Errorf("%d deliveries of %q", len(list.Items), id)
		}
	}
	for _, path := range []string{"/a%252Fb", "/unknown", "/" + strings.Repeat("x", 3000), "/a%2Fb", "/%20"} {
		wantProblem(t, h.get(t, alertsPath+path), 404, ProblemCodeNotFound)
	}
	for _, path := range []string{"/%00", "/a%FFb"} {
		wantProblem(t, h.get(t, alertsPath+path), 400, ProblemCodeMalformed)
	}
}

// Nothing that an alert may hold is lost or changed on its way to the receiver.
func TestPayloadArrivesAsItWas(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(204, ""))
	h.hook(t, r.URL)
	context := `{"n":1.0,"e":1e999,"big":123456789012345678901234567890,"html":"<b>&","u":"\u00e9\ud83d\ude00","nested":{"a":[[],{},null,true]}}`
	body := `{"id":"x","severity":"INFO","type":"SYSTEM_ERROR","title":"<&> \"é\" \u2028","tags":["","a\"b\\c"],"description":"line\nline\t","alertContext":` + context + `}`
	id := decode[AcceptedAlert](t, h.post(t, alertsPath, body), 202).Deliveries[0].ID
	h.await(t, id, DeliveryStatusDelivered)
	if shown := h.alert(t, h.delivery(t, id).AlertID).Alert; string(shown.AlertContext) != strings.ReplaceAll(context, "<b>&", `\u003cb\u003e\u0026`) {
		t.Errorf("shown %s", shown.AlertContext)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(r.received()[0].body, &got); err != nil {
		t.Fatal(err)
	}
	if string(got["alertContext"]) != context || string(got["tags"]) != `["","a\"b\\c"]` || len(got) != 13 {
		t.Errorf("received %s", r.received()[0].body)
	}
	if string(got["description"]) != `"line\nline\t"` || string(got["title"]) != `"<&> \"é\" \u2028"` {
		t.Errorf("received %s", r.received()[0].body)
	}
}
