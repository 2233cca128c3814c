package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	_ "belfry/internal/testchat" // one line: a second type of destination, that only tests have
)

// addTestChat adds the schema of the type to the contract that every answer is held
// against: one schema, beside one Go file and one line.
func addTestChat(doc *openapi3.T) error {
	const schema = `{"type": "object", "description": "The settings of a test chat.", "required": ["server", "channel"], "properties": {
		"server": {"type": "string", "description": "Where it is."}, "channel": {"type": "string", "description": "The channel."},
		"threads": {"type": "boolean", "description": "Whether to reply in threads."},
		"message": {"type": "object", "description": "What a message looks like.", "properties": {
			"style": {"type": "string", "description": "The style."}, "footer": {"type": "string", "description": "The footer."}}}}}`
	var s openapi3.Schema
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		return err
	}
	settings := doc.Components.Schemas["Settings"].Value
	settings.OneOf = append(settings.OneOf, openapi3.NewSchemaRef("", &s))
	return nil
}

// A type that the API has no code for goes the whole way: described, entered, shown
// without its secret, changed, tried, delivered to, and shown as it was sent.
func TestSecondType(t *testing.T) {
	t.Parallel()
	var says atomic.Value
	says.Store(`{"ok":true}`)
	posts := make(chan string, 8)
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer hunter2-bot-token" {
			w.WriteHeader(401)
			return
		}
		posts <- r.URL.Path + " " + string(body)
		io.WriteString(w, says.Load().(string)) //nolint:errcheck // the caller sees what it gets
	}))
	t.Cleanup(chat.Close)
	h := newAPI(t, waits())
	h.keep("hunter2-bot-token")

	wantProblem(t, h.post(t, destinationsPath, `{"displayName":"Chat","type":"test-chat","settings":{"server":"ftp://x","message":{"style":"loud"},"url":"x"}}`), 422,
		ProblemCodeInvalid, "settings.channel", "settings.message.style", "settings.server", "settings.token", "settings.url")
	made := decode[CreatedDestination](t, h.post(t, destinationsPath, js(object{
		"displayName": "Chat", "type": "test-chat", "severities": severities,
		"settings": object{"server": chat.URL, "token": "hunter2-bot-token", "channel": "#alerts", "message": object{"style": "full", "footer": "two\nlines"}},
	})), 201)
	h.keep(made.SigningSecret)
	path := destinationPath(made)
	if want := js(object{"server": chat.URL, "channel": "#alerts", "threads": true, "message": object{"style": "full", "footer": "two\nlines"}}); string(made.Settings) != want || strings.Join(made.StoredSecrets, " ") != "token" {
		t.Errorf("shown are %s, stored secrets %v; want %s", made.Settings, made.StoredSecrets, want)
	}
	if list := decode[DestinationList](t, h.get(t, destinationsPath+"?type=test-chat"), 200); len(list.Items) != 1 {
		t.Errorf("%d of the type", len(list.Items))
	}
	wantProblem(t, h.patch(t, path, `{"settings":{"server":"https://other.test"}}`), 422, ProblemCodeInvalid, "settings.token")
	changed := decode[ChangedDestination](t, h.patch(t, path, `{"settings":{"channel":"#soc","threads":false}}`), 200)
	if want := js(object{"server": chat.URL, "channel": "#soc", "threads": false, "message": object{"style": "full", "footer": "two\nlines"}}); string(changed.Settings) != want {
		t.Errorf("after a change %s, want %s", changed.Settings, want)
	}

	if test := decode[TestAnswer](t, h.post(t, path+"/test", ""), 200).Attempt; test.Class != AttemptClassAcked || !strings.Contains(value(test.RequestBody), `"test":true`) {
		t.Errorf("a test: %+v", test)
	}
	<-posts
	_, id := h.accept1(t)
	d := h.await(t, id, DeliveryStatusDelivered)
	sent := <-posts
	attempt := func() Attempt {
		t.Helper()
		return decode[Attempt](t, h.get(t, "/api/v1/deliveries/"+d.ID.String()+"/attempts/"+d.LastAttempt.ID.String()), 200)
	}
	if a := attempt(); sent != "/api/chat.post "+value(a.RequestBody) || value(a.RequestURL) != chat.URL || a.RequestMethod != "POST" {
		t.Errorf("sent %s, shown %q to %v", sent, value(a.RequestBody), value(a.RequestURL))
	}
	wantStatus(t, h.patch(t, path, `{"settings":{"channel":"#other","message":{"style":"plain"}}}`), 200)
	if a := attempt(); sent != "/api/chat.post "+value(a.RequestBody) {
		t.Errorf("after the settings were changed it shows %s, sent was %s", value(a.RequestBody), sent)
	}

	says.Store(`{"ok":false,"error":"not_in_channel"}`)
	_, id = h.accept1(t)
	if d := h.await(t, id, DeliveryStatusFailed); d.LastAttempt.Class != AttemptClassRejected || value(d.LastAttempt.StatusCode) != 200 {
		t.Errorf("200 that is no ack: %+v", d.LastAttempt)
	}
}

