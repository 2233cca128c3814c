package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// payload is what a receiver gets: the twelve fields of the seeds in their
// order, then the context if the alert has one.
type payload struct {
	ID          string          `json:"id"`
	CreatedAt   string          `json:"createdAt"`
	Severity    Severity        `json:"severity"`
	Type        Type            `json:"type"`
	Link        string          `json:"link"`
	Title       string          `json:"title"`
	Name        string          `json:"name"`
	AlertID     string          `json:"alertId"`
	Description string          `json:"description"`
	Runbook     string          `json:"runbook"`
	Tags        []string        `json:"tags"`
	Version     string          `json:"version"`
	Context     json.RawMessage `json:"alertContext,omitempty"`
}

// PayloadVersion is the version of what Payload writes. Attempts store it, so that
// what was sent then is not shown in a form of later: whoever changes one byte of the
// form raises it, and keeps a way to write the former ones or gives them up.
const PayloadVersion = 1

// Payload returns the JSON that a receiver gets of the alert. The same alert
// gives the same bytes every time, so that a retry repeats the first attempt.
// CreatedAt has as many fraction digits as it needs, at most nine. It errs
// only for a Context that is not JSON, which Parse never returns.
func (a Alert) Payload() ([]byte, error) {
	if a.written == nil {
		return a.write()
	}
	a.written.once.Do(func() { a.written.payload, a.written.err = a.write() })
	return a.written.payload, a.written.err
}

// KeepPayload has the alert and its copies write their payload once, when it is
// first asked for, and keep it: it is the same for every receiver. Nobody may
// change the alert, or what Payload returns, from then on.
func (a *Alert) KeepPayload() { a.written = new(written) }

// written is a payload that copies of an alert share.
type written struct {
	once    sync.Once
	payload []byte
	err     error
}

func (a Alert) write() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // a link must be readable where it is shown
	err := encoder.Encode(payload{
		ID:          a.DetectionID,
		CreatedAt:   a.CreatedAt.UTC().Format(time.RFC3339Nano),
		Severity:    a.Severity,
		Type:        a.Type,
		Link:        a.Link,
		Title:       a.Title,
		Name:        a.Name,
		AlertID:     a.AlertID,
		Description: a.Description,
		Runbook:     a.Runbook,
		Tags:        orEmpty(a.Tags),
		Version:     a.Version,
		Context:     a.Context,
	})
	if err != nil {
		return nil, fmt.Errorf("encode payload of alert %q: %w", a.AlertID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
