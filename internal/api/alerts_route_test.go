package api

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// An alert may name its destinations, and then goes there and to no other.
func TestOverride(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	low := h.hook(t, "http://a.test", object{"displayName": "Low", "severities": []string{"LOW"}})
	h.hook(t, "http://a.test", object{"displayName": "Only by name", "severities": nil})
	h.hook(t, "http://a.test", object{"displayName": "All"})
	gone := h.hook(t, "http://a.test", object{"displayName": "Gone"})
	wantStatus(t, h.delete(t, destinationPath(gone)), 204)

	for name, c := range map[string]struct {
		destinations any
		to, unknown  string
		unrouted     UnroutedReason
	}{
		"left out":        {nil, "All", "", ""},
		"by name":         {[]string{"only BY name"}, "Only by name", "", ""},
		"by id":           {[]string{low.ID.String(), strings.ToUpper(low.ID.String()), "LOW", " low "}, "Low", "", ""},
		"in its order":    {[]string{"Only by name", "Low"}, "Only by name,Low", "", ""},
		"unknown":         {[]string{"Nobody", anyID}, "", "Nobody," + anyID, "unknown_destinations"},
		"deleted":         {[]string{"Gone", gone.ID.String()}, "", "Gone," + gone.ID.String(), "unknown_destinations"},
		"some unknown":    {[]string{"Nobody", "Low"}, "Low", "Nobody", ""},
		"empty":           {[]string{}, "", "", "by_request"},
		"SKIP":            {[]string{"SKIP"}, "", "", "by_request"},
		"SKIP among them": {[]string{"Low", "SKIP"}, "", "", "by_request"},
	} {
		got := h.accept(t, object{"destinations": c.destinations})
		var to []string
		for _, d := range got.Deliveries {
			to = append(to, d.Destination.DisplayName)
			if want := map[bool]RoutedBy{true: RoutedByFilters, false: RoutedByOverride}[c.destinations == nil]; d.RoutedBy != want {
				t.Errorf("%s: routed by %s", name, d.RoutedBy)
			}
		}
		reason := UnroutedReason("")
		if got.Unrouted != nil {
			reason = got.Unrouted.Reason
		}
		if strings.Join(to, ",") != c.to || strings.Join(got.UnknownDestinations, ",") != c.unknown || reason != c.unrouted {
			t.Errorf("%s: to %v, unknown %v, unrouted %q", name, to, got.UnknownDestinations, reason)
		}
		details := h.alert(t, got.AlertID)
		if diff := cmp.Diff(got.UnknownDestinations, details.UnknownDestinations); diff != "" || (details.Unrouted == nil) != (got.Unrouted == nil) {
			t.Errorf("%s: stored otherwise: %+v", name, details)
		}
		if (details.Alert.Destinations == nil) != (c.destinations == nil) {
			t.Errorf("%s: destinations are stored as %v", name, details.Alert.Destinations)
		}
	}
	for body, field := range map[string]string{
		alertBody(object{"destinations": "Low"}):                                       "destinations",
		alertBody(object{"destinations": []any{nil}}):                                  "destinations[0]",
		alertBody(object{"destinations": strings.Split("a,b,c,d,e,f,g,h,i,j,k", ",")}): "destinations",
	} {
		wantProblem(t, h.post(t, alertsPath, body), 422, ProblemCodeInvalid, field)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test", object{"displayName": "severity", "severities": []string{"LOW", "HIGH"}})
	h.hook(t, "http://a.test", object{"displayName": "Type", "alertTypes": []string{"POLICY"}})
	paused := h.hook(t, "http://a.test", object{"displayName": "paused"})
	h.hook(t, "http://a.test", object{"displayName": "Override only", "severities": nil})
	h.hook(t, "http://a.test", object{"displayName": "log type", "logTypes": []string{"A", "B"}})
	h.hook(t, "http://a.test", object{"displayName": "all"})
	wantStatus(t, h.post(t, destinationPath(paused)+"/pause", ""), 200)
	before := h.rows(t)

	explain := func(fields object) (ExplainedRoute, map[string]string) {
		t.Helper()
		r := decode[ExplainedRoute](t, h.post(t, "/api/v1/route/explain", alertBody(fields)), 200)
		var names []string
		why := map[string]string{}
		for _, d := range r.Destinations {
			names = append(names, d.DisplayName)
			why[d.DisplayName] = map[bool]string{true: "yes: ", false: "no: "}[d.Routed] + d.Why
		}
		if diff := cmp.Diff([]string{"all", "log type", "Override only", "paused", "severity", "Type"}, names); diff != "" {
			t.Errorf("by name (-want +got):\n%s", diff)
		}
		return r, why
	}
	const matches = "yes: The destination's severities, alert types and log types include this alert's."
	route, why := explain(object{"logTypes": []string{"C"}})
	want := map[string]string{
		"all": matches, "paused": matches + " It is paused, so the delivery waits.",
		"severity": "no: The destination does not take severity INFO.", "Type": "no: The destination does not take alert type RULE.",
		"Override only": "no: The destination has no severities: it gets only alerts that name it.",
		"log type":      "no: The destination takes none of the alert's log types.",
	}
	if diff := cmp.Diff(want, why); diff != "" || !route.Routed || route.Unrouted != nil {
		t.Errorf("route %+v (-want +got):\n%s", route, diff)
	}
	if _, why := explain(object{"logTypes": []string{"C", "B"}}); why["log type"] != matches {
		t.Errorf("log types overlap: %s", why["log type"])
	}
	if _, why := explain(nil); why["log type"] != matches {
		t.Errorf("an alert without log types: %s", why["log type"])
	}
	route, why = explain(object{"destinations": []string{"Type", "nobody"}})
	if !route.Routed || len(route.UnknownDestinations) != 1 || !strings.HasPrefix(why["Type"], "yes") || !strings.HasPrefix(why["all"], "no: The alert names") {
		t.Errorf("override: %+v %v", route, why)
	}
	route, why = explain(object{"destinations": []string{"SKIP"}})
	if route.Routed || route.Unrouted == nil || route.Unrouted.Reason != "by_request" || !strings.Contains(why["all"], "SKIP") {
		t.Errorf("skipped: %+v %v", route, why)
	}
	wantProblem(t, h.post(t, "/api/v1/route/explain", `{"severity":"x"}`), 422, ProblemCodeInvalid, "id", "severity", "type")
	if diff := cmp.Diff(before, h.rows(t)); diff != "" {
		t.Errorf("explaining stored something:\n%s", diff)
	}
}

// A stored alert is explained with the settings of today; where it went stays.
func TestExplainStored(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	id := h.accept(t).AlertID
	named := h.accept(t, object{"destinations": []string{"nobody"}}).AlertID
	explain := func(id string) ExplainedRoute {
		t.Helper()
		return decode[ExplainedRoute](t, h.get(t, alertsPath+"/"+id+"/route"), 200)
	}
	if r := explain(id); !r.Routed || len(r.Destinations) != 1 || !r.Destinations[0].Routed {
		t.Errorf("route %+v", r)
	}
	if r := explain(named); r.Routed || r.Unrouted.Reason != "unknown_destinations" || len(r.UnknownDestinations) != 1 {
		t.Errorf("route %+v", r)
	}
	wantStatus(t, h.patch(t, destinationPath(d), `{"severities":["CRITICAL"]}`), 200)
	if r := explain(id); r.Routed || r.Unrouted.Reason != "no_match" {
		t.Errorf("route after the change %+v", r)
	}
	if got := h.alert(t, id); len(got.Deliveries) != 1 || got.Unrouted != nil {
		t.Errorf("where it went has changed: %+v", got)
	}
	wantProblem(t, h.get(t, alertsPath+"/none/route"), 404, ProblemCodeNotFound)
}

// A person can send an alert anywhere, once.
func TestSendToMore(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(200, "ok"))
	first := h.hook(t, r.URL)
	more := h.hook(t, r.URL, object{"severities": nil})
	paused := h.hook(t, r.URL, object{"severities": nil})
	gone := h.hook(t, r.URL, object{"severities": nil})
	wantStatus(t, h.post(t, destinationPath(paused)+"/pause", ""), 200)
	wantStatus(t, h.delete(t, destinationPath(gone)), 204)
	id, old := h.accept1(t)
	h.await(t, old, DeliveryStatusDelivered)
	path := alertsPath + "/" + id + "/deliveries"
	send := func(ids ...uuid.UUID) []Delivery {
		t.Helper()
		return decode[SentDeliveries](t, h.post(t, path, js(object{"destinationIds": ids})), 202).Items
	}

	got := send(more.ID, first.ID, paused.ID, more.ID)
	if len(got) != 3 || got[0].Destination.ID != more.ID || got[1].ID != old || got[2].Destination.ID != paused.ID {
		t.Fatalf("sent %+v, want one for each destination in the order given", got)
	}
	if got[0].RoutedBy != RoutedByManual || got[1].RoutedBy != RoutedByFilters || got[1].Status != DeliveryStatusDelivered {
		t.Errorf("sent %+v", got)
	}
	if got[2].Status != DeliveryStatusHeld || *got[2].Reason != DeliveryReasonPaused {
		t.Errorf("to a paused one: %+v", got[2])
	}
	h.await(t, got[0].ID, DeliveryStatusDelivered)
	if again := send(more.ID); again[0].ID != got[0].ID || again[0].Run != 1 {
		t.Errorf("sent again: %+v", again)
	}
	if n := len(r.received()); n != 2 {
		t.Errorf("received %d times, want 2", n)
	}

	fresh := h.hook(t, r.URL, object{"severities": nil})
	for _, bad := range []uuid.UUID{uuid.MustParse(anyID), gone.ID, uuid.Nil} {
		wantProblem(t, h.post(t, path, js(object{"destinationIds": []uuid.UUID{fresh.ID, bad}})), 422, ProblemCodeInvalid, "destinationIds[1]")
	}
	for body, fields := range map[string][]string{
		`{}`: {"destinationIds"}, `{"destinationIds":[]}`: {"destinationIds"}, `{"destinationIds":["x"]}`: {"destinationIds"},
		`{"destinationIds":"` + anyID + `","run":1}`:                                      {"destinationIds", "run"},
		`{"destinationIds":[` + strings.Repeat(`"`+anyID+`",`, 100) + `"` + anyID + `"]}`: {"destinationIds"},
	} {
		wantProblem(t, h.post(t, path, body), 422, ProblemCodeInvalid, fields...)
	}
	wantProblem(t, h.post(t, alertsPath+"/none/deliveries", js(object{"destinationIds": []uuid.UUID{fresh.ID}})), 404, ProblemCodeNotFound)
	if n := h.count(t, `SELECT count(*) FROM deliveries WHERE destination_id = $1`, fresh.ID); n != 0 {
		t.Errorf("%d deliveries of a refused call", n)
	}
	if n := h.count(t, `SELECT count(*) FROM audit_log WHERE action = 'alert.send' AND subject_id = $1`, id); n != 1 {
		t.Errorf("%d lines in the audit log, want 1", n)
	}

	var wg sync.WaitGroup // two people at once
	for range 4 {
		wg.Go(func() { send(fresh.ID) })
	}
	wg.Wait()
	if n := h.count(t, `SELECT count(*) FROM deliveries WHERE destination_id = $1`, fresh.ID); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}

// Alerts that were stored before migration 56 have one of two reasons for what is
// by_request now.
func TestReasonsOfBeforeAreByRequest(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	id := h.accept(t, object{"destinations": []string{}}).AlertID
	for _, stored := range []string{"by_request", "empty_destinations", "skip"} {
		h.exec(t, `UPDATE alerts SET unrouted = '`+stored+`'`)
		listed := decode[AlertList](t, h.get(t, alertsPath+"?unrouted=true"), 200).Items
		if got := h.alert(t, id).Unrouted; got == nil || got.Reason != "by_request" || len(listed) != 1 || listed[0].Unrouted.Reason != "by_request" {
			t.Errorf("stored as %s: %+v, listed %+v", stored, got, listed)
		}
	}
}
