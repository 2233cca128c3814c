package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
)

const healthColumns = `h.destination_id, h.failures, h.failed_deliveries, h.failing_since, h.held_since, h.probes,
	h.next_probe_at, h.probe_delivery_id, h.probe_until, h.slow_until, h.last_ack_at, h.last_failure_at, h.last_class,
	h.last_status_code, h.last_error, h.unacked, h.unacked_at`

func scanHealth(row pgx.CollectableRow) (delivery.Health, error) {
	var h delivery.Health
	err := row.Scan(&h.DestinationID, &h.Failures, &h.FailedDeliveries, (*zeronull.Timestamptz)(&h.FailingSince),
		(*zeronull.Timestamptz)(&h.HeldSince), &h.Probes, (*zeronull.Timestamptz)(&h.NextProbeAt),
		(*zeronull.UUID)(&h.Probing), (*zeronull.Timestamptz)(&h.ProbeUntil), (*zeronull.Timestamptz)(&h.SlowUntil),
		(*zeronull.Timestamptz)(&h.LastAckAt), (*zeronull.Timestamptz)(&h.LastFailureAt), (*zeronull.Text)(&h.LastClass),
		(*nullInt)(&h.LastCode), &h.LastError, &h.Unacked, (*zeronull.Timestamptz)(&h.UnackedAt))
	return h, err
}

const lockHealths = `
	SELECT ` + healthColumns + `
	FROM destination_health h
	WHERE h.destination_id = ANY($1)
	ORDER BY h.destination_id
	FOR NO KEY UPDATE`

// Healths returns the health of destinations. A destination that was never tried is
// missing.
func (q queries) Healths(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]delivery.Health, error) {
	const query = `
		SELECT ` + healthColumns + `
		FROM destination_health h
		WHERE h.destination_id = ANY($1)`
	return q.healths(ctx, query, ids)
}

// LockHealth returns the health of a destination, locked, or ErrLocked if
// another replica has it, or if there is none.
func (tx *Tx) LockHealth(ctx context.Context, id uuid.UUID) (delivery.Health, error) {
	const query = `
		SELECT ` + healthColumns + `
		FROM destination_health h
		WHERE h.destination_id = $1
		FOR NO KEY UPDATE SKIP LOCKED`
	found, err := tx.healths(ctx, query, id)
	if err != nil {
		return delivery.Health{}, err
	}
	h, ok := found[id]
	if !ok {
		return h, ErrLocked
	}
	return h, nil
}

func (q queries) healths(ctx context.Context, query string, args ...any) (map[uuid.UUID]delivery.Health, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select destination health: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanHealth)
	if err != nil {
		return nil, fmt.Errorf("select destination health: %w", err)
	}
	found := make(map[uuid.UUID]delivery.Health, len(list))
	for _, h := range list {
		found[h.DestinationID] = h
	}
	return found, nil
}

const upsertHealths = `
	INSERT INTO destination_health (destination_id, failures, failed_deliveries, failing_since, held_since, probes,
		next_probe_at, probe_delivery_id, probe_until, slow_until, last_ack_at, last_failure_at, last_class,
		last_status_code, last_error, unacked, unacked_at)
	SELECT id, failures, failed::uuid[], failing_since, held_since, probes, next_probe_at, probing, probe_until,
		slow_until, last_ack_at, last_failure_at, class, code, error, unacked, unacked_at
	FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::integer[],
		$7::timestamptz[], $8::uuid[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
		$13::text[], $14::integer[], $15::text[], $16::integer[], $17::timestamptz[])
		AS u (id, failures, failed, failing_since, held_since, probes, next_probe_at, probing, probe_until,
		slow_until, last_ack_at, last_failure_at, class, code, error, unacked, unacked_at)
	ON CONFLICT (destination_id) DO UPDATE
	SET failures = excluded.failures, failed_deliveries = excluded.failed_deliveries,
	    failing_since = excluded.failing_since, held_since = excluded.held_since,
	    probes = excluded.probes, next_probe_at = excluded.next_probe_at,
	    probe_delivery_id = excluded.probe_delivery_id, probe_until = excluded.probe_until,
	    slow_until = excluded.slow_until, last_ack_at = excluded.last_ack_at,
	    last_failure_at = excluded.last_failure_at, last_class = excluded.last_class,
	    last_status_code = excluded.last_status_code, last_error = excluded.last_error,
	    unacked = excluded.unacked, unacked_at = excluded.unacked_at`

