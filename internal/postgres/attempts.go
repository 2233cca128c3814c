package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// attemptFacts are the columns of an attempt but for its body.
const attemptFacts = `x.id, x.delivery_id, x.destination_id, x.run, x.number, x.trigger, x.requested_by, x.counted,
	x.started_at, x.duration_us, x.dns_us, x.connect_us, x.tls_us, x.first_byte_us, x.body_us, x.address, x.class,
	x.status_code, x.request_headers, x.response_headers, x.body_size, x.retried_stale, x.stripped, x.error,
	x.response_storage, x.headers_truncated, x.request_method, x.request_url, x.payload_version, x.request_body, x.request_body_size,
	x.wait_reason, x.waited_us`

const insertAttempts = `
		INSERT INTO attempts (id, delivery_id, destination_id, run, number, trigger, requested_by, counted, started_at,
			duration_us, dns_us, connect_us, tls_us, first_byte_us, body_us, address, class, status_code,
			request_headers, response_headers, body, body_size, truncated, retried_stale, stripped, error,
			response_storage, headers_truncated, request_method, request_url, payload_version, request_body, request_body_size,
			wait_reason, waited_us)
		SELECT id, delivery_id, destination_id, run, number, trigger, requested_by, counted, started_at,
			duration_us, dns_us, connect_us, tls_us, first_byte_us, body_us, address, class, status_code,
			request_headers, response_headers, body, body_size, truncated, retried_stale, stripped, error,
			response_storage, headers_truncated, request_method, request_url, payload_version, request_body, request_body_size,
			wait_reason, waited_us
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::integer[], $6::text[], $7::text[],
			$8::boolean[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
			$15::bigint[], $16::text[], $17::text[], $18::integer[], $19::text[], $20::text[], $21::bytea[],
			$22::bigint[], $23::boolean[], $24::boolean[], $25::boolean[], $26::text[],
			$27::text[], $28::boolean[], $29::text[], $30::text[], $31::smallint[], $32::bytea[], $33::bigint[],
			$34::text[], $35::bigint[])
			AS u (id, delivery_id, destination_id, run, number, trigger, requested_by, counted, started_at,
			duration_us, dns_us, connect_us, tls_us, first_byte_us, body_us, address, class, status_code,
			request_headers, response_headers, body, body_size, truncated, retried_stale, stripped, error,
			response_storage, headers_truncated, request_method, request_url, payload_version, request_body, request_body_size,
			wait_reason, waited_us)`

// attemptRows returns the columns that insertAttempts takes.
func attemptRows(as []delivery.Attempt) []any {
	c := newColumns(35)
	for i := range as {
		a := &as[i]
		c.id(a.ID)
		c.idOrNull(a.DeliveryID)
		c.id(a.DestinationID)
		c.int4(a.Run)
		c.int4(a.Number)
		c.text(string(a.Trigger))
		c.textOrNull(a.RequestedBy)
		c.bool(a.Counted)
		c.time(a.StartedAt)
		for _, d := range [...]time.Duration{
			a.Duration, a.Timing.DNS, a.Timing.Connect, a.Timing.TLS, a.Timing.FirstByte, a.Timing.Body,
		} {
			c.int8(d.Microseconds())
		}
		c.text(a.Address)
		c.text(string(a.Class))
		c.int4OrNull(a.StatusCode)
		c.text(headerText(a.RequestHeaders))
		c.text(headerText(a.ResponseHeaders))
		c.bytes(a.Body)
		c.int8(a.BodySize)
		c.bool(a.Truncated)
		c.bool(a.RetriedStale)
		c.bool(a.Stripped)
		c.text(a.Error)
		c.text(string(cmp.Or(a.ResponseStorage, destination.StoreFull)))
		c.bool(a.HeadersTruncated)
		c.textOrNull(a.Sent.Method)
		c.textOrNull(a.Sent.URL)
		c.int2OrNull(a.Sent.Payload)
		c.bytesOrNull(a.Sent.Body)
		c.int8OrNull(a.Sent.BodySize)
		c.textOrNull(string(a.WaitReason))
		c.int8OrNull(a.Waited.Microseconds())
	}
	return c.args()
}

