package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every change can be bound to the version that was read.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	const second = `{"logTypes":["second"]}`
	wantStatus(t, h.patch(t, destinationPath(d), second), 200) // now version 2
	for header, matches := range map[string]bool{
		`"2"`: true, `*`: true, `"1", "2"`: true, `"1","2"`: true, `"x", *`: true, ` "2" `: true, ``: true,
		`"1"`: false, `W/"2"`: false, `2`: false, `"2`: false, `'2'`: false, `"1", W/"2"`: false, `"02"`: false, `"é"`: false, `,`: false,
	} {
		for _, c := range []struct{ method, path, body string }{
			{http.MethodPatch, "", `{}`},
			{http.MethodDelete, "", ""},
			{http.MethodPost, "/pause", ""},
			{http.MethodPost, "/resume", ""},
			{http.MethodPost, "/signing-secret", `{}`},
		} {
			// Each pair gets a destination of its own version 2.
			path := destinationPath(d)
			if matches {
				fresh := h.hook(t, "http://a.test")
				path = destinationPath(fresh)
				wantStatus(t, h.patch(t, path, second), 200)
			}
			a := h.call(t, c.method, path+c.path, c.body, with("If-Match", header))
			if matches && a.status >= 300 {
				t.Errorf("%s %s, If-Match %s: %d %s", c.method, c.path, header, a.status, a.body)
			}
			if !matches {
				wantProblem(t, a, 412, ProblemCodePreconditionFailed)
			}
		}
	}
	if got := decode[Destination](t, h.get(t, destinationPath(d)), 200); got.Version != 2 || got.State != DestinationStateActive {
		t.Errorf("changed all the same: %+v", got)
	}
}

// Two lines of If-Match are refused for what they are.
func TestIfMatchTwice(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	twice := func(r *http.Request) { r.Header["If-Match"] = []string{`"1"`, `"2"`} }
	wantProblem(t, h.patch(t, destinationPath(d), `{}`, twice), 400, ProblemCodeMalformed, "If-Match")
}

// Of many who change the version that they read, one succeeds.
func TestRacingPatches(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	var (
		wg sync.WaitGroup
		ok atomic.Int64
	)
	for i := range 6 {
		wg.Go(func() {
			if h.patch(t, destinationPath(d), fmt.Sprintf(`{"displayName":"n%d"}`, i), with("If-Match", `"1"`)).status == 200 {
				ok.Add(1)
			}
		})
	}
	wg.Wait()
	if got := decode[Destination](t, h.get(t, destinationPath(d)), 200); ok.Load() != 1 || got.Version != 2 {
		t.Errorf("%d changes succeeded, version %d", ok.Load(), got.Version)
	}
	// Without a version both changes count, as they are of different fields.
	wg.Go(func() { wantStatus(t, h.patch(t, destinationPath(d), `{"logTypes":["A"]}`), 200) })
	wg.Go(func() { wantStatus(t, h.patch(t, destinationPath(d), `{"severities":["LOW"]}`), 200) })
	wg.Wait()
	if got := decode[Destination](t, h.get(t, destinationPath(d)), 200); got.Version != 4 || len(got.LogTypes) != 1 || len(got.Severities) != 1 {
		t.Errorf("a change was lost: %+v", got)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	for i, c := range []struct {
		call    string
		state   DestinationState
		version int64
	}{
		{"resume", "active", 1}, {"pause", "paused", 2}, {"pause", "paused", 2}, {"resume", "active", 3}, {"resume", "active", 3},
	} {
		a := h.post(t, destinationPath(d)+"/"+c.call, "")
		got := decode[Destination](t, a, 200)
		if got.State != c.state || got.Version != c.version || a.header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(c.version)) {
			t.Errorf("%d: %s leads to %s, version %d, ETag %s", i, c.call, got.State, got.Version, a.header.Get("ETag"))
		}
	}
}

