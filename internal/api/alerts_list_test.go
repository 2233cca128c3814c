package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (h *harness) listAlerts(t testing.TB, query string) []string {
	t.Helper()
	var ids []string
	for _, a := range decode[AlertList](t, h.get(t, alertsPath+"?"+query), 200).Items {
		ids = append(ids, a.AlertID)
	}
	return ids
}

func TestAlertFilters(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	one := h.hook(t, "http://a.test", object{"severities": []string{"HIGH", "LOW"}})
	two := h.hook(t, "http://a.test", object{"severities": []string{"HIGH"}})
	wantStatus(t, h.post(t, destinationPath(two)+"/pause", ""), 200)
	h.accept(t, object{"alertId": "a1", "severity": "HIGH", "title": "Login from [1.2.3.4]", "logTypes": []string{"AWS.VPCFlow", "A,B"}})
	h.accept(t, object{"alertId": "a2", "severity": "LOW", "type": "POLICY", "name": "100% Disk_full", "logTypes": []string{"Okta"}})
	h.accept(t, object{"alertId": "a3", "severity": "CRITICAL", "type": "SYSTEM_ERROR", "id": "Special.Detection"})
	h.accept(t, object{"alertId": "a4", "severity": "INFO", "destinations": []string{"SKIP"}})
	wantStatus(t, h.post(t, deliveryPath(h.alert(t, "a2").Deliveries[0].ID)+"/cancel", ""), 202)

	for query, want := range map[string]string{
		"":                                 "a4 a3 a2 a1",
		"severity=HIGH":                    "a1",
		"severity=HIGH&severity=LOW":       "a2 a1",
		"severity=HIGH,+LOW,":              "a2 a1",
		"severity=HIGH,LOW&severity=INFO":  "a4 a2 a1",
		"severity=":                        "a4 a3 a2 a1",
		"type=POLICY,SYSTEM_ERROR":         "a3 a2",
		"type=RULE&severity=HIGH":          "a1",
		"logType=Okta":                     "a2",
		"logType=okta":                     "",
		"logType=AWS.VPCFlow&logType=Okta": "a2 a1",
		"deliveryStatus=held":              "a1",
		"deliveryStatus=queued":            "a1",
		"deliveryStatus=cancelled,held":    "a2 a1",
		"deliveryStatus=delivered":         "",
		"unrouted=true":                    "a4 a3",
		"unrouted=false":                   "a2 a1",
		"destinationId=" + one.ID.String(): "a2 a1",
		"destinationId=" + two.ID.String(): "a1",
		"destinationId=" + anyID:           "",
		"deliveryStatus=queued&destinationId=" + two.ID.String(): "", // one delivery must be both
		"q=login":                             "a1",
		"q=[1.2.3":                            "a1",
		"q=100%25":                            "a2",
		"q=%25":                               "a2",
		"q=_":                                 "a2",
		"q=DISK_FULL":                         "a2",
		"q=special.DET":                       "a3",
		"q=A3":                                "a3",
		"q=%5C":                               "",
		"q=%27%22":                            "",
		"q=":                                  "a4 a3 a2 a1",
		"q=a&unrouted=true&severity=CRITICAL": "a3",
		"from=2020-01-01T00:00:00Z":           "a4 a3 a2 a1",
		"from=9999-12-31T23:59:59Z":           "",
		"to=2020-01-01T00:00:00%2B02:00":      "",
		"to=0001-01-02T00:00:00Z":             "",
		"to=9999-12-31T23:59:59Z":             "a4 a3 a2 a1",
		"from=9999-01-01T00:00:00Z&to=0001-01-01T00:00:00Z": "",
		"limit=2": "a4 a3",
	} {
		if got := strings.Join(h.listAlerts(t, query), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	wantProblem(t, h.get(t, alertsPath+"?severity=high&type=X&deliveryStatus=sent&limit=0&cursor=x"), 422, ProblemCodeInvalid,
		"severity", "type", "deliveryStatus", "limit", "cursor")
	for _, name := range []string{"unrouted", "destinationId", "from", "to", "limit"} {
		p := wantProblem(t, h.get(t, alertsPath+"?"+name+"=soon"), 422, ProblemCodeInvalid, name)
		if p.Errors[0].Code != FieldErrorCodeFormat {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	for _, query := range []string{"q=%00", "severity=%FF", "x%00=1"} {
		wantProblem(t, h.get(t, alertsPath+"?"+query), 422, ProblemCodeInvalid, mustUnescape(t, query[:strings.IndexByte(query, '=')]))
	}
}

func mustUnescape(t testing.TB, s string) string {
	t.Helper()
	text, err := url.QueryUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A list is cut by when alerts were accepted, whatever their producers say.
func TestAlertsByTime(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.accept(t, object{"alertId": "before", "createdAt": "2099-01-01T00:00Z"})
	until(t, "a millisecond later", func() bool { return time.Since(h.alert(t, "before").Alert.AcceptedAt) > 2*time.Millisecond })
	at := url.QueryEscape(time.Now().Format(time.RFC3339Nano))
	h.accept(t, object{"alertId": "after", "createdAt": "1999-01-01T00:00Z"})
	if from, to := h.listAlerts(t, "from="+at), h.listAlerts(t, "to="+at); !slices.Equal(from, []string{"after"}) || !slices.Equal(to, []string{"before"}) {
		t.Errorf("from %v, to %v", from, to)
	}
}

func TestAlertSummaries(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(418, "short and stout"))
	d := h.hook(t, r.URL)
	id, deliveryID := h.accept1(t, object{"title": "t", "logTypes": []string{"A"}})
	failed := h.await(t, deliveryID, DeliveryStatusFailed)
	h.accept(t, object{"destinations": []string{}})
	list := decode[AlertList](t, h.get(t, alertsPath), 200).Items
	if got := list[0]; len(got.Deliveries) != 0 || got.Unrouted == nil || got.Unrouted.Reason != "by_request" {
		t.Errorf("unrouted: %+v", got)
	}
	a := h.alert(t, id).Alert
	code, class, reason := 418, AttemptClassRejected, DeliveryReasonAttemptsExhausted
	want := AlertSummary{AlertHead: a.AlertHead, Deliveries: []DeliverySummary{{
		ID: deliveryID, Destination: DestinationRef{ID: d.ID, DisplayName: d.DisplayName, Type: "webhook"}, Status: failed.Status,
		Reason: &reason, Attempts: 1, MaxAttempts: 1, StatusCode: &code, Class: &class,
	}}}
	if diff := cmp.Diff(want, list[1]); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// Pages have no gaps and no repeats, also while alerts come in.
func TestAlertPages(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	var want []string
	for i := range 23 {
		id := fmt.Sprintf("p%02d", i)
		severity := "LOW"
		if i%4 == 0 {
			severity = "HIGH"
		} else {
			want = append(want, id)
		}
		h.accept(t, object{"alertId": id, "severity": severity})
	}
	slices.Reverse(want)
	var got []string
	query, pages := "severity=LOW&limit=5", 0
	for more := ""; pages == 0 || more != ""; pages++ {
		page := decode[AlertList](t, h.get(t, alertsPath+"?"+query+more), 200)
		for _, a := range page.Items {
			got = append(got, a.AlertID)
		}
		more = ""
		if page.NextCursor != nil {
			more = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
		h.accept(t, object{"severity": "LOW"}) // newer than every page to come
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 4 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
}
