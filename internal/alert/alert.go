// Package alert defines what a producer asks us to deliver: the alert, the
// rules its JSON must obey, and the JSON a receiver gets of it.
package alert

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Severity ranks an alert.
type Severity string

// The severities, lowest first.
const (
	Info     Severity = "INFO"
	Low      Severity = "LOW"
	Medium   Severity = "MEDIUM"
	High     Severity = "HIGH"
	Critical Severity = "CRITICAL"
)

var severities = []Severity{Info, Low, Medium, High, Critical}

// Severities returns every severity, lowest first. The caller owns the slice.
func Severities() []Severity {
	return slices.Clone(severities)
}

// Type says what sort of detection raised an alert.
type Type string

// The types, as the seeds' product names them.
const (
	Rule                 Type = "RULE"
	RuleError            Type = "RULE_ERROR"
	ScheduledRule        Type = "SCHEDULED_RULE"
	ScheduledRuleError   Type = "SCHEDULED_RULE_ERROR"
	CorrelationRule      Type = "CORRELATION_RULE"
	CorrelationRuleError Type = "CORRELATION_RULE_ERROR"
	Policy               Type = "POLICY"
	SystemError          Type = "SYSTEM_ERROR"
)

var types = []Type{
	Rule, RuleError, ScheduledRule, ScheduledRuleError,
	CorrelationRule, CorrelationRuleError, Policy, SystemError,
}

// Types returns every type. The caller owns the slice.
func Types() []Type {
	return slices.Clone(types)
}

// Alert is what a producer asks us to deliver. It never changes after it is
// accepted.
type Alert struct {
	ID          uuid.UUID // ours, set at accept: zero after Parse
	DetectionID string    // "id" in JSON: the detection's, as in the seeds
	AlertID     string
	CreatedAt   time.Time // the producer's word, in UTC with its nanoseconds
	Severity    Severity
	Type        Type
	Link        string
	Title       string
	Name        string
	Description string
	Runbook     string
	Version     string
	Tags        []string // never nil after Parse
	LogTypes    []string // never nil after Parse; each once
	// Context is the object "alertContext" as the producer wrote it, without
	// the white space between its tokens; nil when the alert has none.
	Context json.RawMessage
	// Override is "destinations": ids or display names, each once. Nil when
	// absent; a pointer to an empty slice when present and empty, which means
	// unrouted.
	Override *[]string
	// Altered are the places where a character that cannot be stored was replaced
	// by U+FFFD: "title", "alertContext.lines[2]". Nil when there is none.
	Altered    []string
	InputHash  []byte    // SHA-256 of what the producer sent: 32 bytes
	AcceptedAt time.Time // ours

	written *written // nil unless KeepPayload was called
}

// Sample returns the alert of a test send. The caller sets CreatedAt, AlertID
// and Link.
func Sample(severity Severity, typ Type) Alert {
	return Alert{
		DetectionID: "Belfry.Test",
		Severity:    severity,
		Type:        typ,
		Title:       "Test alert from Belfry",
		Name:        "Belfry test",
		Description: "Somebody asked Belfry to send a test alert to this destination. Nothing was detected.",
		Runbook:     "There is nothing to do: if you can read this, the destination works.",
		Version:     "1",
		Tags:        []string{"test"},
		LogTypes:    []string{},
	}
}
