// Package calls calls Belfry's API, and times every kind of call that people make.
package calls

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client calls Belfry's API for the scenarios; the load has its own.
type Client struct {
	Base, Token string
}

// Destination is one that a scenario made, and where it receives.
type Destination struct {
	ID      string
	LogType string // alerts with it go there
	Path    string // at the receiver
}

// NewDestination makes a webhook that takes the alerts of one log type.
func (c Client) NewDestination(ctx context.Context, name, logType, url string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"displayName": name, "type": "webhook", "severities": []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"},
		"logTypes": []string{logType}, "settings": map[string]any{"url": url},
	})
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	if _, err := c.Call(ctx, http.MethodPost, "/api/v1/destinations", body, &made); err != nil {
		return "", fmt.Errorf("create destination %s: %w", name, err)
	}
	return made.ID, nil
}

// Call makes a call that must go well, reads its answer into out unless that is
// nil, and returns how long it took to the last byte of the answer.
func (c Client) Call(ctx context.Context, method, path string, body []byte, out any) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("call %s %s: %w", method, path, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	if err != nil {
		return took, fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return took, fmt.Errorf("%s %s was answered with %d: %.300s", method, path, resp.StatusCode, answer)
	}
	if out == nil {
		return took, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return took, fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return took, nil
}