// What waits for a paused destination can be dropped instead of sent, all of it
// or, when the resume is refused, nothing.
func TestResumeWithDiscard(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d, other := h.hook(t, "http://a.test"), h.hook(t, "http://a.test")
	statuses := func(d CreatedDestination) string {
		return strings.Join(h.texts(t, `SELECT concat_ws('/', status, reason) FROM deliveries WHERE destination_id = $1 ORDER BY id`, d.ID), " ")
	}
	resume := func(body string, changes ...change) answer {
		return h.post(t, destinationPath(d)+"/resume", body, changes...)
	}
	h.accept(t)
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	h.accept(t)
	h.accept(t)

	for body, fields := range map[string][]string{
		`{"discard":"yes"}`: {"discard"}, `{"discard":1,"drop":true}`: {"discard", "drop"}, `{"discard":[]}`: {"discard"},
	} {
		wantProblem(t, resume(body), 422, ProblemCodeInvalid, fields...)
	}
	wantProblem(t, resume(`{"discard":true}`, with("If-Match", `"1"`)), 412, ProblemCodePreconditionFailed)
	if got := statuses(d); got != "queued held/paused held/paused" {
		t.Errorf("after refusals: %s", got)
	}
	a := resume(`{"discard":true}`, with("If-Match", `"2"`), with("X-Request-Id", "request-1"))
	if got := decode[Destination](t, a, 200); got.State != "active" || got.Version != 3 || a.header.Get("ETag") != `"3"` {
		t.Errorf("resumed to %+v, ETag %s", got, a.header.Get("ETag"))
	}
	if got := statuses(d); got != "cancelled/by_person cancelled/by_person cancelled/by_person" {
		t.Errorf("discarded: %s", got)
	}
	if got := statuses(other); got != "queued queued queued" {
		t.Errorf("of another destination: %s", got)
	}
	if jobs := h.count(t, `SELECT count(*) FROM river_job`); jobs != 3 {
		t.Errorf("%d jobs are left, want those of the other destination", jobs)
	}
	detail := strings.Join(h.texts(t, `SELECT detail::jsonb -> 'discarded' FROM audit_log WHERE request_id = 'request-1' AND action = 'destination.resume'`), " ")
	if detail != "3" {
		t.Errorf("the audit log says that %q were discarded", detail)
	}

	h.accept(t)
	for _, body := range []string{`{"discard":true}`, `{"discard":null}`, `{}`, ""} {
		if got := decode[Destination](t, resume(body), 200); got.Version != 3 {
			t.Errorf("an active one: %s leads to version %d", body, got.Version)
		}
	}
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	wantStatus(t, resume(`{"discard":false}`), 200)
	if got := statuses(d); !strings.HasSuffix(got, " queued") {
		t.Errorf("not discarded: %s", got)
	}
	if n := h.count(t, `SELECT count(*) FROM audit_log WHERE detail::jsonb ? 'discarded'`); n != 1 {
		t.Errorf("the audit log tells of %d discards", n)
	}
}

