package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func names(list []Destination) []string {
	var names []string
	for _, d := range list {
		names = append(names, d.DisplayName)
	}
	return names
}

// shownHook is what is shown of a webhook's settings.
func shownHook(url string, headers ...string) string {
	names := []object{}
	for _, name := range headers {
		names = append(names, object{"name": name})
	}
	return js(object{"url": url, "headers": names})
}

func TestCreateAndGetDestination(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.keep("s3cret-path", "s3cret-query", "s3cret-value", "s3cret-too")
	a := h.post(t, destinationsPath, `{"displayName":" SOAR ","type":"webhook","severities":["CRITICAL","HIGH","HIGH"],
		"alertTypes":["RULE"],"logTypes":["AWS.VPCFlow"],"settings":{"url":"https://Soar.example.com:8443/s3cret-path?k=s3cret-query",
		"headers":[{"name":"X-API-Key","value":" s3cret-value "},{"name":"x-team","value":"s3cret-too"}]}}`)
	created := decode[CreatedDestination](t, a, 201)
	if a.header.Get("ETag") != `"1"` {
		t.Errorf("ETag %q", a.header.Get("ETag"))
	}
	h.keep(created.SigningSecret)
	want := Destination{
		ID: created.ID, DisplayName: "SOAR", FormerNames: []string{}, Type: "webhook", State: DestinationStateActive,
		Severities: []Severity{"HIGH", "CRITICAL"}, AlertTypes: []AlertType{"RULE"}, ResponseStorage: "full", LogTypes: []string{"AWS.VPCFlow"},
		Settings: json.RawMessage(shownHook("https://Soar.example.com:8443", "X-API-Key", "x-team")), StoredSecrets: []string{"url", "headers"}, Usable: true,
		Limits:  Limits{MaxInFlight: 256, HoldFailing: true},
		Signing: Signing{CreatedAt: &created.CreatedAt}, Version: 1, CreatedAt: created.CreatedAt, UpdatedAt: created.CreatedAt,
	}
	if diff := cmp.Diff(want, created.Destination); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	got := h.get(t, destinationPath(created))
	if diff := cmp.Diff(want, decode[Destination](t, got, 200)); diff != "" || got.header.Get("ETag") != `"1"` {
		t.Errorf("got %s (-want +got):\n%s", got.header.Get("ETag"), diff)
	}
	if sealed := h.texts(t, `SELECT encode(settings || signing, 'escape') FROM destinations`); len(h.leaked(strings.Join(sealed, ""))) > 0 {
		t.Errorf("stored in the clear: %q", sealed)
	}
}

func TestDestinationDefaults(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for i, filters := range []string{"", `,"severities":null,"alertTypes":null,"logTypes":null`, `,"severities":[],"logTypes":[]`} {
		body := fmt.Sprintf(`{"displayName":"d%d","type":"webhook"%s,"settings":{"url":"http://a.test","headers":null}}`, i, filters)
		d := decode[CreatedDestination](t, h.post(t, destinationsPath, body), 201)
		if len(d.Severities) != 0 || !d.OverrideOnly || len(d.AlertTypes) != 8 || len(d.LogTypes) != 0 || string(d.Settings) != shownHook("http://a.test") {
			t.Errorf("%s: %+v", filters, d.Destination)
		}
	}
}

func TestDestinationLimits(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for limits, want := range map[string]Limits{
		`null`: {MaxInFlight: 256, HoldFailing: true},
		`{"maxInFlight":1000,"ratePerSecond":2.5,"holdFailing":false}`: {MaxInFlight: 1000, RatePerSecond: ptr(2.5), Burst: ptr(3)},
		`{"ratePerSecond":10000,"burst":1}`:                            {MaxInFlight: 256, RatePerSecond: ptr(10_000.0), Burst: ptr(1), HoldFailing: true},
	} {
		body := h.hookBody("http://a.test")
		body["limits"] = json.RawMessage(limits)
		d := decode[CreatedDestination](t, h.post(t, destinationsPath, js(body)), 201)
		h.keep(d.SigningSecret)
		stored := decode[Destination](t, h.get(t, destinationPath(d)), 200)
		for _, got := range []Limits{d.Limits, stored.Limits} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", limits, diff)
			}
		}
	}
}

