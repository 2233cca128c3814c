package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/dispatch"
)

// streamed is one event as a browser would see it.
type streamed struct {
	name string
	data map[string]string
}

// stream opens the events and returns them as they come, until the test ends.
func (h *harness) stream(t *testing.T, token string) <-chan streamed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	events := make(chan streamed, 1000)
	go func() {
		defer close(events)
		var ev streamed
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			line := lines.Text()
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				ev = streamed{name: name}
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &ev.data) == nil {
				events <- ev
			}
		}
	}()
	return events
}

// await1 returns the next event that is as wanted.
func await1(t *testing.T, events <-chan streamed, what string, ok func(streamed) bool) streamed {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case ev, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", what)
			}
			if ok(ev) {
				return ev
			}
		case <-deadline:
			t.Fatalf("no event: %s", what)
		}
	}
}

// A stream ends when its token would no longer be let in, and goes on otherwise.
func TestEventsOfARevokedToken(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	kept, token := h.stream(t, h.token(t, access.Read)), decode[CreatedToken](t,
		h.post(t, "/api/v1/tokens", js(object{"name": "lost", "scopes": []string{"read"}})), 201)
	lost := h.stream(t, token.Secret)
	wantStatus(t, h.delete(t, "/api/v1/tokens/"+token.ID.String()), 200)
	for deadline := time.After(20 * time.Second); ; {
		select {
		case _, open := <-lost:
			if open {
				continue
			}
		case <-deadline:
			t.Fatal("the stream of a revoked token goes on")
		}
		break
	}
	h.accept(t)
	await1(t, kept, "the other stream has ended too", func(ev streamed) bool { return ev.name == "alert" })
}

func TestEvents(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	to := newReceiver(t, says(http.StatusOK, "success"))
	events := h.stream(t, h.token(t, access.Read))
	await1(t, events, "what came before was missed", func(ev streamed) bool { return ev.name == "many" && len(ev.data) == 0 })

	hook := h.hook(t, to.URL)
	await1(t, events, "the new destination", func(ev streamed) bool {
		return ev.name == "destination" && ev.data["id"] == hook.ID.String()
	})
	alertID, deliveryID := h.accept1(t)
	await1(t, events, "the alert", func(ev streamed) bool { return ev.name == "alert" && ev.data["alertId"] == alertID })
	got := await1(t, events, "its delivery", func(ev streamed) bool { return ev.name == "delivery" && ev.data["status"] == "delivered" })
	if got.data["id"] != deliveryID.String() || got.data["alertId"] != alertID || got.data["destinationId"] != hook.ID.String() {
		t.Errorf("%v", got.data)
	}
	h.post(t, "/api/v1/deliveries/"+deliveryID.String()+"/resend", `{"again":true}`)
	await1(t, events, "queued again", func(ev streamed) bool { return ev.name == "delivery" && ev.data["status"] == "queued" })
	await1(t, events, "delivered again", func(ev streamed) bool { return ev.name == "delivery" && ev.data["status"] == "delivered" })

	order := h.bulk(t, object{"deliveryIds": []string{deliveryID.String()}, "again": true})
	await1(t, events, "the bulk re-send", func(ev streamed) bool {
		return ev.name == "bulk_resend" && len(ev.data) == 1 && ev.data["id"] == order.ID.String()
	})

	var many []string
	for range 100 {
		many = append(many, alertBody())
	}
	if a := h.post(t, batchPath, batch(many...)); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	await1(t, events, "a flood is told as one", func(ev streamed) bool { return ev.name == "many" })
}

// Who may not read may not look on.
func TestEventsNeedAScope(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for _, tt := range []struct {
		token  string
		status int
	}{{"", 401}, {"wrong", 401}, {h.token(t, access.Ingest), 403}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != tt.status {
			t.Errorf("token %q: %d, want %d", tt.token, answer.StatusCode, tt.status)
		}
	}
}

// A server that stops ends the streams: nobody waits for them.
func TestEventsEndWithTheServer(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	h := newAPI(t, func(s *setup) {
		s.api.Draining = func() bool {
			select {
			case <-draining:
				return true
			default:
				return false
			}
		}
	})
	events := h.stream(t, h.admin)
	await1(t, events, "it is open", func(ev streamed) bool { return ev.name == "many" })
	close(draining)
	for {
		select {
		case _, open := <-events:
			if !open {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the stream is still open")
		}
	}
}

// A token, with its sessions, and a session may have so many streams; all of them
// together keep nobody else's out before there are far more.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	reader, other := access.Caller{Name: "reader", TokenID: uuid.New()}, access.Caller{Name: "other", TokenID: uuid.New()}
	session := reader
	session.SessionID = uuid.New()
	admin, link := access.Caller{Name: "BELFRY_ADMIN_TOKEN"}, access.Caller{Name: "dev", SessionID: uuid.New()}
	var o streams
	enter := func(c access.Caller, n int, beyond error) (leave []func()) {
		t.Helper()
		for range n {
			l, err := o.enter(c)
			if err != nil {
				t.Fatalf("%s, one of %d: %v", c.Name, n, err)
			}
			leave = append(leave, l)
		}
		if l, err := o.enter(c); !errors.Is(err, beyond) {
			t.Fatalf("%s, one more than %d: %v", c.Name, n, err)
		} else if l != nil {
			leave = append(leave, l)
		}
		return leave
	}
	all := enter(session, maxSessionStreams, errStreams)
	all = append(all, enter(reader, maxTokenStreams-maxSessionStreams, errStreams)...)
	all = append(all, enter(other, maxTokenStreams, errStreams)...)
	all = append(all, enter(admin, maxTokenStreams, errStreams)...)
	all = append(all, enter(link, maxSessionStreams, errStreams)...)
	for n := len(all); n < maxStreams; n++ {
		all = append(all, enter(access.Caller{TokenID: uuid.New()}, 0, nil)...)
	}
	enter(access.Caller{TokenID: uuid.New()}, 0, dispatch.ErrOverloaded)
	for _, leave := range all {
		leave()
	}
	if o.all != 0 || len(o.of) != 0 {
		t.Errorf("%d streams are counted when all have ended: %v", o.all, o.of)
	}
}

// Past its bound a caller is told so, and gets another stream when one has ended.
func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	c := h.signIn(t, object{"token": h.token(t, access.Read)})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(c)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for range maxSessionStreams {
		if resp := open(); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	wantProblem(t, h.get(t, "/api/v1/events", cookie(c)), 429, ProblemCodeTooManyStreams)
	for range 3 { // a HEAD is no stream
		wantStatus(t, h.call(t, http.MethodHead, "/api/v1/events", "", as(h.admin)), 200)
	}
	end()
	ctx = t.Context()
	until(t, "there is room again", func() bool { return open().StatusCode == 200 })
}
