package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"belfry/internal/postgres"
)

func (h *harness) unknown(t testing.TB) UnknownDestinationList {
	t.Helper()
	return decode[UnknownDestinationList](t, h.get(t, "/api/v1/unknown-destinations"), 200)
}

// What alerts name and nobody has is listed until somebody has it, and its alerts
// are found by it.
func TestUnknownDestinations(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"displayName": "One"})
	if got := h.unknown(t); len(got.Items) != 0 || got.MoreNames != 0 || got.Capped {
		t.Errorf("before there was one: %+v", got)
	}
	h.accept(t, object{"alertId": "a1", "destinations": []string{"A, B", "One"}})
	h.accept(t, object{"alertId": "a2", "destinations": []string{"Two", anyID}})
	h.accept(t, object{"alertId": "a3", "destinations": []string{"A, B", "One", "SKIP"}}) // asks to go to no destination
	h.accept(t, object{"alertId": "a4", "destinations": []string{"A, B", "two"}})
	var got []string
	for _, n := range h.unknown(t).Items {
		if n.FirstAt.After(n.LastAt) {
			t.Errorf("%s: from %v to %v", n.Name, n.FirstAt, n.LastAt)
		}
		got = append(got, fmt.Sprintf("%s %d %s", n.Name, n.Alerts, n.LastAlertID))
	}
	if want := "A, B 2 a4;two 1 a4;" + anyID + " 1 a2;Two 1 a2"; strings.Join(got, ";") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ";"), want)
	}
	for name, want := range map[string]string{"A, B": "a4 a1", "Two": "a2", "two": "a4", anyID: "a2", "One": "", "A": ""} {
		query := "unknownDestination=" + url.QueryEscape(name)
		if got := strings.Join(h.listAlerts(t, query), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := strings.Join(h.listAlerts(t, "limit=1&unrouted=true&unknownDestination=A,+B"), " "); got != "a4" {
		t.Errorf("with other filters: %q", got)
	}
	wantProblem(t, h.get(t, alertsPath+"?unknownDestination="), 422, ProblemCodeInvalid, "unknownDestination")

	h.hook(t, "http://a.test", object{"displayName": "TWO"})
	h.rename(t, d, "a, b")
	h.rename(t, d, "Three")
	if got := h.unknown(t); len(got.Items) != 1 || got.Items[0].Name != anyID {
		t.Errorf("after two were mended: %+v", got)
	}
	for i := range maxUnknownItems + 5 {
		h.accept(t, object{"destinations": []string{fmt.Sprint("invented ", i)}})
	}
	if got := h.unknown(t); len(got.Items) != maxUnknownItems || got.MoreNames != 6 || got.Capped {
		t.Errorf("%d items and %d more", len(got.Items), got.MoreNames)
	}
	const more = `
		INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version,
			tags, log_types, unrouted, unknown_destinations, input_hash, created_at, created_at_nanos, accepted_at, accepted_by)
		SELECT overlay(overlay(gen_random_uuid()::text PLACING left(id::text, 13) FROM 1) PLACING '7' FROM 15)::uuid,
			gen_random_uuid(), detection_id, severity, type, title, name, link, description, runbook, version, tags, log_types,
			unrouted, unknown_destinations, input_hash, created_at, created_at_nanos, accepted_at, accepted_by
		FROM alerts
		CROSS JOIN generate_series(1, $1::integer)
		WHERE alert_id = 'a2'`
	there := h.count(t, `SELECT count(*) FROM alerts WHERE unknown_destinations <> '{}'`)
	h.exec(t, more, postgres.MostUnknownAlerts-1-there)
	if got := h.unknown(t); got.Capped {
		t.Error("capped, although all were looked at")
	}
	h.exec(t, more, 1)
	if got := h.unknown(t); !got.Capped {
		t.Error("not capped")
	}
}

// How many alerts name a destination is counted by whatever name they give, and
// not those that go there by its filters, or by hand.
func TestAlertsNaming(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"displayName": "One"})
	other := h.hook(t, "http://a.test")
	naming := func(id uuid.UUID) AlertsNaming {
		t.Helper()
		return decode[AlertsNaming](t, h.get(t, "/api/v1/destinations/"+id.String()+"/naming"), 200)
	}
	if got := naming(d.ID); got.Alerts != 0 || got.Capped {
		t.Errorf("got %+v", got)
	}
	h.accept(t, object{})
	h.accept(t, object{"destinations": []string{"one"}})
	h.accept(t, object{"destinations": []string{"Nobody", d.ID.String(), "One"}})
	h.rename(t, d, "Two")
	last := h.accept(t, object{"destinations": []string{"One"}})
	wantStatus(t, h.post(t, alertsPath+"/"+last.AlertID+"/deliveries", js(object{"destinationIds": []uuid.UUID{other.ID}})), 202)
	if got := naming(d.ID); got.Alerts != 3 || got.Capped {
		t.Errorf("got %+v, want 3", got)
	}
	if got := naming(other.ID); got.Alerts != 0 {
		t.Errorf("got %+v of one that no alert names", got)
	}
	const more = `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, attempts, max_attempts, made, created_at, finished_at)
		SELECT overlay(overlay(gen_random_uuid()::text PLACING left(d.id::text, 13) FROM 1) PLACING '7' FROM 15)::uuid,
			gen_random_uuid(), destination_id, 'override', 'cancelled', 'by_person', 0, 11, 0, created_at, created_at
		FROM (SELECT * FROM deliveries WHERE destination_id = $1 ORDER BY id DESC LIMIT 1) AS d
		CROSS JOIN generate_series(1, $2::integer)`
	h.exec(t, strings.Replace(more, "left(d.id::text, 13)", "'00000000-0000'", 1), d.ID, 1)
	if got := naming(d.ID); got.Alerts != 3 {
		t.Errorf("got %+v with one of long ago", got)
	}
	h.exec(t, more, d.ID, maxNaming-3)
	if got := naming(d.ID); got.Alerts != maxNaming || got.Capped {
		t.Errorf("got %+v of as many as are counted", got)
	}
	h.exec(t, more, d.ID, 1)
	if got := naming(d.ID); got.Alerts != maxNaming || !got.Capped {
		t.Errorf("got %+v of more", got)
	}
	wantProblem(t, h.get(t, "/api/v1/destinations/"+anyID+"/naming"), 404, ProblemCodeNotFound)
}