func TestWrongDestinations(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	everything := `{"displayName":"","type":"mail","severities":["LOUD"],"alertTypes":[],"logTypes":[""],"limits":{"maxInFlight":1001},"extra":1,"settings":null}`
	wantProblem(t, h.post(t, destinationsPath, everything), 422, ProblemCodeInvalid,
		"displayName", "type", "severities[0]", "alertTypes", "logTypes[0]", "limits.maxInFlight", "extra", "settings")
	h.keep("s3cret")
	settings := `{"displayName":"a","type":"webhook","settings":{"url":"ftp://a/s3cret","method":"PUT","headers":[{"name":"Host","value":"s3cret"},
		{"name":"a b","value":"s3cret"},{"name":"webhook-id","value":"s3cret"},{"name":"X-A","value":"s3cret\u0000"},{"name":"x-a","value":""},{"name":"Belfry-X"},5]}}`
	wantProblem(t, h.post(t, destinationsPath, settings), 422, ProblemCodeInvalid,
		"settings.url", "settings.method", "settings.headers[0].name", "settings.headers[1].name", "settings.headers[2].name",
		"settings.headers[3].value", "settings.headers[4].name", "settings.headers[4].value", "settings.headers[5].name",
		"settings.headers[5].value", "settings.headers[6]")
	for _, name := range []string{"SKIP", "skip", "a\u0000b", "a\nb", anyID, strings.Repeat("é", 101), " "} {
		wantProblem(t, h.post(t, destinationsPath, js(object{"displayName": name, "type": "webhook", "settings": object{"url": "http://a"}})),
			422, ProblemCodeInvalid, "displayName")
	}
	if n := h.count(t, `SELECT (SELECT count(*) FROM destinations) + (SELECT count(*) FROM audit_log)`); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
}

func TestNameIsTaken(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	first := h.hook(t, "http://a.test", object{"displayName": "Straße"})
	other := h.hook(t, "http://a.test")
	for _, name := range []string{"Straße", "STRASSE", " strasse "} {
		body := h.hookBody("http://a.test")
		body["displayName"] = name
		wantProblem(t, h.post(t, destinationsPath, js(body)), 409, ProblemCodeNameTaken, "displayName")
		wantProblem(t, h.patch(t, destinationPath(other), js(object{"displayName": name})), 409, ProblemCodeNameTaken, "displayName")
	}
	if d := decode[Destination](t, h.patch(t, destinationPath(first), `{"displayName":"STRASSE"}`), 200); d.DisplayName != "STRASSE" {
		t.Errorf("its own name in other letters: %q", d.DisplayName)
	}
	if d := decode[Destination](t, h.get(t, destinationPath(other)), 200); d.Version != 1 {
		t.Errorf("version %d after refused changes", d.Version)
	}
}

func TestRacingCreates(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		got []int
	)
	for range 8 {
		body := h.hookBody("http://a.test")
		body["displayName"] = "one"
		wg.Go(func() {
			a := h.post(t, destinationsPath, js(body))
			if a.status == 409 {
				wantProblem(t, a, 409, ProblemCodeNameTaken, "displayName")
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, a.status)
		})
	}
	wg.Wait()
	slices.Sort(got)
	if !slices.Equal(got, []int{201, 409, 409, 409, 409, 409, 409, 409}) {
		t.Errorf("statuses %v", got)
	}
	if n := h.count(t, `SELECT count(*) FROM audit_log`); n != 1 {
		t.Errorf("%d lines in the audit log, want 1", n)
	}
}

