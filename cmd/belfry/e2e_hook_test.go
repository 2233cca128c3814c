//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hook is a receiver that remembers what it got, by webhook-id.
type hook struct {
	url      string
	inFlight atomic.Int64
	answer   atomic.Pointer[http.HandlerFunc] // what it says to an alert it has read

	mu       sync.Mutex
	receipts map[string]*receipt
	strange  []string // what must not be
}

// receipt is what is known of one webhook-id.
type receipt struct {
	alertID  string
	body     []byte
	requests int
	acked    int
	at       time.Time // of the first ack
}

// newHook starts a receiver that answers 200.
func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{receipts: map[string]*receipt{}}
	h.says(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "success") })
	server := httptest.NewServer(h)
	h.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // a server under test may be stopped in its tracks
		server.Close()
		for _, s := range h.strange {
			t.Error(s)
		}
	})
	return h
}

func (h *hook) says(answer http.HandlerFunc) { h.answer.Store(&answer) }

// slow is an answer that takes its time, but not longer than the sender is there.
func slow(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			io.WriteString(w, "success")
		case <-r.Context().Done():
		}
	}
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inFlight.Add(1)
	defer h.inFlight.Add(-1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed
	}
	got := h.note(r.Header.Get("webhook-id"), body)
	kept := &keepStatus{ResponseWriter: w, status: http.StatusOK}
	(*h.answer.Load())(kept, r)
	if r.Context().Err() == nil && kept.status/100 == 2 {
		h.mu.Lock()
		defer h.mu.Unlock()
		if got.acked++; got.acked == 1 {
			got.at = time.Now()
		}
	}
}

type keepStatus struct {
	http.ResponseWriter
	status int
}

func (k *keepStatus) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

// note writes down a request. The same webhook-id must bring the same bytes.
func (h *hook) note(id string, body []byte) *receipt {
	var alert struct{ AlertID string }
	err := json.Unmarshal(body, &alert)
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.receipts[id]
	if got == nil {
		got = &receipt{alertID: alert.AlertID, body: body}
		h.receipts[id] = got
	}
	got.requests++
	switch {
	case err != nil, id == "", alert.AlertID == "":
		h.strange = append(h.strange, fmt.Sprintf("received webhook-id %q with %q", id, body))
	case !bytes.Equal(got.body, body):
		h.strange = append(h.strange, fmt.Sprintf("webhook-id %s came with two bodies:\n%s\n%s", id, got.body, body))
	}
	return got
}

// of returns what was received of a delivery.
func (h *hook) of(deliveryID string) receipt {
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.receipts[deliveryID]; got != nil {
		return *got
	}
	return receipt{}
}

// acked returns when each alert was first acknowledged.
func (h *hook) acked() map[string]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := map[string]time.Time{}
	for _, got := range h.receipts {
		if got.acked > 0 {
			at[got.alertID] = got.at
		}
	}
	return at
}

// repeats returns how many requests there were beyond one for each webhook-id.
func (h *hook) repeats() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, got := range h.receipts {
		n += got.requests - 1
	}
	return n
}

// awaitAcks waits until every one of the alerts was acknowledged, and returns
// when the last of them was.
func (h *hook) awaitAcks(t *testing.T, within time.Duration, alertIDs []string) (last time.Time) {
	t.Helper()
	eventually(t, within, func() string {
		at, missing := h.acked(), 0
		for _, id := range alertIDs {
			when, ok := at[id]
			if !ok {
				missing++
			} else if when.After(last) {
				last = when
			}
		}
		if missing == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d alerts were not delivered", missing, len(alertIDs))
	})
	return last
}
