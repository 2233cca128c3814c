package past

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

var deliveryColumns = []string{
	"id", "alert_id", "destination_id", "routed_by", "status", "reason", "run", "attempts", "max_attempts", "made",
	"last_attempt_id", "last_class", "last_status_code", "created_at", "first_ack_at", "finished_at",
}

var attemptColumns = []string{
	"id", "delivery_id", "destination_id", "run", "number", "trigger", "counted", "started_at", "duration_us", "dns_us",
	"connect_us", "tls_us", "first_byte_us", "body_us", "address", "class", "status_code", "request_headers",
	"response_headers", "body", "body_size", "truncated", "retried_stale", "stripped", "error",
}

// outcome is what came of an attempt.
type outcome struct {
	class string
	code  any // nil when no answer came
	body  string
	words string
}

var (
	ack      = outcome{"acked", 200, `{"status":"accepted"}`, ""}
	failures = []outcome{
		{"rejected", 503, `{"error":"service unavailable"}`, ""},
		{"rejected", 500, `{"error":"internal error"}`, ""},
		{"rejected", 429, `{"error":"too many requests"}`, ""},
		{"timeout", nil, "", "no answer within 15s"},
		{"refused", nil, "", "connection refused"},
	}
)

// delivery makes up the k-th delivery and its attempts.
func (p *past) delivery(k int, alertID, destinationID uuid.UUID, at time.Time, random *rand.Rand, to *seedRows) {
	id := idAt(at, random)
	n, acked := attemptsOf(k)
	routedBy := "filters"
	switch draw := random.IntN(50); {
	case draw == 0:
		routedBy = "manual"
	case draw < 5:
		routedBy = "override"
	}
	var (
		last          uuid.UUID
		got           outcome
		ended         time.Time
		status        = "failed"
		reason, ackAt any
		began, failed = at.Add(4 * time.Millisecond), failures[random.IntN(len(failures))]
	)
	for number := 1; number <= n; number++ {
		got = failed
		if acked && number == n {
			got = ack
		}
		last, ended = p.attempt(id, destinationID, number, began, got, random, to)
		if number < n {
			began = ended.Add(waits[number-1])
		}
	}
	if acked {
		status, ackAt = "delivered", ended
	} else {
		reason = "attempts_exhausted"
	}
	to.deliveries = append(to.deliveries, []any{
		id, alertID, destinationID, routedBy, status, reason, 1, n, 11, n,
		last, got.class, got.code, at, ackAt, ended,
	})
}

// attempt makes up an attempt and returns its id and when it ended.
func (p *past) attempt(deliveryID, destinationID uuid.UUID, number int, began time.Time, got outcome,
	random *rand.Rand, to *seedRows,
) (uuid.UUID, time.Time) {
	id := idAt(began, random)
	took := time.Duration(5+random.IntN(400)) * time.Millisecond
	received := "[]"
	if got.class == "timeout" {
		took = 15 * time.Second
	}
	if got.code != nil {
		received = `[{"name":"Content-Type","value":"application/json"},{"name":"Date","value":"` +
			began.Format(time.RFC1123) + `"},{"name":"Content-Length","value":"` + fmt.Sprint(len(got.body)) + `"}]`
	}
	us := took.Microseconds()
	to.attempts = append(to.attempts, []any{
		id, deliveryID, destinationID, 1, number, "automatic", true, began, us, int64(0), int64(400), int64(900),
		us * 9 / 10, us / 100, "203.0.113.80:443", got.class, got.code,
		`[{"name":"webhook-id","value":"` + deliveryID.String() + `"},{"name":"webhook-timestamp","value":"` +
			fmt.Sprint(began.Unix()) + `"},{"name":"Belfry-Attempt","value":"` + fmt.Sprint(number) +
			`"},{"name":"webhook-signature","value":"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},` +
			`{"name":"Content-Type","value":"application/json"},{"name":"User-Agent","value":"Belfry/1.0.0"}]`,
		received, []byte(got.body), int64(len(got.body)), false, false, false, got.words,
	})
	return id, began.Add(took)
}
