package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"belfry/internal/destination"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

func exec(t testing.TB, f *fixture, sql string, args ...any) {
	t.Helper()
	if _, err := f.db.Pool().Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, f *fixture, sql string, args ...any) (n int) {
	t.Helper()
	if err := f.db.Pool().QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// until polls a condition, or fails after a deadline.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); pause() {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// change stores a changed destination.
func change(t testing.TB, f *fixture, d destination.Destination) {
	t.Helper()
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error { return tx.UpdateDestination(t.Context(), d) })
	if err != nil {
		t.Fatal(err)
	}
}

func errorAs[T error](err error, target *T) bool { return errors.As(err, target) }

func withHeader(name, value string) func(*destination.Destination) {
	return func(d *destination.Destination) {
		w, ok := d.Settings.(*destination.Webhook)
		if !ok {
			panic("not a webhook")
		}
		w.Headers = append(w.Headers, outbound.Header{Name: name, Value: value})
	}
}

// metricValue adds up all series of a counter or gauge.
func (f *fixture) metricValue(t testing.TB, name string) (sum float64) {
	t.Helper()
	families, _ := f.registry.Gather() // what needs the database is missing while it is away
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// wantOneRepair waits until one repair is counted: that is a moment after it is stored,
// and what was repaired may be over by then.
func (f *fixture) wantOneRepair(t testing.TB) {
	t.Helper()
	until(t, "one repair is counted", func() bool { return f.metricValue(t, "belfry_repairs_total") >= 1 })
	if n := f.metricValue(t, "belfry_repairs_total"); n != 1 {
		t.Errorf("%v repairs counted, want 1", n)
	}
}