// headerText writes headers as JSON. It is stored as text: a header may hold
// what Postgres' own JSON would refuse.
func headerText(headers []outbound.Header) string {
	if len(headers) == 0 {
		return "[]"
	}
	b, err := json.Marshal(headers)
	if err != nil {
		return "[]" // cannot be: two strings each
	}
	return string(b)
}

func scanAttempt(row pgx.CollectableRow) (delivery.Attempt, error) {
	var (
		a         delivery.Attempt
		times     [6]int64
		sent, got string
		waited    int64
	)
	err := row.Scan(&a.ID, (*zeronull.UUID)(&a.DeliveryID), &a.DestinationID, &a.Run, &a.Number, &a.Trigger,
		(*zeronull.Text)(&a.RequestedBy), &a.Counted, &a.StartedAt, &times[0], &times[1], &times[2], &times[3],
		&times[4], &times[5], &a.Address, &a.Class, (*nullInt)(&a.StatusCode), &sent, &got, &a.BodySize,
		&a.RetriedStale, &a.Stripped, &a.Error,
		&a.ResponseStorage, &a.HeadersTruncated, (*zeronull.Text)(&a.Sent.Method), (*zeronull.Text)(&a.Sent.URL),
		(*nullInt)(&a.Sent.Payload), &a.Sent.Body, (*zeronull.Int8)(&a.Sent.BodySize),
		(*zeronull.Text)(&a.WaitReason), (*zeronull.Int8)(&waited), &a.Body, &a.Truncated)
	if err != nil {
		return a, err
	}
	for i, d := range [6]*time.Duration{&a.Duration, &a.Timing.DNS, &a.Timing.Connect, &a.Timing.TLS, &a.Timing.FirstByte, &a.Timing.Body} {
		*d = time.Duration(times[i]) * time.Microsecond
	}
	a.Waited = time.Duration(waited) * time.Microsecond
	if err := json.Unmarshal([]byte(sent), &a.RequestHeaders); err != nil {
		return a, fmt.Errorf("decode request headers: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &a.ResponseHeaders); err != nil {
		return a, fmt.Errorf("decode response headers: %w", err)
	}
	return a, nil
}

// AttemptsOf returns every attempt of a delivery, oldest first.
func (q queries) AttemptsOf(ctx context.Context, deliveryID uuid.UUID) ([]delivery.Attempt, error) {
	const query = `
		SELECT ` + attemptFacts + `, x.body, x.truncated
		FROM attempts x
		WHERE x.delivery_id = $1 AND x.id >= $2
		ORDER BY x.number`
	return q.attempts(ctx, query, deliveryID, firstAttempt(deliveryID))
}

// firstAttempt is less than the id of any attempt of a delivery. The delivery's own id is
// older than its attempts, but its clock may have been a day ahead. The bound keeps older
// partitions out of the plan.
func firstAttempt(deliveryID uuid.UUID) uuid.UUID {
	if deliveryID.Version() != 7 {
		return uuid.Nil
	}
	return idAt(time.Unix(deliveryID.Time().UnixTime()).Add(-24 * time.Hour))
}

// AttemptsByID returns attempts by id, each with at most maxBody bytes of its
// body; what that cuts off counts as truncated.
func (q queries) AttemptsByID(ctx context.Context, ids []uuid.UUID, maxBody int) (map[uuid.UUID]delivery.Attempt, error) {
	const query = `
		SELECT ` + attemptFacts + `, substring(x.body FROM 1 FOR $2), x.truncated OR octet_length(x.body) > $2
		FROM attempts x
		WHERE x.id = ANY($1)`
	list, err := q.attempts(ctx, query, ids, maxBody)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]delivery.Attempt, len(list))
	for _, a := range list {
		found[a.ID] = a
	}
	return found, nil
}

func (q queries) attempts(ctx context.Context, query string, args ...any) ([]delivery.Attempt, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select attempts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanAttempt)
	if err != nil {
		return nil, fmt.Errorf("select attempts: %w", err)
	}
	return list, nil
}
