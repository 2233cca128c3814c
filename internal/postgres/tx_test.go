package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What was to be written later is part of its transaction: when the database
// refuses it nothing is stored, InTx says what was refused, and what was to come
// after the commit does not.
func TestLaterWritesAreOfTheirTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := func() []delivery.Delivery {
		dl := delivery.New(uuid.New(), uuid.New(), delivery.ByFilters, 11, time.Now())
		return []delivery.Delivery{dl.Hold(delivery.Paused, time.Now())}
	}
	stored := func() (n int) {
		t.Helper()
		if err := db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM deliveries`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	bad := []delivery.Delivery{{ID: uuid.New(), Status: "unheard of", NextTrigger: delivery.Automatic, MaxAttempts: 1}}
	for name, fn := range map[string]func(tx *postgres.Tx) error{
		"known at COMMIT": func(tx *postgres.Tx) error {
			tx.InsertDeliveries(one())
			tx.InsertDeliveries(bad)
			return nil
		},
		"known with the next question": func(tx *postgres.Tx) error {
			tx.InsertDeliveries(bad)
			tx.InsertDeliveries(one())
			_, err := tx.LockDeliveries(t.Context(), []uuid.UUID{uuid.New()})
			if err == nil {
				t.Error("the question was answered")
			}
			return err
		},
	} {
		committed := false
		err := db.InTx(t.Context(), func(tx *postgres.Tx) error {
			tx.AfterCommit(func() { committed = true })
			return fn(tx)
		})
		if err == nil || !strings.Contains(err.Error(), "insert deliveries") || !postgres.IsData(err) {
			t.Errorf("%s: got %v", name, err)
		}
		if n := stored(); committed || n != 0 {
			t.Errorf("%s: %d rows are stored, committed %v", name, n, committed)
		}
	}

	ours := errors.New("ours")
	err := db.InTx(t.Context(), func(tx *postgres.Tx) error {
		tx.InsertDeliveries(one())
		if _, err := tx.LockDeliveries(t.Context(), []uuid.UUID{uuid.New()}); err != nil {
			t.Error(err)
		}
		return ours
	})
	if n := stored(); !errors.Is(err, ours) || n != 0 {
		t.Errorf("given up: %d rows are stored, %v", n, err)
	}

	committed := false
	err = db.InTx(t.Context(), func(tx *postgres.Tx) error {
		tx.AfterCommit(func() { committed = true })
		tx.InsertDeliveries(one())
		return nil
	})
	if n := stored(); err != nil || !committed || n != 1 {
		t.Errorf("%d rows are stored, committed %v, %v", n, committed, err)
	}
	if err := db.InTx(t.Context(), func(*postgres.Tx) error { return nil }); err != nil {
		t.Errorf("with nothing to do: %v", err)
	}
	if total, free := db.Pool().Stat().TotalConns(), db.Pool().Stat().IdleConns(); total != free {
		t.Errorf("%d of %d connections are free", free, total)
	}
}
