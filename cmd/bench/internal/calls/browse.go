package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Browse times every list, with the filters people use, and every call for one
// thing.
func (c Client) Browse(ctx context.Context, to Destination, now time.Time) ([]Timed, error) {
	week := url.Values{
		"from": {now.AddDate(0, 0, -10).Format(time.RFC3339)},
		"to":   {now.AddDate(0, 0, -3).Format(time.RFC3339)},
	}
	deliveries := append(deliveryFilters(to), week)
	var all []Timed
	for _, list := range []struct {
		path    string
		filters []url.Values
	}{
		{"/api/v1/alerts", append(alertFilters(to), week)},
		{"/api/v1/deliveries", deliveries},
		{"/api/v1/destinations", []url.Values{{}, {"q": {"destination"}}}},
		{"/api/v1/bulk-resends", []url.Values{{}}},
		{"/api/v1/audit", []url.Values{{}, {"subjectType": {"destination"}}}},
	} {
		for _, f := range list.filters {
			calls, err := c.timeList(ctx, list.path, f)
			if err != nil {
				return all, err
			}
			all = append(all, calls...)
		}
	}
	for _, f := range deliveries {
		if f.Has("status") {
			continue // which is what is counted by
		}
		const path = "/api/v1/deliveries/counts"
		call, err := c.timeCalls(ctx, label(path, f), path+"?"+f.Encode())
		if err != nil {
			return all, err
		}
		all = append(all, call)
	}
	details, err := c.browseDetails(ctx, to)
	return append(all, details...), err
}

// alertFilters are what alerts are searched by, what is rare or missing too.
func alertFilters(to Destination) []url.Values {
	return []url.Values{
		{},
		{"severity": {"CRITICAL"}},
		{"type": {"POLICY"}},
		{"logType": {"Okta.SystemLog"}},
		{"deliveryStatus": {"failed"}},
		{"deliveryStatus": {"queued,retrying,held"}},
		{"unrouted": {"true"}},
		{"destinationId": {to.ID}},
		{"q": {"okta"}},
		{"q": {"nothing has this"}},
		{"severity": {"HIGH,CRITICAL"}, "deliveryStatus": {"failed"}, "destinationId": {to.ID}},
	}
}

// deliveryFilters are what deliveries are searched by.
func deliveryFilters(to Destination) []url.Values {
	return []url.Values{
		{},
		{"status": {"delivered"}},
		{"status": {"failed"}},
		{"status": {"queued,retrying,held"}},
		{"status": {"cancelled"}},
		{"reason": {"attempts_exhausted"}},
		{"destinationId": {to.ID}},
		{"destinationId": {to.ID}, "status": {"failed"}},
		{"class": {"timeout"}},
		{"statusCode": {"429"}},
		{"statusCode": {"404"}},
		{"routedBy": {"manual"}},
		{"severity": {"CRITICAL"}},
		{"type": {"POLICY"}},
	}
}

// browseDetails times the calls for one thing, each on fifty of them.
func (c Client) browseDetails(ctx context.Context, to Destination) ([]Timed, error) {
	paths := map[string][]string{
		"GET /api/v1/destinations/{id}":        {"/api/v1/destinations/" + to.ID},
		"GET /api/v1/destinations/{id}/health": {"/api/v1/destinations/" + to.ID + "/health"},
		"GET /api/v1/destinations/health":      {"/api/v1/destinations/health"},
		"GET /api/v1/server":                   {"/api/v1/server"},
		"GET /api/v1/session":                  {"/api/v1/session"},
		"GET /api/v1/tokens":                   {"/api/v1/tokens"},
		"GET /healthz":                         {"/healthz"},
		"GET /readyz":                          {"/readyz"},
		"GET /metrics":                         {"/metrics"},
	}
	var p page
	if _, err := c.Call(ctx, http.MethodGet, "/api/v1/deliveries?status=failed&limit=50", nil, &p); err != nil {
		return nil, err
	}
	for _, raw := range p.Items {
		var d struct {
			ID, AlertID string
			LastAttempt struct{ ID string }
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("read a delivery: %w", err)
		}
		add := func(what, path string) { paths["GET "+what] = append(paths["GET "+what], path) }
		add("/api/v1/alerts/{alertId}", "/api/v1/alerts/"+d.AlertID)
		add("/api/v1/alerts/{alertId}/route", "/api/v1/alerts/"+d.AlertID+"/route")
		add("/api/v1/deliveries?alertId=…", "/api/v1/deliveries?alertId="+d.AlertID)
		add("/api/v1/deliveries/{id}", "/api/v1/deliveries/"+d.ID)
		add("/api/v1/deliveries/{id}/attempts/{attemptId}", "/api/v1/deliveries/"+d.ID+"/attempts/"+d.LastAttempt.ID)
	}
	var all []Timed
	for what, each := range paths {
		call, err := c.timeCalls(ctx, what, each...)
		if err != nil {
			return all, err
		}
		all = append(all, call)
	}
	return all, nil
}