func TestListDestinations(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for _, name := range []string{"delta", "Alpha", "echo", "bravo", "Golf 100%", "charlie", "fox_trot"} {
		h.hook(t, "http://a.test", object{"displayName": name})
	}
	want := []string{"Alpha", "bravo", "charlie", "delta", "echo", "fox_trot", "Golf 100%"}

	var got []string
	path, pages := destinationsPath+"?limit=3", 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		page := decode[DestinationList](t, h.get(t, path+"&cursor="+url.QueryEscape(cursor)), 200)
		got = append(got, names(page.Items)...)
		cursor = ""
		if page.NextCursor != nil {
			cursor = *page.NextCursor
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
	if exact := decode[DestinationList](t, h.get(t, destinationsPath+"?limit=7"), 200); exact.NextCursor != nil || len(exact.Items) != 7 {
		t.Errorf("a full last page has %d items and a cursor: %v", len(exact.Items), exact.NextCursor)
	}

	paused := decode[DestinationList](t, h.get(t, destinationsPath+"?q=echo"), 200).Items[0]
	wantStatus(t, h.post(t, destinationsPath+"/"+paused.ID.String()+"/pause", ""), 200)
	for query, want := range map[string][]string{
		"q=A": {"Alpha", "bravo", "charlie", "delta"}, "q=%25": {"Golf 100%"}, "q=_": {"fox_trot"}, "q=": want, "q=zulu": nil,
		"state=paused": {"echo"}, "state=active&q=echo": nil, "type=webhook&limit=1": {"Alpha"}, "state=paused&type=webhook": {"echo"},
	} {
		if diff := cmp.Diff(want, names(decode[DestinationList](t, h.get(t, destinationsPath+"?"+query), 200).Items)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	wantProblem(t, h.get(t, destinationsPath+"?state=PAUSED&type=mail&limit=201&cursor=%3F"), 422, ProblemCodeInvalid, "state", "type", "limit", "cursor")
}

func TestPatchDestination(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"displayName": "one", "severities": []string{"HIGH"}, "alertTypes": []string{"RULE"}, "logTypes": []string{"A"}})
	version := 1
	for _, c := range []struct {
		body string
		want func(*Destination)
	}{
		{`{"displayName":" two "}`, func(d *Destination) { d.DisplayName, d.FormerNames = "two", []string{"one"} }},
		{`{"severities":["LOW"],"type":"webhook"}`, func(d *Destination) { d.Severities = []Severity{"LOW"} }},
		{`{"logTypes":["B","C","B"]}`, func(d *Destination) { d.LogTypes = []string{"B", "C"} }},
		{`{"severities":null}`, func(d *Destination) { d.Severities, d.OverrideOnly = []Severity{}, true }},
		{`{"severities":["INFO"],"logTypes":null,"alertTypes":["POLICY"]}`, func(d *Destination) {
			d.Severities, d.OverrideOnly, d.LogTypes, d.AlertTypes = []Severity{"INFO"}, false, []string{}, []AlertType{"POLICY"}
		}},
		{`{"settings":{"headers":[{"name":"x-api-KEY"},{"name":"X-New","value":"v"}]}}`, func(d *Destination) {
			d.Settings = json.RawMessage(shownHook("http://a.test", "x-api-KEY", "X-New"))
		}},
		{`{"settings":{"url":"http://A.test:80/elsewhere"}}`, func(d *Destination) {
			d.Settings = json.RawMessage(shownHook("http://A.test:80", "x-api-KEY", "X-New"))
		}},
		{`{"settings":{"headers":null}}`, func(d *Destination) {
			d.Settings, d.StoredSecrets = json.RawMessage(shownHook("http://A.test:80")), []string{"url"}
		}},
		{`{"settings":{"url":"https://b.test"}}`, func(d *Destination) { d.Settings = json.RawMessage(shownHook("https://b.test")) }},
		{`{"limits":{"maxInFlight":3,"ratePerSecond":0.5}}`, func(d *Destination) {
			d.Limits = Limits{MaxInFlight: 3, RatePerSecond: ptr(0.5), Burst: ptr(1), HoldFailing: true}
		}},
		{`{"limits":{"holdFailing":false,"burst":20}}`, func(d *Destination) { d.Limits.HoldFailing, d.Limits.Burst = false, ptr(20) }},
		{`{"limits":{"maxInFlight":null,"ratePerSecond":null}}`, func(d *Destination) { d.Limits = Limits{MaxInFlight: 256} }},
		{`{"responseStorage":"headers"}`, func(d *Destination) { d.ResponseStorage = "headers" }},
		{`{"responseStorage":null}`, func(d *Destination) { d.ResponseStorage = "full" }},
		{`{"limits":null}`, func(d *Destination) { d.Limits.HoldFailing = true }},
		{`{"alertTypes":null}`, func(d *Destination) {
			d.AlertTypes = nil
			for _, v := range alertTypes {
				d.AlertTypes = append(d.AlertTypes, AlertType(v))
			}
		}},
	} {
		before := decode[Destination](t, h.get(t, destinationPath(d)), 200)
		a := h.patch(t, destinationPath(d), c.body)
		after := decode[Destination](t, a, 200)
		version++
		c.want(&before)
		before.Version, before.UpdatedAt = int64(version), after.UpdatedAt
		if diff := cmp.Diff(before, after); diff != "" || a.header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(version)) {
			t.Errorf("%s: ETag %s (-want +got):\n%s", c.body, a.header.Get("ETag"), diff)
		}
		if diff := cmp.Diff(after, decode[Destination](t, h.get(t, destinationPath(d)), 200)); diff != "" {
			t.Errorf("%s: answered and stored differ:\n%s", c.body, diff)
		}
	}
}