func TestRotateSigningSecret(t *testing.T) {
	t.Parallel()
	var clock lateClock
	h := newAPI(t, idle, clock.option)
	d := h.hook(t, "http://a.test")
	rotate := func(body string) NewSigningSecret {
		t.Helper()
		got := decode[NewSigningSecret](t, h.post(t, destinationPath(d)+"/signing-secret", body), 200)
		h.keep(got.SigningSecret)
		return got
	}
	signing := func() Signing { return decode[Destination](t, h.get(t, destinationPath(d)), 200).Signing }

	first := rotate("")
	if first.SigningSecret == d.SigningSecret || first.PreviousValidUntil == nil || time.Until(*first.PreviousValidUntil).Round(time.Hour) != 24*time.Hour {
		t.Errorf("rotated to the same, or not for a day: %v", first.PreviousValidUntil)
	}
	if s := signing(); s.PreviousValidUntil == nil || !s.PreviousValidUntil.Equal(*first.PreviousValidUntil) || !s.CreatedAt.After(*d.Signing.CreatedAt) {
		t.Errorf("signing %+v, want until %v", s, first.PreviousValidUntil)
	}
	clock.pass(25 * time.Hour)
	if s := signing(); s.PreviousValidUntil != nil {
		t.Errorf("still said to be valid: %+v", s)
	}
	if got := rotate(`{"keepPreviousForSeconds":0}`); got.PreviousValidUntil != nil || signing().PreviousValidUntil != nil {
		t.Errorf("kept for no time: %+v", got)
	}
	if got := rotate(`{"keepPreviousForSeconds":604800}`); got.PreviousValidUntil == nil || got.PreviousValidUntil.Sub(clock.now()).Round(time.Hour) != 7*24*time.Hour {
		t.Errorf("kept for a week: %+v", got)
	}
	for _, body := range []string{`{"keepPreviousForSeconds":-1}`, `{"keepPreviousForSeconds":604801}`, `{"keepPreviousForSeconds":1.5}`, `{"keepPreviousForSeconds":"1"}`} {
		wantProblem(t, h.post(t, destinationPath(d)+"/signing-secret", body), 422, ProblemCodeInvalid, "keepPreviousForSeconds")
	}
	wantProblem(t, h.post(t, destinationPath(d)+"/signing-secret", `{"keepPreviousForSeconds":-1,"keep":1}`), 422, ProblemCodeInvalid, "keep", "keepPreviousForSeconds")
}

// Who did what is written down, without the secrets.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	path := destinationPath(d)
	h.keep("other-value")
	wantStatus(t, h.patch(t, path, `{"settings":{"headers":[{"name":"X-Other","value":"other-value"}]}}`, with("X-Request-Id", "request-1")), 200)
	wantStatus(t, h.post(t, path+"/pause", ""), 200)
	wantStatus(t, h.post(t, path+"/pause", ""), 200) // changes nothing
	wantStatus(t, h.patch(t, path, `{"displayName":""}`), 422)
	wantStatus(t, h.post(t, path+"/resume", ""), 200)
	h.keep(decode[NewSigningSecret](t, h.post(t, path+"/signing-secret", ""), 200).SigningSecret)
	wantStatus(t, h.delete(t, path), 204)

	got := h.texts(t, `SELECT action FROM audit_log WHERE subject_type = 'destination' AND subject_id = $1 AND actor = '[admin]' ORDER BY id`, d.ID.String())
	want := []string{
		"destination.create", "destination.update", "destination.pause", "destination.resume", "destination.rotate_signing_secret", "destination.delete",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
	details := h.texts(t, `SELECT detail FROM audit_log ORDER BY id`)
	if found := h.leaked(strings.Join(details, "\n")); len(found) > 0 {
		t.Errorf("it holds the secrets %q", found)
	}
	if !strings.Contains(details[1], `"maxInFlight":256`) {
		t.Errorf("it does not say with which limits: %s", details[1])
	}
	if !strings.Contains(details[1], "X-Other") || !strings.Contains(details[1], "http://a.test") {
		t.Errorf("it does not say what changed: %s", details[1])
	}
	if n := h.count(t, `SELECT count(*) FROM audit_log WHERE request_id = 'request-1' AND action = 'destination.update'`); n != 1 {
		t.Error("it does not say by which request")
	}
}

