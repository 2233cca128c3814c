package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

// The plainest statements that say what the lists are: each reads all there is.
const (
	plainAlerts = `
		SELECT a.id, ''
		FROM alerts a
		WHERE ($1::text[] IS NULL OR a.severity = ANY($1))
		  AND ($2::text[] IS NULL OR a.type = ANY($2))
		  AND ($3::text[] IS NULL OR a.log_types && $3)
		  AND ($4::boolean IS NULL OR (a.unrouted IS NOT NULL) = $4)
		  AND ($10::text = '' OR $10 = ANY(a.unknown_destinations))
		  AND strpos(lower(a.title || ' ' || a.name || ' ' || a.detection_id || ' ' || a.alert_id), $5) > 0
		  AND (($6::text[] IS NULL AND $7::uuid IS NULL) OR EXISTS (
		       SELECT FROM deliveries d
		       WHERE d.alert_id = a.id
		         AND ($6::text[] IS NULL OR d.status = ANY($6))
		         AND ($7::uuid IS NULL OR d.destination_id = $7)))
		  AND a.accepted_at >= $8 AND a.accepted_at < $9
		ORDER BY a.id DESC`

	plainDeliveries = `
		SELECT d.id, d.status
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		WHERE ($1::text[] IS NULL OR d.status = ANY($1))
		  AND ($2::text[] IS NULL OR d.reason = ANY($2))
		  AND ($3::uuid[] IS NULL OR d.destination_id = ANY($3))
		  AND ($4 = '' OR a.alert_id = $4)
		  AND ($5::text[] IS NULL OR d.last_class = ANY($5))
		  AND ($6 = 0 OR d.last_status_code = $6)
		  AND ($7::text[] IS NULL OR d.routed_by = ANY($7))
		  AND ($8::text[] IS NULL OR a.severity = ANY($8))
		  AND ($9::text[] IS NULL OR a.type = ANY($9))
		  AND d.created_at >= $10 AND d.created_at < $11
		ORDER BY d.id DESC`
)

// draw takes what a random filter has for one of its fields: mostly nothing.
type draw struct{ *rand.Rand }

func (r draw) some() bool { return r.IntN(4) == 0 }

func (r draw) texts(of ...string) (list []string) {
	if !r.some() {
		return nil
	}
	for range 1 + r.IntN(3) {
		list = append(list, of[r.IntN(len(of))])
	}
	return list
}

// times are a range within the last month, to the millisecond as ids are.
func (r draw) times() (from, to time.Time) {
	now := time.Now().Truncate(time.Millisecond)
	if r.some() {
		from = now.Add(-time.Duration(r.IntN(30*24)) * time.Hour)
	}
	if r.some() {
		to = now.Add(-time.Duration(r.IntN(30*24)) * time.Hour)
	}
	return from, to
}

// orAlways makes a range that is open at one end or at both one for plain.
func orAlways(from, to time.Time) (time.Time, time.Time) {
	if to.IsZero() {
		to = time.Now().Add(time.Hour)
	}
	return from, to
}

func (r draw) alerts() postgres.AlertFilter {
	f := postgres.AlertFilter{
		Severities: r.texts("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"), Types: r.texts("RULE", "POLICY", "SYSTEM_ERROR"),
		LogTypes: r.texts("Log.1", "Log.2", "Nothing"), Statuses: r.texts("queued", "retrying", "held", "failed", "cancelled", "delivered"),
	}
	f.From, f.To = r.times()
	if r.some() {
		f.DestinationID = destinationID(byte(1 + r.IntN(7)))
	}
	if r.some() {
		unrouted := r.some()
		f.Unrouted = &unrouted
	}
	if seldom := r.some(); seldom && r.some() {
		f.Unknown = []string{"Nobody", "Name 3", "Name 9"}[r.IntN(3)]
	}
	if r.some() {
		f.Query = []string{"99", "MONITOR", "alert-12", "nothing"}[r.IntN(4)]
	}
	return f
}