// What changes nothing makes no version, and nothing to tell.
func TestPatchOfNothing(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	created := h.hook(t, "http://a.test", object{"displayName": "one", "severities": []string{"HIGH"}, "logTypes": nil})
	path := destinationPath(created)
	d := decode[Destination](t, h.patch(t, path, `{"settings":{"url":"http://a.test/x","headers":[{"name":"X-Key","value":"v"}]}}`), 200)
	for _, body := range []string{
		`{}`, `{"displayName":" one "}`, `{"severities":["HIGH"],"logTypes":[],"type":"webhook"}`, `{"logTypes":null}`,
		`{"settings":{}}`, `{"settings":{"url":"http://a.test/x"}}`, `{"settings":{"headers":[{"name":"X-Key","value":"v"}]}}`,
	} {
		a := h.patch(t, path, body)
		if diff := cmp.Diff(d, decode[Destination](t, a, 200)); diff != "" || a.header.Get("ETag") != `"2"` {
			t.Errorf("%s: ETag %s (-want +got):\n%s", body, a.header.Get("ETag"), diff)
		}
	}
	wantProblem(t, h.patch(t, path, `{}`, with("If-Match", `"1"`)), 412, ProblemCodePreconditionFailed)
	wantStatus(t, h.patch(t, path, `{"settings":{"headers":[{"name":"X-Key","value":"w"}]}}`), 200)
	if got := actions(h.audit(t, "subjectType=destination")); got != "destination.update destination.update destination.create" {
		t.Errorf("audit log: %s", got)
	}
}

func TestWrongPatches(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	for body, fields := range map[string][]string{
		`{"displayName":null,"type":"mail","settings":null,"state":"paused"}`:   {"displayName", "type", "settings", "state"},
		`{"alertTypes":[],"severities":[null],"logTypes":{}}`:                   {"alertTypes", "severities", "logTypes"},
		`{"settings":{"url":"http://b.test"}}`:                                  {"settings.headers"}, // secrets are not sent elsewhere
		`{"settings":{"url":"https://a.test"}}`:                                 {"settings.headers"},
		`{"settings":{"url":"http://a.test:81"}}`:                               {"settings.headers"},
		`{"settings":{"url":"http://b.test","headers":[{"name":"X-Api-Key"}]}}`: {"settings.headers"},
		`{"settings":{"headers":[{"name":"X-Unknown"}]}}`:                       {"settings.headers[0].value"},
		`{"settings":{"headers":[{"name":"X-Api-Key"},{"name":"X-API-KEY"}]}}`:  {"settings.headers[1].name"},
		`{"settings":{"url":null}}`:                                             {"settings.url"},
		`{"limits":{"maxInFlight":0,"ratePerSecond":10001,"burst":"1","x":1}}`:  {"limits.maxInFlight", "limits.ratePerSecond", "limits.burst", "limits.x"},
		`{"limits":{"burst":5,"holdFailing":"no"}}`:                             {"limits.burst", "limits.holdFailing"},
		`{"limits":[]}`:              {"limits"},
		`{"responseStorage":"FULL"}`: {"responseStorage"},
		`{"responseStorage":1}`:      {"responseStorage"},
	} {
		wantProblem(t, h.patch(t, destinationPath(d), body), 422, ProblemCodeInvalid, fields...)
	}
	if got := decode[Destination](t, h.get(t, destinationPath(d)), 200); got.Version != 1 {
		t.Errorf("version %d after refused changes", got.Version)
	}
}

func TestDeleteDestination(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"displayName": "one"})
	a := h.delete(t, destinationPath(d))
	if wantStatus(t, a, 204); len(a.body) > 0 {
		t.Errorf("body %q", a.body)
	}
	path := destinationPath(d)
	for _, gone := range []answer{
		h.get(t, path), h.patch(t, path, `{}`), h.delete(t, path), h.post(t, path+"/pause", ""), h.post(t, path+"/resume", ""),
		h.post(t, path+"/test", ""), h.post(t, path+"/signing-secret", ""), h.get(t, destinationsPath+"/"+anyID),
	} {
		wantProblem(t, gone, http.StatusNotFound, ProblemCodeNotFound)
	}
	if list := decode[DestinationList](t, h.get(t, destinationsPath), 200); len(list.Items) != 0 {
		t.Errorf("still listed: %v", names(list.Items))
	}
	if again := h.hook(t, "http://a.test", object{"displayName": "ONE"}); again.ID == d.ID {
		t.Error("the name is free again, but not the id")
	}
}