// A destination whose settings cannot be opened can be looked at, mended and
// deleted, and nothing else breaks.
func TestUnreadableSettings(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	r := newReceiver(t, says(200, "success"))
	d, other := h.hook(t, "http://a.test"), h.hook(t, r.URL)
	h.exec(t, `UPDATE destinations SET settings = (SELECT settings FROM destinations WHERE id = $2) WHERE id = $1`, d.ID, other.ID)
	path := destinationPath(d)
	shown := decode[Destination](t, h.get(t, path), 200)
	if shown.Usable || value(shown.UnusableReason) != UnusableReasonSettings || value(shown.UnusableMessage) == "" || string(shown.Settings) != "null" || len(shown.StoredSecrets) != 0 {
		t.Errorf("another one's settings: %+v", shown.Settings)
	}
	if list := decode[DestinationList](t, h.get(t, destinationsPath), 200); len(list.Items) != 2 {
		t.Errorf("%d destinations", len(list.Items))
	}
	wantProblem(t, h.post(t, path+"/test", ""), 409, ProblemCodeConflict)
	wantStatus(t, h.post(t, path+"/pause", ""), 200)
	wantStatus(t, h.patch(t, path, `{"displayName":"renamed"}`), 200)
	wantProblem(t, h.patch(t, path, `{"settings":{"headers":[{"name":"X-Api-Key"}]}}`), 422, ProblemCodeInvalid, "settings.url", "settings.headers[0].value")
	wantProblem(t, h.post(t, testPath, js(object{"destinationId": d.ID})), 409, ProblemCodeConflict)
	wantProblem(t, h.post(t, testPath, js(object{"destinationId": d.ID, "settings": object{}})), 422, ProblemCodeInvalid, "settings.url")
	if a := decode[TestAnswer](t, h.post(t, testPath, js(object{"destinationId": d.ID, "settings": object{"url": "http://127.0.0.1:1"}})), 200).Attempt; a.Class != AttemptClassRefused {
		t.Errorf("a test of what would mend it: %+v", a)
	}
	mended := decode[ChangedDestination](t, h.patch(t, path, js(object{"settings": object{"url": r.URL}})), 200)
	if string(mended.Settings) != shownHook(r.URL) || !mended.Usable || mended.UnusableReason != nil || mended.SigningSecret != nil {
		t.Errorf("mended %+v", mended)
	}
	test := decode[TestAnswer](t, h.post(t, path+"/test", ""), 200)
	if test.Attempt.Class != AttemptClassAcked || r.received()[0].header.Get("Webhook-Signature") == "" {
		t.Errorf("after mending: %+v", test.Attempt)
	}
	wantStatus(t, h.delete(t, path), 204)
}

// A destination that only this server cannot open is not called unusable: others that
// have the newer key go on sending.
func TestMissingKeyIsNotUnusable(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	h.exec(t, `UPDATE destinations SET settings = overlay(settings PLACING '\x00000001'::bytea FROM 2) WHERE id = $1`, d.ID) // the id of its key
	shown := decode[Destination](t, h.get(t, destinationPath(d)), 200)
	if !shown.Usable || shown.UnusableReason != nil || shown.UnusableMessage != nil || string(shown.Settings) != "null" {
		t.Errorf("%v: %v, %s", shown.Usable, value(shown.UnusableReason), shown.Settings)
	}
	wantProblem(t, h.patch(t, destinationPath(d), `{"settings":{"url":"http://b.test"}}`), 503, ProblemCodeUnavailable)
}

// What is stored never comes back, and null is told from absent: a round trip
// of what a destination shows changes nothing.
func TestShownIsNotAPatch(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	var shown map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(h.get(t, destinationPath(d)).body)).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.patch(t, destinationPath(d), js(shown)), 422, ProblemCodeInvalid, "id", "state", "overrideOnly", "usable", "unusableReason", "unusableMessage", "storedSecrets", "signing", "version",
		"createdAt", "updatedAt", "settings.url")
	// One thing of the settings changed, and the URL as it is shown: its path is not cut off.
	for _, settings := range []object{
		{"url": "http://a.test", "headers": []object{{"name": "X-New", "value": "1"}}}, {"url": "http://a.test"},
	} {
		wantProblem(t, h.patch(t, destinationPath(d), js(object{"settings": settings})), 422, ProblemCodeInvalid, "settings.url")
		wantProblem(t, h.post(t, testPath, js(object{"destinationId": d.ID, "settings": settings})), 422, ProblemCodeInvalid, "settings.url")
	}
	wantStatus(t, h.patch(t, destinationPath(d), `{"settings":{"url":"http://a.test/"}}`), 200)
	wantStatus(t, h.post(t, destinationsPath, js(object{"displayName": "bare", "type": "webhook", "severities": []string{"LOW"}, "alertTypes": []string{"RULE"}, "settings": object{"url": "http://b.test"}})), 201)
}
