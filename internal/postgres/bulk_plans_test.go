package postgres_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

// bulks are the counts of what bulk re-sends take, as the API makes them. A name
// that begins with "bulk again" is of one that takes delivered ones as well.
func bulks() map[string]call {
	two, many := []uuid.UUID{destinationID(2)}, []uuid.UUID{}
	for n := range byte(40) {
		many = append(many, destinationID(n))
	}
	final := []string{"failed", "cancelled"}
	calls := map[string]call{}
	for name, f := range map[string]postgres.DeliveryFilter{
		"bulk":                            {Statuses: final},
		"bulk failed":                     {Statuses: []string{"failed"}},
		"bulk of a destination":           {Statuses: final, DestinationIDs: two},
		"bulk of many destinations":       {Statuses: final, DestinationIDs: many},
		"bulk of no such class":           {Statuses: final, Classes: []string{"tls"}},
		"bulk of a rare type":             {Statuses: final, Types: []string{"SYSTEM_ERROR"}},
		"bulk of an alert":                {Statuses: final, AlertID: "alert-2501"},
		"bulk long ago":                   {Statuses: final, From: time.Now().AddDate(0, 0, -25), To: time.Now().AddDate(0, 0, -24)},
		"bulk again":                      {Statuses: append(final, "delivered")},
		"bulk again of a destination":     {Statuses: append(final, "delivered"), DestinationIDs: two},
		"bulk again of many destinations": {Statuses: append(final, "delivered"), DestinationIDs: many},
	} {
		f.Limit = 100_000
		calls[name] = func(t *testing.T, db *postgres.DB) error {
			_, err := db.CountBulk(t.Context(), f, nil)
			return err
		}
	}
	calls["bulk by ids"] = func(t *testing.T, db *postgres.DB) error {
		f := postgres.DeliveryFilter{Statuses: append(final, "delivered"), Limit: 100_000}
		_, err := db.CountBulk(t.Context(), f, many)
		return err
	}
	return calls
}

// What is counted for a bulk re-send are the oldest of what reading the whole table
// gives, and what is chosen are just these.
func agreeOnBulk(t *testing.T, db *postgres.DB, f postgres.DeliveryFilter) {
	t.Helper()
	takes := []string{"failed", "cancelled", "delivered"}
	if f.Statuses = slices.DeleteFunc(f.Statuses, func(s string) bool { return !slices.Contains(takes, s) }); len(f.Statuses) == 0 {
		f.Statuses = takes[:2]
	}
	from, until := orAlways(f.From, f.To)
	args := []any{f.Statuses, f.Reasons, f.DestinationIDs, f.AlertID, f.Classes, f.StatusCode, f.RoutedBy, f.Severities, f.Types, from, until}
	matching, _ := plain(t, db, plainDeliveries, args...)
	order := postgres.BulkResend{ID: uuid.New(), State: postgres.BulkPaused, PerSecond: 1, CreatedAt: time.Now()}
	for _, f.Limit = range []int{100_000, len(matching)/2 + 1, len(matching)} {
		want := map[delivery.Status]int{}
		rows, err := db.Pool().Query(t.Context(), `
			SELECT status, count(*)
			FROM (SELECT * FROM (`+plainDeliveries+`) AS p ORDER BY id LIMIT $12) AS oldest
			GROUP BY status`, append(args, f.Limit)...)
		if err != nil {
			t.Fatal(err)
		}
		var (
			status delivery.Status
			n      int
		)
		if _, err := pgx.ForEachRow(rows, []any{&status, &n}, func() error { want[status] = n; return nil }); err != nil {
			t.Fatal(err)
		}
		got, err := db.CountBulk(t.Context(), f, nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%+v: %v (-want +got):\n%s", f, err, diff)
		}
	}
	undone := db.InTx(t.Context(), func(tx *postgres.Tx) error {
		if err := tx.InsertBulkResend(t.Context(), order); err != nil {
			return err
		}
		f.Limit = len(matching)/2 + 1
		want := 0
		counts, err := tx.CountBulk(t.Context(), f, nil)
		for n := range maps.Values(counts) {
			want += n
		}
		if err != nil {
			return err
		}
		if n, err := tx.ChooseForBulk(t.Context(), order.ID, f, nil); err != nil || n != want {
			t.Errorf("%+v: %d chosen of %d counted: %v", f, n, want, err)
		}
		return pgx.ErrTxClosed // takes it back
	})
	if undone == nil {
		t.Error("it was not taken back")
	}
}
