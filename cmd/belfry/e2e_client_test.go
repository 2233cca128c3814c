//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// client calls a server. It stays the same when the server moves.
type client struct {
	base  atomic.Pointer[string]
	token string
	http  http.Client
}

func newClient(t *testing.T, base, token string) *client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	c := &client{token: token, http: http.Client{
		Transport:     transport,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.base.Store(&base)
	return c
}

// moveTo sends all further calls to another server.
func (c *client) moveTo(base string) { c.base.Store(&base) }

// reply is what a call was answered with.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// try makes a call that may fail. A nil body sends none.
func (c *client) try(ctx context.Context, method, path string, body any) (reply, error) {
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, *c.base.Load()+path, r)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, answer}, err
}

// call makes a call that must be answered with the status, and reads the answer
// into out unless that is nil.
func (c *client) call(t *testing.T, want int, method, path string, body, out any) reply {
	t.Helper()
	r, err := c.try(t.Context(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if r.status != want {
		t.Fatalf("%s %s = %d %s, want %d", method, path, r.status, r.body, want)
	}
	if out != nil {
		if err := json.Unmarshal(r.body, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, r.body)
		}
	}
	return r
}

// The parts of answers that the tests look at.
type (
	destinationView struct {
		ID            string
		DisplayName   string
		SigningSecret string
	}
	deliveryView struct {
		ID, AlertID, Status, Reason string
		Destination                 destinationView
		Run, Attempts, MaxAttempts  int
		FinishedAt                  string
		LastAttempt                 *attemptView
		Runs                        []struct {
			Run         int
			Trigger     string
			RequestedBy *string
		}
		AttemptHistory []attemptView
	}
	attemptView struct {
		ID, Trigger, Class, Error string
		Number, Run               int
		StatusCode                *int
		Counted                   bool
		ResponseBody              *string
		ResponseTruncated         bool
		ResponseSize              int64
	}
	acceptedView struct {
		AlertID    string
		Deliveries []deliveryView
	}
	countsView struct {
		Queued, Retrying, Held, Delivered, Failed, Cancelled int
		Capped                                               bool // any of them
	}
)

func (a attemptView) code() int {
	if a.StatusCode == nil {
		return 0
	}
	return *a.StatusCode
}

func (a attemptView) body() string {
	if a.ResponseBody == nil {
		return ""
	}
	return *a.ResponseBody
}

var allSeverities = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// destination creates one that takes every alert.
func (c *client) destination(t *testing.T, name, hookURL string, headers ...header) destinationView {
	t.Helper()
	var d destinationView
	c.call(t, http.StatusCreated, http.MethodPost, "/api/v1/destinations", map[string]any{
		"displayName": name, "type": "webhook", "severities": allSeverities,
		"settings": map[string]any{"url": hookURL, "headers": append([]header{}, headers...)},
	}, &d)
	return d
}

// newAlert is an alert as a producer writes it.
func newAlert(alertID string) map[string]any {
	return map[string]any{
		"id": "AllLogs.IPMonitoring", "severity": "HIGH", "type": "RULE", "alertId": alertID,
		"title": "Suspicious traffic " + alertID, "tags": []string{"Network Monitoring"},
		"alertContext": map[string]any{"sourceIp": "203.0.113.7"},
	}
}

// alert posts one.
func (c *client) alert(t *testing.T, alertID string) acceptedView {
	t.Helper()
	var a acceptedView
	c.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/alerts", newAlert(alertID), &a)
	return a
}

// delivery returns one with all of its attempts.
func (c *client) delivery(t *testing.T, id string) deliveryView {
	t.Helper()
	var d deliveryView
	c.call(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries/"+id, nil, &d)
	return d
}

// awaitStatus waits until a delivery has a status in a run.
func (c *client) awaitStatus(t *testing.T, id, status string, run int) deliveryView {
	t.Helper()
	var d deliveryView
	eventually(t, 40*time.Second, func() string {
		if d = c.delivery(t, id); d.Status == status && d.Run == run {
			return ""
		}
		return fmt.Sprintf("delivery %s is %s in run %d, want %s in run %d: %+v", id, d.Status, d.Run, status, run, d)
	})
	return d
}

func (c *client) counts(t *testing.T) countsView {
	t.Helper()
	var of map[string]struct {
		Count  int
		Capped bool
	}
	c.call(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries/counts", nil, &of)
	counts := countsView{
		Queued: of["queued"].Count, Retrying: of["retrying"].Count, Held: of["held"].Count,
		Delivered: of["delivered"].Count, Failed: of["failed"].Count, Cancelled: of["cancelled"].Count,
	}
	for _, c := range of {
		counts.Capped = counts.Capped || c.Capped
	}
	return counts
}

// deliveries returns every one, or those with one of some statuses, page by page.
func (c *client) deliveries(t *testing.T, statuses ...string) []deliveryView {
	t.Helper()
	path := "/api/v1/deliveries?limit=200"
	if len(statuses) > 0 {
		path += "&status=" + strings.Join(statuses, ",")
	}
	var all []deliveryView
	for cursor := ""; ; {
		var page struct {
			Items      []deliveryView
			NextCursor *string
		}
		c.call(t, http.StatusOK, http.MethodGet, path+"&cursor="+url.QueryEscape(cursor), nil, &page)
		all = append(all, page.Items...)
		if page.NextCursor == nil {
			return all
		}
		cursor = *page.NextCursor
	}
}
