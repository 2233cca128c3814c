package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

// Beside thousands of held deliveries that people asked for, and thousands that
// nobody did, each release reads few of them, and accepting none, by index, on the
// pool that they use.
func TestReleasePlans(t *testing.T) {
	t.Parallel()
	db := openAs(t, true)
	fill(t, db, 30_000)
	exec(t, db, `
		UPDATE deliveries
		SET status = 'held', reason = 'busy', due_at = created_at, held_at = now(), job_id = NULL, finished_at = NULL,
		    next_trigger = CASE WHEN destination_id = $1 THEN 'resend' ELSE 'automatic' END
		WHERE destination_id IN ($1, $2)`, destinationID(1), destinationID(2))
	exec(t, db, "ANALYZE deliveries")
	see := func(sql string, args []any) {
		t.Helper()
		for _, fault := range explain(t, db, sql, args).faults(200) {
			t.Errorf("%s\nin %s\nwith %v", fault, sql, args)
		}
	}
	see(postgres.SelectQueues, []any{[]uuid.UUID{destinationID(3), destinationID(4)}, 0})
	watched := postgres.Watch(db, see)
	if ids, err := watched.HeldManual(t.Context()); err != nil || len(ids) != 1 || ids[0] != destinationID(1) {
		t.Errorf("asked for, of %v: %v", ids, err)
	}
	if n, err := watched.Due(t.Context(), destinationID(3), 8); err != nil || n > 8 {
		t.Errorf("%d are due: %v", n, err)
	}
	err := db.InTx(t.Context(), func(tx *postgres.Tx) error {
		tx = postgres.WatchTx(tx, see)
		list, err := tx.LockManual(t.Context(), destinationID(1), 20)
		if err != nil || len(list) != 20 || !list[0].Delivery.Manual() || list[0].Alert.AlertID == "" {
			t.Errorf("%d of those that were asked for: %v", len(list), err)
		}
		for n := range list[1:] {
			if list[n].Delivery.DueAt.After(list[n+1].Delivery.DueAt) {
				t.Error("they are not in the order in which they were asked for")
			}
		}
		rest, err := tx.LockReleasable(t.Context(), destinationID(2), []delivery.Reason{delivery.Busy}, delivery.First, delivery.Late, 20)
		if err != nil || len(rest) != 20 {
			t.Errorf("%d of the others: %v", len(rest), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