// What a type says never heals fails its delivery after one attempt, whatever is left of
// the run. It is listed, counted and told as such, and a person can send it again.
func TestNeverHeals(t *testing.T) {
	t.Parallel()
	var says atomic.Value
	says.Store(`{"ok":false,"error":"channel_is_archived"}`)
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, says.Load().(string)) //nolint:errcheck // the caller sees what it gets
	}))
	t.Cleanup(chat.Close)
	h := newAPI(t, waits(time.Millisecond, time.Millisecond, time.Millisecond))
	made := decode[CreatedDestination](t, h.post(t, destinationsPath, js(object{
		"displayName": "Chat", "type": "test-chat", "severities": severities,
		"settings": object{"server": chat.URL, "token": "hunter2-bot-token", "channel": "#alerts"},
	})), 201)
	_, id := h.accept1(t)
	d := h.await(t, id, DeliveryStatusFailed)
	if value(d.Reason) != DeliveryReasonRejected || d.Attempts != 1 || d.MaxAttempts != 4 || d.DueAt != nil || value(d.LastAttempt.Error) != "the channel is archived" {
		t.Errorf("got %+v, last %+v", d, d.LastAttempt)
	}
	wantRejected := func(n int) {
		t.Helper()
		for filter, want := range map[string]int{"reason=rejected": n, "status=failed": n, "reason=attempts_exhausted": 0} {
			if list := decode[DeliveryList](t, h.get(t, "/api/v1/deliveries?"+filter), 200); len(list.Items) != want {
				t.Errorf("%s lists %d, want %d", filter, len(list.Items), want)
			}
		}
		if c := decode[DeliveryCounts](t, h.get(t, "/api/v1/deliveries/counts?reason=rejected"), 200); c.Failed.Count != n || c.Held.Count+c.Delivered.Count != 0 {
			t.Errorf("counted are %+v, want %d failed", c, n)
		}
		body := `{"filter":{"reason":["rejected"]},"dryRun":true}`
		if c := decode[BulkCount](t, h.post(t, "/api/v1/bulk-resends", body), 200); c.Total != n || c.ByStatus.Failed != n {
			t.Errorf("to be re-sent are %+v, want %d", c, n)
		}
	}
	wantRejected(1)
	if got := h.health(t, made); got.LastHour.Failed != 1 || got.LastHour.Attempts != 1 {
		t.Errorf("the last hour had %+v", got.LastHour)
	}
	for _, line := range []string{
		`belfry_deliveries_failed_total{reason="rejected"} 1`, `belfry_deliveries_failed_total{reason="attempts_exhausted"} 0`,
		`belfry_deliveries_finished_total{status="failed"} 1`, `belfry_attempts_total{class="rejected"} 1`,
	} {
		until(t, line, func() bool { return strings.Contains(string(h.get(t, "/metrics").body), line+"\n") })
	}

	says.Store(`{"ok":true}`)
	wantStatus(t, h.resend(t, d.ID, ""), 202)
	if d := h.await(t, id, DeliveryStatusDelivered); d.Run != 2 || d.Attempts != 1 || d.Reason != nil {
		t.Errorf("re-sent: %+v", d)
	}
	wantRejected(0)
}
