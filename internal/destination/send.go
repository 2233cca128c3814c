package destination

import (
	"context"
	"errors"
	"time"

	"belfry/internal/outbound"
)

// Meaning is what an answer means for its delivery.
type Meaning struct {
	Verdict Verdict
	// Wait is for how long the destination asks to be left alone; 0 for what the
	// answer's Retry-After says.
	Wait time.Duration
	// Why says in words, without secrets, what is wrong; "" when the status says it.
	Why string
}

// Verdict says whether an answered delivery is done, or whether another try can do better.
type Verdict string

// The verdicts.
const (
	Ack   Verdict = "ack"
	Retry Verdict = "retry" // it may heal: there is another try while there is budget
	// Never means that no other try can do better: the delivery fails at once, as
	// rejected, and goes out again only if a person asks for it.
	Never Verdict = "never"
)

// ByStatus is what an answer means to most: any 2xx is an ack, and everything else
// is tried again.
func ByStatus(r outbound.Result) Meaning {
	if r.Class == outbound.Acked {
		return Meaning{Verdict: Ack}
	}
	return Meaning{Verdict: Retry}
}

var (
	errPayload  = errors.New("the alert cannot be written as JSON")
	errUnsigned = errors.New("there is no secret to sign with")
)

// Send makes one attempt and never fails: what went wrong is in the result.
func Send(ctx context.Context, client *outbound.Client, s Settings, m Message) outbound.Result {
	request, err := s.Request(m)
	switch {
	case errors.Is(err, errUnsigned):
		return outbound.Result{Class: outbound.Interrupted, StartedAt: m.SentAt, Error: errUnsigned.Error()}
	case errors.Is(err, errPayload):
		return outbound.Result{Class: outbound.Protocol, StartedAt: m.SentAt, Error: errPayload.Error()}
	case err != nil: // its words may hold what nobody may see
		return outbound.Result{Class: outbound.Protocol, StartedAt: m.SentAt, Error: "the alert cannot be written as the destination wants it"}
	}
	r := client.Post(ctx, request)
	if r.StatusCode == 0 {
		return r
	}
	return judged(r, s.Judge(r))
}

// judged is a result with what its answer means.
func judged(r outbound.Result, m Meaning) outbound.Result {
	switch {
	case m.Verdict == Ack:
		r.Class = outbound.Acked
	case r.Class == outbound.Acked:
		r.Class = outbound.Rejected
	}
	r.NeverHeals = m.Verdict == Never
	if m.Wait > 0 {
		r.RetryAfter = m.Wait
	}
	if m.Why != "" {
		r.Error = m.Why
	}
	return r
}
