package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// TestPlansOfEachPool holds what the dispatcher reads and locks, and what the API
// does in transactions, to what it may read: each on connections as it has them.
func TestPlansOfEachPool(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	fill(t, openURL(t, url, 1, false), 20_000)
	api, dispatcher := openURL(t, url, 2, false), openURL(t, url, 2, true)
	old, _, err := api.Deliveries(t.Context(), postgres.DeliveryFilter{Statuses: []string{"failed"}, Limit: 100})
	if err != nil || len(old) != 100 {
		t.Fatal(len(old), err)
	}
	var ids, alerts []uuid.UUID
	var names []string
	for _, d := range old {
		ids, alerts, names = append(ids, d.ID), append(alerts, d.Delivery.AlertID), append(names, d.AlertID)
	}
	order := postgres.BulkResend{ID: uuid.New(), State: postgres.BulkPaused, PerSecond: 1, CreatedAt: time.Now()}
	err = api.InTx(t.Context(), func(tx *postgres.Tx) error { return tx.InsertBulkResend(t.Context(), order) })
	if err != nil {
		t.Fatal(err)
	}
	failed := postgres.DeliveryFilter{Statuses: []string{"failed"}, DestinationIDs: []uuid.UUID{destinationID(2)}, Limit: 100_000}
	now, two := time.Now(), destinationID(2)
	for name, tt := range map[string]struct {
		db   *postgres.DB
		most float64
		do   func(ctx context.Context, tx *postgres.Tx) error
	}{
		// What reads rows of a few deliveries may visit each of these a few times; what
		// looks for a status all those of the status, of which there are at most 2,000.
		"discard": {api, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockOpen(ctx, two, 500); return err }},
		"order bulk": {api, 2_000, func(ctx context.Context, tx *postgres.Tx) error {
			_, err := tx.ChooseForBulk(ctx, order.ID, failed, nil)
			return err
		}},
		"bulk outcomes": {api, 10, func(ctx context.Context, tx *postgres.Tx) error {
			_, _, err := tx.BulkResendOutcomes(ctx, order.ID)
			return err
		}},
		"healths":         {api, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.Healths(ctx, ids[:2]); return err }},
		"re-send":         {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockDelivery(ctx, ids[0]); return err }},
		"send to":         {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockAlert(ctx, names[0]); return err }},
		"view":            {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.Delivery(ctx, ids[0]); return err }},
		"views of alerts": {dispatcher, 500, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.DeliveriesOf(ctx, alerts); return err }},
		"repeats":         {dispatcher, 500, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.AlertsByAlertID(ctx, names); return err }},
		"loads":           {dispatcher, 500, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.Outgoing(ctx, ids); return err }},
		"record":          {dispatcher, 500, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockDeliveries(ctx, ids); return err }},
		"bulk turns": {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error {
			_, err := tx.BulkChoices(ctx, order.ID, 50, 1000)
			return err
		}},
		"running bulks": {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.RunningBulks(ctx); return err }},
		"holds":         {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.Holds(ctx); return err }},
		"metrics":       {dispatcher, 4_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.QueueStatistics(ctx); return err }},
		"paused":        {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.PausedWithOpen(ctx); return err }},
		"failing":       {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.FailingWithOpen(ctx); return err }},
		"deleted":       {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.DeletedWithOpen(ctx); return err }},
		"stuck":         {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockStuck(ctx, 100); return err }},
		"our side":      {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockOurSide(ctx, now, 100); return err }},
		"expired":       {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockExpired(ctx, now, 100); return err }},
		"probe":         {dispatcher, 10, func(ctx context.Context, tx *postgres.Tx) error { _, err := tx.LockProbe(ctx, two, now); return err }},
		"hold": {dispatcher, 2_000, func(ctx context.Context, tx *postgres.Tx) error {
			_, err := tx.LockWaiting(ctx, two, uuid.Nil, 100)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			queries := 0
			undo := errors.New("only looked at")
			err := tt.db.InTx(t.Context(), func(tx *postgres.Tx) error {
				tx = postgres.WatchTx(tx, func(sql string, args []any) {
					queries++
					for _, fault := range explain(t, tt.db, sql, args).faults(tt.most) {
						t.Errorf("%s\nin %s\nwith %v", fault, sql, args)
					}
				})
				if err := tt.do(t.Context(), tx); err != nil {
					t.Error(err)
				}
				return undo
			})
			if !errors.Is(err, undo) || queries == 0 {
				t.Errorf("%d queries, %v", queries, err)
			}
		})
	}
}

// TestWaysOfEachPool: what would be quickest by a scan or a hash of whole tables goes by
// their indexes all the same, because a plan that was right for a small table is kept
// when it has grown. The API's filters may choose how to join.
func TestWaysOfEachPool(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	fill(t, openURL(t, url, 1, false), 2_000)
	for text, api := range map[string][]string{
		`SELECT count(d.priority), count(a.title) FROM deliveries d JOIN alerts a ON a.id = d.alert_id`:                              {"Hash Join", "Merge Join"},
		`SELECT d.id, a.title FROM deliveries d JOIN alerts a ON a.id = d.alert_id ORDER BY d.alert_id, d.destination_id LIMIT 2000`: {"Hash Join", "Merge Join"},
		`SELECT count(title) FROM alerts WHERE id > '00000000-0000-0000-0000-000000000000'`:                                          nil,
	} {
		for name, tt := range map[string]struct {
			byKey bool
			may   []string
		}{"dispatcher": {true, nil}, "api": {false, api}} {
			for _, step := range explain(t, openURL(t, url, 1, tt.byKey), text, nil).steps() {
				if slices.Contains([]string{"Seq Scan", "Hash Join", "Merge Join"}, step) && !slices.Contains(tt.may, step) {
					t.Errorf("%s: %s by %s", name, text, step)
				}
			}
		}
	}
}

// steps are the kinds of a plan's steps.
func (n planNode) steps() []string {
	list := []string{n.NodeType}
	for _, below := range n.Plans {
		list = append(list, below.steps()...)
	}
	return list
}