// healthRows returns the columns that upsertHealths takes.
func healthRows(list []delivery.Health) []any {
	c := newColumns(17)
	for i := range list {
		h := &list[i]
		c.id(h.DestinationID)
		c.int4(h.Failures)
		c.text(uuidArrayText(h.FailedDeliveries))
		c.timeOrNull(h.FailingSince)
		c.timeOrNull(h.HeldSince)
		c.int4(h.Probes)
		c.timeOrNull(h.NextProbeAt)
		c.idOrNull(h.Probing)
		c.timeOrNull(h.ProbeUntil)
		c.timeOrNull(h.SlowUntil)
		c.timeOrNull(h.LastAckAt)
		c.timeOrNull(h.LastFailureAt)
		c.textOrNull(string(h.LastClass))
		c.int4OrNull(h.LastCode)
		c.text(h.LastError)
		c.int4(h.Unacked)
		c.timeOrNull(h.UnackedAt)
	}
	return c.args()
}

// SaveHealth stores what a caller that holds the row's lock changed.
func (tx *Tx) SaveHealth(h delivery.Health) {
	tx.pipeline.later("save destination health", upsertHealths, healthRows([]delivery.Health{h})...)
}

// ProbeNow makes the next probe of a destination due whose deliveries are held as
// failing, unless one is under way.
func (tx *Tx) ProbeNow(ctx context.Context, id uuid.UUID, now time.Time) error {
	const query = `
		UPDATE destination_health
		SET next_probe_at = $2
		WHERE destination_id = $1 AND held_since IS NOT NULL AND next_probe_at > $2
		  AND (probe_until IS NULL OR probe_until <= $2)`
	if _, err := tx.q.Exec(ctx, query, id, now); err != nil {
		return fmt.Errorf("bring probe forward: %w", err)
	}
	return nil
}

// Failing returns the destinations whose deliveries are held as failing.
func (q queries) Failing(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		SELECT destination_id
		FROM destination_health
		WHERE held_since IS NOT NULL`
	return q.ids(ctx, query)
}

// ForgiveUnheld takes destinations for healthy whose deliveries are no longer to be held
// as failing. Nobody is told: nothing was heard from them.
func (q queries) ForgiveUnheld(ctx context.Context) error {
	const query = `
		UPDATE destination_health h
		SET failures = 0, failed_deliveries = '{}', failing_since = NULL, held_since = NULL, probes = 0,
		    next_probe_at = NULL, probe_delivery_id = NULL, probe_until = NULL, announced = false, unacked = 0,
		    unacked_at = NULL
		WHERE h.destination_id IN (
			SELECT u.destination_id
			FROM destination_health u
			JOIN destinations t ON t.id = u.destination_id
			WHERE NOT t.hold_failing AND u.held_since IS NOT NULL
			ORDER BY u.destination_id
			FOR NO KEY UPDATE OF u SKIP LOCKED)`
	if _, err := q.q.Exec(ctx, query); err != nil {
		return fmt.Errorf("forgive destinations: %w", err)
	}
	return nil
}

// maxHeld is how far HeldCounts counts.
const maxHeld = 10_000

// HeldCounts counts the held deliveries of destinations by reason, each up to
// 10,000.
func (q queries) HeldCounts(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]map[delivery.Reason]int, error) {
	const query = `
		SELECT t.id, r.reason, c.n
		FROM unnest($1::uuid[]) AS t (id)
		CROSS JOIN unnest($3::text[]) AS r (reason)
		CROSS JOIN LATERAL (
			SELECT count(*) AS n
			FROM (
				SELECT FROM deliveries d
				WHERE d.status = 'held' AND d.destination_id = t.id AND d.reason = r.reason
				LIMIT $2) AS counted) AS c
		WHERE c.n > 0`
	rows, err := q.q.Query(ctx, query, ids, maxHeld, delivery.HoldReasons())
	if err != nil {
		return nil, fmt.Errorf("count held deliveries: %w", err)
	}
	var (
		id uuid.UUID
		r  delivery.Reason
		n  int
	)
	found := map[uuid.UUID]map[delivery.Reason]int{}
	_, err = pgx.ForEachRow(rows, []any{&id, &r, &n}, func() error {
		if found[id] == nil {
			found[id] = map[delivery.Reason]int{}
		}
		found[id][r] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count held deliveries: %w", err)
	}
	return found, nil
}

// A list within a row goes as the text of an array, because unnest would flatten
// it.
func uuidArrayText(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return "{" + strings.Join(texts, ",") + "}"
}

func intArrayText(ns []int32) string {
	b := []byte{'{'}
	for i, n := range ns {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, '}'))
}
