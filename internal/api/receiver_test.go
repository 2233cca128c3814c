package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/uuid"

	"belfry/internal/delivery"
)

// receiver is a destination's end: it answers as told and keeps what it got.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	how http.HandlerFunc
	got []received
}

type received struct {
	path   string
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB, how http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{how: how}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements [http.Handler].
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // the caller went away
	}
	r.mu.Lock()
	how := r.how
	r.got = append(r.got, received{q.URL.RequestURI(), q.Header.Clone(), body})
	r.mu.Unlock()
	how(w, q)
}

// become changes how it answers.
func (r *receiver) become(how http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.how = how
}

func (r *receiver) received() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// waiting answers once it is let go, and tells when it was asked.
func waiting(t testing.TB, then http.HandlerFunc) (how http.HandlerFunc, asked <-chan struct{}, release func()) {
	asking, free := make(chan struct{}, 100), make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	t.Cleanup(release)
	return func(w http.ResponseWriter, r *http.Request) {
		asking <- struct{}{}
		select {
		case <-free:
			then(w, r)
		case <-r.Context().Done(): // the caller went away
		}
	}, asking, release
}

var (
	severities = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	alertTypes = []string{
		"RULE", "RULE_ERROR", "SCHEDULED_RULE", "SCHEDULED_RULE_ERROR", "CORRELATION_RULE", "CORRELATION_RULE_ERROR", "POLICY", "SYSTEM_ERROR",
	}
)

// hookBody describes a destination that takes everything, at a URL and with a
// header that hold secrets.
func (h *harness) hookBody(url string) object {
	n := h.hooks.Add(1)
	path, value := "path-"+uuid.NewString(), "value-"+uuid.NewString()
	h.keep(path, value)
	return object{
		"displayName": fmt.Sprintf("hook %d", n), "type": "webhook", "severities": severities,
		"settings": object{"url": url + "/" + path, "headers": []object{{"name": "X-Api-Key", "value": value}}},
	}
}

// hook creates such a destination, with some fields changed.
func (h *harness) hook(t testing.TB, url string, fields ...object) CreatedDestination {
	t.Helper()
	body := h.hookBody(url)
	for _, f := range fields {
		for name, value := range f {
			body[name] = value
		}
	}
	a := h.post(t, "/api/v1/destinations", js(body))
	d := decode[CreatedDestination](t, a, http.StatusCreated)
	h.keep(d.SigningSecret)
	return d
}

const (
	destinationsPath = "/api/v1/destinations"
	deliveriesPath   = "/api/v1/deliveries"
)

func destinationPath(d CreatedDestination) string { return destinationsPath + "/" + d.ID.String() }

func deliveryPath(id uuid.UUID) string { return deliveriesPath + "/" + id.String() }

// newAlert writes an alert of the severity INFO, with some fields changed.
func alertBody(fields ...object) string {
	body := object{"id": "AllLogs.IPMonitoring", "severity": "INFO", "type": "RULE"}
	for _, f := range fields {
		for name, value := range f {
			body[name] = value
		}
	}
	return js(body)
}

// accept posts an alert that must be accepted.
func (h *harness) accept(t testing.TB, fields ...object) AcceptedAlert {
	t.Helper()
	return decode[AcceptedAlert](t, h.post(t, alertsPath, alertBody(fields...)), http.StatusAccepted)
}

// accept1 is accept for an alert that goes to one destination.
func (h *harness) accept1(t testing.TB, fields ...object) (alertID string, deliveryID uuid.UUID) {
	t.Helper()
	a := h.accept(t, fields...)
	if len(a.Deliveries) != 1 {
		t.Fatalf("goes to %d destinations, want 1", len(a.Deliveries))
	}
	return a.AlertID, a.Deliveries[0].ID
}

// await waits until a delivery has the status, and gets it.
func (h *harness) await(t testing.TB, id uuid.UUID, status DeliveryStatus) DeliveryDetails {
	t.Helper()
	h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Status == delivery.Status(status) })
	return h.delivery(t, id)
}

func (h *harness) awaitRow(t testing.TB, id uuid.UUID, ok func(delivery.Delivery) bool) {
	t.Helper()
	until(t, fmt.Sprintf("the delivery %s is as wanted", id), func() bool {
		v, err := h.db.Delivery(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return ok(v.Delivery)
	})
}

func (h *harness) delivery(t testing.TB, id uuid.UUID) DeliveryDetails {
	t.Helper()
	return decode[DeliveryDetails](t, h.get(t, deliveryPath(id)), http.StatusOK)
}

func (h *harness) alert(t testing.TB, alertID string) AlertDetails {
	t.Helper()
	return decode[AlertDetails](t, h.get(t, alertsPath+"/"+alertID), http.StatusOK)
}

// failed returns a delivery that failed after one attempt. The server must have
// been told to give up at once.
func (h *harness) failed(t testing.TB, fields ...object) uuid.UUID {
	t.Helper()
	_, id := h.accept1(t, fields...)
	h.await(t, id, DeliveryStatusFailed)
	return id
}

// compact writes JSON in one way, for comparing.
func compact(t testing.TB, raw []byte) object {
	t.Helper()
	var v object
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}