func (r draw) deliveries() postgres.DeliveryFilter {
	f := postgres.DeliveryFilter{
		Statuses: r.texts("queued", "retrying", "held", "failed", "cancelled", "delivered"),
		Reasons:  r.texts("paused", "expired", "attempts_exhausted", "by_person"), Classes: r.texts("timeout", "rejected", "acked", "tls"),
		RoutedBy: r.texts("manual", "override"), Severities: r.texts("INFO", "LOW", "CRITICAL"), Types: r.texts("POLICY", "SYSTEM_ERROR"),
	}
	f.From, f.To = r.times()
	if r.some() {
		f.StatusCode = []int{200, 501, 502, 404}[r.IntN(4)]
	}
	for r.some() || len(f.DestinationIDs) > 0 && len(f.DestinationIDs) < 30 && r.IntN(10) > 0 {
		f.DestinationIDs = append(f.DestinationIDs, destinationID(byte(1+r.IntN(20))))
	}
	if r.IntN(12) == 0 {
		f.AlertID = fmt.Sprintf("alert-%d", 1+r.IntN(3200))
	}
	return f
}

// Whatever the filter and the size of the pages: all pages together are what
// reading the whole table gives.
func TestListsAgree(t *testing.T) {
	t.Parallel()
	db := open(t)
	fill(t, db, 3200)
	for name, f := range alertFilters() {
		f.Limit = 200
		t.Run("alerts "+name, func(t *testing.T) { agreeOnAlerts(t, db, f) })
	}
	for name, f := range deliveryFilters() {
		f.Limit = 200
		t.Run("deliveries "+name, func(t *testing.T) { agreeOnDeliveries(t, db, f) })
	}
	seed := uint64(time.Now().UnixNano())
	r := draw{rand.New(rand.NewPCG(seed, 0))}
	for n := range 20 {
		a, d := r.alerts(), r.deliveries()
		a.Limit, d.Limit = 50+r.IntN(150), 50+r.IntN(150)
		t.Run(fmt.Sprintf("alerts %d.%d", seed, n), func(t *testing.T) { agreeOnAlerts(t, db, a) })
		t.Run(fmt.Sprintf("deliveries %d.%d", seed, n), func(t *testing.T) { agreeOnDeliveries(t, db, d) })
		for range 3 {
			d := r.deliveries()
			t.Run(fmt.Sprintf("bulk %d.%d", seed, n), func(t *testing.T) { agreeOnBulk(t, db, d) })
		}
	}
}

func agreeOnAlerts(t *testing.T, db *postgres.DB, f postgres.AlertFilter) {
	t.Helper()
	var to *uuid.UUID
	if f.DestinationID != uuid.Nil {
		to = &f.DestinationID
	}
	from, until := orAlways(f.From, f.To)
	want, _ := plain(t, db, plainAlerts, f.Severities, f.Types, f.LogTypes, f.Unrouted, strings.ToLower(f.Query), f.Statuses, to, from, until, f.Unknown)
	var got []uuid.UUID
	for more := true; more; {
		list, rest, err := db.Alerts(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			got = append(got, a.ID)
		}
		if len(list) == f.Limit {
			rest = list[len(list)-1].ID
		}
		more, f.Before = rest != uuid.Nil, rest
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v: %d of %d (-want +got):\n%.2000s", f, len(got), len(want), diff)
	}
}

func agreeOnDeliveries(t *testing.T, db *postgres.DB, f postgres.DeliveryFilter) {
	t.Helper()
	from, until := orAlways(f.From, f.To)
	args := []any{f.Statuses, f.Reasons, f.DestinationIDs, f.AlertID, f.Classes, f.StatusCode, f.RoutedBy, f.Severities, f.Types, from, until}
	want, statuses := plain(t, db, plainDeliveries, args...)
	var got []uuid.UUID
	for more, page := true, f; more; {
		list, rest, err := db.Deliveries(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			got = append(got, d.ID)
		}
		if len(list) == f.Limit {
			rest = list[len(list)-1].ID
		}
		more, page.Before = rest != uuid.Nil, rest
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v: %d of %d (-want +got):\n%.2000s", f, len(got), len(want), diff)
	}
	// A count that is not capped is exact, and one that is is not too large.
	counts, err := db.CountDeliveries(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range delivery.Statuses() {
		if c := counts[s]; c.Count > statuses[s] || !c.Capped && c.Count != statuses[s] {
			t.Errorf("%+v: %+v %s; want %d", f, c, s, statuses[s])
		}
	}
}

// plain makes a plain statement, and counts what it returns.
func plain(t *testing.T, db *postgres.DB, query string, args ...any) (ids []uuid.UUID, of map[delivery.Status]int) {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	of = map[delivery.Status]int{}
	for rows.Next() {
		var (
			id uuid.UUID
			s  delivery.Status
		)
		if err := rows.Scan(&id, &s); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		of[s]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids, of
}
