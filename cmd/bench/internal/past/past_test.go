package past

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// column finds a value in a row by its name.
func column(t *testing.T, columns []string, row []any, name string) any {
	t.Helper()
	if len(columns) != len(row) {
		t.Fatalf("a row of %d values for %d columns", len(row), len(columns))
	}
	return row[slices.Index(columns, name)]
}

func TestPastHasWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	const alerts = 10 * block
	until := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	p := past{count: alerts, from: until.AddDate(0, 0, -25), until: until, seed: 1}
	for range 8 {
		p.destinations = append(p.destinations, uuid.New())
	}
	var rows seedRows
	for i := range alerts {
		p.alert(i, &rows)
	}
	if a, d, n := len(rows.alerts), len(rows.deliveries), len(rows.attempts); a != alerts || d != 2*alerts || n != 5*alerts {
		t.Errorf("got %d alerts, %d deliveries, %d attempts; want 1 : 2 : 5", a, d, n)
	}
	statuses := map[any]int{}
	pairs := map[[2]any]bool{}
	for _, row := range rows.deliveries {
		of := func(name string) any { return column(t, deliveryColumns, row, name) }
		statuses[of("status")]++
		pairs[[2]any{of("alert_id"), of("destination_id")}] = true
		if (of("status") == "delivered") != (of("first_ack_at") != nil) || (of("status") == "failed") != (of("reason") != nil) {
			t.Errorf("a delivery that cannot be: %v", row)
		}
		if ended := of("finished_at").(time.Time); ended.Before(of("created_at").(time.Time)) || ended.After(until.Add(seedEnds)) {
			t.Errorf("a delivery that ended at %v", ended)
		}
	}
	if statuses["failed"]*10 != 2*alerts || statuses["delivered"]*10 != 9*2*alerts {
		t.Errorf("got statuses %v, want one in ten failed", statuses)
	}
	if len(pairs) != 2*alerts {
		t.Errorf("%d pairs of alert and destination for %d deliveries", len(pairs), 2*alerts)
	}
	ids := map[any]bool{}
	for _, row := range rows.attempts {
		id := column(t, attemptColumns, row, "id").(uuid.UUID)
		ids[id] = true
		sec, nsec := id.Time().UnixTime()
		if began := column(t, attemptColumns, row, "started_at").(time.Time); id.Version() != 7 || began.UnixMilli() != time.Unix(sec, nsec).UnixMilli() {
			t.Errorf("attempt %s began at %v", id, began)
		}
	}
	if len(ids) != 5*alerts {
		t.Errorf("%d ids for %d attempts", len(ids), 5*alerts)
	}
}
