package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// bulkFixture is a dispatcher that steps orders only when told to, by a clock
// that stands still.
type bulkFixture struct {
	*fixture
	now time.Time
}

func newBulk(t testing.TB) *bulkFixture {
	t.Helper()
	f := &bulkFixture{now: time.Now()}
	f.fixture = newDispatcher(t, pgtest.New(t), func(c *Config) { c.Now = func() time.Time { return f.now } })
	return f
}

// failed accepts n alerts for one destination and lets their deliveries fail. It
// returns these, oldest first.
func (f *fixture) failed(t testing.TB, to destination.Destination, n int) []uuid.UUID {
	t.Helper()
	body := fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","destinations":[%q]}`, to.ID)
	alerts := make([]alert.Parsed, n)
	for i := range alerts {
		alerts[i] = parse(t, body)
	}
	ids := make([]uuid.UUID, n)
	for i, r := range f.Accept(t.Context(), "tester", alerts) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ids[i] = r.Accepted.Deliveries[0].ID
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	f.finish(t, delivery.Failed, ids...)
	exec(t, f, `DELETE FROM river_job`)
	return ids
}

// finish brings deliveries into a final state, as attempts or people do.
func (f *fixture) finish(t testing.TB, s delivery.Status, ids ...uuid.UUID) {
	t.Helper()
	exec(t, f, `
		UPDATE deliveries
		SET status = $2, job_id = NULL, due_at = NULL, held_at = NULL, finished_at = clock_timestamp(),
		    reason = CASE $2 WHEN 'failed' THEN 'attempts_exhausted' WHEN 'cancelled' THEN 'by_person' END,
		    first_ack_at = CASE $2 WHEN 'delivered' THEN clock_timestamp() END
		WHERE id = ANY($1)`, ids, s)
}

func (f *fixture) order(t testing.TB, o BulkOrder) postgres.BulkResend {
	t.Helper()
	if o.PerSecond == 0 {
		o.PerSecond = 1000
	}
	b, err := f.StartBulk(t.Context(), f.db, o, me)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// step lets time pass and then steps every order once.
func (f *bulkFixture) step(t testing.TB, after time.Duration) {
	t.Helper()
	f.now = f.now.Add(after)
	if err := f.stepBulks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) bulk(t testing.TB, id uuid.UUID) postgres.BulkResend {
	t.Helper()
	b, _, err := f.db.BulkResendOutcomes(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) wantBulk(t testing.TB, id uuid.UUID, state string, total, resent, skipped int) {
	t.Helper()
	b := f.bulk(t, id)
	if b.State != state || b.Total != total || b.Resent != resent || b.Skipped != skipped {
		t.Errorf("order is %s: %d resent and %d skipped of %d; want %s: %d and %d of %d",
			b.State, b.Resent, b.Skipped, b.Total, state, resent, skipped, total)
	}
}

// wantRuns checks in which run deliveries are, all of them.
func (f *fixture) wantRuns(t testing.TB, run int, ids ...uuid.UUID) {
	t.Helper()
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND run = $2`, ids, run); n != len(ids) {
		t.Errorf("%d of %d deliveries are in run %d, want all", n, len(ids), run)
	}
}

func (f *fixture) actions(t testing.TB, b postgres.BulkResend) string {
	t.Helper()
	rows, err := f.db.Pool().Query(t.Context(), `
		SELECT action || ' ' || actor || ' ' || request_id || ' ' || (detail::json ->> 'resent')
		FROM audit_log
		WHERE subject_type = 'bulk_resend' AND subject_id = $1
		ORDER BY id`, b.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(s, "bulk_resend."))
	}
	return strings.Join(list, ", ")
}

// What is counted is what is taken: final deliveries that match, delivered ones
// only if asked for again, and nothing that is open or has nowhere to go.
func TestBulkTakesWhatItCounts(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	hook, other, gone := f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/")
	ids := f.failed(t, hook, 9)
	f.finish(t, delivery.Cancelled, ids[2:4]...)
	f.finish(t, delivery.Delivered, ids[4:7]...)
	exec(t, f.fixture, `
		UPDATE deliveries
		SET status = 'held', reason = 'paused', due_at = now(), finished_at = NULL
		WHERE id = ANY($1)`, ids[7:])
	elsewhere := f.failed(t, other, 3)
	f.failed(t, gone, 1)
	exec(t, f.fixture, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, gone.ID)

	to := postgres.DeliveryFilter{DestinationIDs: []uuid.UUID{hook.ID, gone.ID}}
	only := func(statuses ...string) postgres.DeliveryFilter {
		f := to
		f.Statuses = statuses
		return f
	}
	failed, cancelled, delivered := delivery.Failed, delivery.Cancelled, delivery.Delivered
	for name, tt := range map[string]struct {
		order BulkOrder
		want  map[delivery.Status]int
	}{
		"by filter":              {BulkOrder{Filter: to}, map[delivery.Status]int{failed: 2, cancelled: 2}},
		"again":                  {BulkOrder{Filter: to, Again: true}, map[delivery.Status]int{failed: 2, cancelled: 2, delivered: 3}},
		"of one status":          {BulkOrder{Filter: only("failed", "held"), Again: true}, map[delivery.Status]int{failed: 2}},
		"delivered, not again":   {BulkOrder{Filter: only("delivered", "held")}, map[delivery.Status]int{}},
		"of no filter":           {BulkOrder{}, map[delivery.Status]int{failed: 5, cancelled: 2}},
		"as a page is":           {BulkOrder{Filter: postgres.DeliveryFilter{Before: ids[1], Limit: 1}}, map[delivery.Status]int{failed: 5, cancelled: 2}},
		"by ids":                 {BulkOrder{DeliveryIDs: append(ids[1:], elsewhere[0], elsewhere[0], uuid.New())}, map[delivery.Status]int{failed: 2, cancelled: 2}},
		"by ids again":           {BulkOrder{DeliveryIDs: ids, Again: true}, map[delivery.Status]int{failed: 2, cancelled: 2, delivered: 3}},
		"by no ids":              {BulkOrder{DeliveryIDs: []uuid.UUID{}}, map[delivery.Status]int{}},
		"by ids that must match": {BulkOrder{DeliveryIDs: elsewhere, Filter: to}, map[delivery.Status]int{}},
	} {
		got, err := f.CountBulk(t.Context(), f.db, tt.order)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, n := range tt.want {
			total += n
		}
		if diff := cmp.Diff(BulkCount{Total: total, ByStatus: tt.want}, got); diff != "" {
			t.Errorf("%s: count (-want +got):\n%s", name, diff)
		}
		if b := f.order(t, tt.order); b.Total != total {
			t.Errorf("%s: the order takes %d, want %d", name, b.Total, total)
		}
	}
	exec(t, f.fixture, `DELETE FROM bulk_resend_deliveries; DELETE FROM bulk_resends`)

	b := f.order(t, BulkOrder{Filter: to})
	f.step(t, time.Second)
	f.wantBulk(t, b.ID, postgres.BulkRunning, 4, 4, 0)
	f.wantRuns(t, 2, ids[:4]...)
	f.wantRuns(t, 1, append(ids[4:], elsewhere...)...)
	f.step(t, 0)
	f.wantBulk(t, b.ID, postgres.BulkDone, 4, 4, 0)
	if n := count(t, f.fixture, `SELECT count(*) FROM bulk_resend_deliveries`); n != 0 {
		t.Errorf("%d choices are left of an order that is done", n)
	}
	if got := f.actions(t, b); got != "start me r-1 0, finish me r-1 4" {
		t.Errorf("audit log: %s", got)
	}
}

// Whatever the limit, the oldest are counted, of each status and destination as many as
// are among them. (With exactly the limit, CountBulk could as well count again by age, as
// it does with more: the result is the same, so no test can tell.)
func TestCountOfTheOldest(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	var ids []uuid.UUID
	for range 2 {
		ids = append(ids, f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 4)...)
	}
	f.finish(t, delivery.Cancelled, ids[1], ids[2], ids[5])
	order := []delivery.Status{ // as they are now, from the oldest on
		delivery.Failed, delivery.Cancelled, delivery.Cancelled, delivery.Failed, delivery.Failed, delivery.Cancelled, delivery.Failed, delivery.Failed,
	}
	for _, statuses := range [][]string{{"failed", "cancelled"}, {"failed"}, {"cancelled"}} {
		for limit := 1; limit <= len(order)+1; limit++ {
			want, left := map[delivery.Status]int{}, limit
			for _, s := range order {
				if left > 0 && slices.Contains(statuses, string(s)) {
					want[s]++
					left--
				}
			}
			got, err := f.db.CountBulk(t.Context(), postgres.DeliveryFilter{Statuses: statuses, Limit: limit}, nil)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v, at most %d: %v (-want +got)\n%s", statuses, limit, err, diff)
			}
		}
	}
}

// Of too many an order takes the oldest, and the count says so.
func TestBulkTakesTheOldest(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	ids := f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 5)
	b := f.order(t, BulkOrder{DeliveryIDs: []uuid.UUID{}})
	few := BulkOrder{}.filter()
	if few.Limit != bulkMost {
		t.Errorf("an order takes %d, want %d", few.Limit, bulkMost)
	}
	few.Limit = 2
	if counts, err := f.db.CountBulk(t.Context(), few, nil); err != nil || counts[delivery.Failed] != 2 {
		t.Errorf("counted %v, %v; want 2", counts, err)
	}
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		_, err := tx.ChooseForBulk(t.Context(), b.ID, few, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, f.fixture, `SELECT count(*) FROM bulk_resend_deliveries WHERE delivery_id = ANY($1)`, ids[:2]); n != 2 {
		t.Errorf("%d of the two oldest were chosen", n)
	}
	for n, want := range map[int]bool{bulkMost - 1: false, bulkMost: true} {
		got := newBulkCount(map[delivery.Status]int{delivery.Failed: n - 10, delivery.Cancelled: 10})
		if got.Total != n || got.Capped != want {
			t.Errorf("%d: %+v, want capped %t", n, got, want)
		}
	}
}

// A delivery that had its turn is in a new run, asked for by who ordered, and
// waits behind everything else without a job.
func TestBulkHolds(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	hook, paused := f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/")
	id, late := f.failed(t, hook, 1)[0], f.failed(t, paused, 1)[0]
	setState(t, f.fixture, paused, destination.Paused)
	f.order(t, BulkOrder{})
	f.step(t, time.Second)

	for id, reason := range map[uuid.UUID]delivery.Reason{id: delivery.Busy, late: delivery.Paused} {
		v, err := f.db.Delivery(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if v.Status != delivery.Held || v.Reason != reason || v.Priority != delivery.Bulk || v.JobID != 0 || v.Run != 2 ||
			v.Attempts != 0 || v.NextTrigger != delivery.Resend || v.NextBy != "me" || v.Manual() || !v.FinishedAt.IsZero() {
			t.Errorf("delivery = %+v, want it held: %s", v.Delivery, reason)
		}
		at := f.now.Truncate(time.Microsecond)
		if !v.HeldAt.Equal(at) || !v.DueAt.Equal(at) {
			t.Errorf("held since %s and due at %s, want %s", v.HeldAt, v.DueAt, at)
		}
		runs, err := f.db.Runs(t.Context(), v.Delivery)
		if err != nil || len(runs) != 2 || runs[0].Trigger != delivery.Automatic || !runs[0].OpenedAt.Equal(v.CreatedAt) ||
			runs[1].Trigger != delivery.Resend || runs[1].RequestedBy != "me" || !runs[1].OpenedAt.Equal(at) || runs[1].MaxAttempts != 11 {
			t.Errorf("runs = %+v, %v", runs, err)
		}
	}
	if n := count(t, f.fixture, `SELECT count(*) FROM river_job`); n != 0 {
		t.Errorf("%d jobs, want none", n)
	}
	if !slices.Contains(f.limiter.TakeLooks(), hook.ID) {
		t.Error("the release is not told to look")
	}
}

// Whatever is no longer as it was when it was ordered is left alone, and so the
// same ordered twice is sent once.
func TestBulkSkipsWhatMoved(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	hook, gone := f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/")
	ids := f.failed(t, hook, 6)
	last := f.failed(t, gone, 1)[0]
	b, twice := f.order(t, BulkOrder{Again: true}), f.order(t, BulkOrder{Again: true})
	f.finish(t, delivery.Delivered, ids[0])
	f.finish(t, delivery.Failed, ids[1]) // in another run, for all we know
	if _, err := f.Resend(t.Context(), ids[2], 0, false, me); err != nil {
		t.Fatal(err)
	}
	exec(t, f.fixture, `DELETE FROM deliveries WHERE id = $1`, ids[3]) // as retention does
	exec(t, f.fixture, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, gone.ID)

	f.step(t, time.Second)
	f.finish(t, delivery.Delivered, ids[4:]...) // before the second order's turn, which is in the same step or later
	f.step(t, time.Second)
	f.step(t, 0)
	f.wantBulk(t, b.ID, postgres.BulkDone, 7, 2, 5)
	f.wantBulk(t, twice.ID, postgres.BulkDone, 7, 0, 7)
	f.wantRuns(t, 1, ids[0], ids[1], last)
	f.wantRuns(t, 2, ids[2], ids[4], ids[5])
	if v, _ := f.db.Delivery(t.Context(), ids[2]); v.Priority != delivery.First || v.Status != delivery.Queued {
		t.Errorf("re-sent by a person, it is now %s with priority %d", v.Status, v.Priority)
	}
}

// Paused it takes nothing, resumed it goes on where it was, cancelled it is over;
// each of them twice is once.
func TestBulkPauseResumeCancel(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	ids := f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 30)
	b := f.order(t, BulkOrder{PerSecond: 10})
	type act func(context.Context, uuid.UUID, By) (postgres.BulkResend, error)
	twice := func(do act, want string) {
		t.Helper()
		for range 2 {
			got, err := do(t.Context(), b.ID, By{"you", "r-2"})
			if err != nil || got.State != want {
				t.Errorf("%s, %v; want %s", got.State, err, want)
			}
		}
	}
	f.step(t, time.Second)
	twice(f.PauseBulk, postgres.BulkPaused)
	f.step(t, time.Hour)
	if err := f.stepBulk(t.Context(), b.ID); err != nil { // as one that saw it running
		t.Fatal(err)
	}
	f.wantBulk(t, b.ID, postgres.BulkPaused, 30, 10, 0)
	twice(f.ResumeBulk, postgres.BulkRunning)
	f.step(t, 0)
	f.wantBulk(t, b.ID, postgres.BulkRunning, 30, 10, 0) // nothing is made up for
	f.step(t, time.Second)
	f.wantBulk(t, b.ID, postgres.BulkRunning, 30, 20, 0)
	twice(f.PauseBulk, postgres.BulkPaused)
	twice(f.CancelBulk, postgres.BulkCancelled)
	f.step(t, time.Hour)
	f.wantBulk(t, b.ID, postgres.BulkCancelled, 30, 20, 0)
	f.wantRuns(t, 2, ids[:20]...)
	f.wantRuns(t, 1, ids[20:]...)
	if got := f.bulk(t, b.ID); !got.FinishedAt.Equal(f.now.Add(-time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("finished at %s", got.FinishedAt)
	}
	if n := count(t, f.fixture, `SELECT count(*) FROM bulk_resend_deliveries`); n != 0 {
		t.Errorf("%d choices are left of a cancelled order", n)
	}
	want := "start me r-1 0, pause you r-2 10, resume you r-2 10, pause you r-2 20, cancel you r-2 20"
	if got := f.actions(t, b); got != want {
		t.Errorf("audit log: %s\nwant: %s", got, want)
	}

	done := f.order(t, BulkOrder{DeliveryIDs: []uuid.UUID{}})
	f.step(t, 0)
	for name, do := range map[string]act{"pause": f.PauseBulk, "resume": f.ResumeBulk, "cancel": f.CancelBulk} {
		if _, err := do(t.Context(), done.ID, me); !errors.Is(err, ErrBulkFinal) {
			t.Errorf("%s what is done: %v, want ErrBulkFinal", name, err)
		}
		if _, err := do(t.Context(), uuid.New(), me); !errors.Is(err, postgres.ErrNotFound) {
			t.Errorf("%s what is not there: %v, want ErrNotFound", name, err)
		}
		if _, err := do(t.Context(), b.ID, me); name != "cancel" && !errors.Is(err, ErrBulkFinal) {
			t.Errorf("%s what is cancelled: %v, want ErrBulkFinal", name, err)
		}
	}
}

// A step takes what has been saved up since the one before, and of a standstill
// A step that dies leaves nothing behind, and the next process goes on where the
// A delivery that somebody else has locked gets its turn when they are done, and
// No more wait for one destination than it can be asked to take back, and what
// An order is shown as it was given, and the newest first.
func TestBulkList(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	from := time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
	whole := postgres.DeliveryFilter{
		Statuses: []string{"failed", "queued"}, Reasons: []string{"expired"}, DestinationIDs: []uuid.UUID{uuid.New()}, AlertID: "a-1",
		Classes: []string{"timeout"}, StatusCode: 503, RoutedBy: []string{"manual"}, Severities: []string{"LOW"}, Types: []string{"RULE"},
		From: from, To: from.Add(time.Hour),
	}
	var want []postgres.BulkResend
	for _, o := range []BulkOrder{
		{Filter: whole, Again: true, PerSecond: 7},
		{DeliveryIDs: []uuid.UUID{uuid.New(), uuid.New()}, PerSecond: 1},
		{},
	} {
		want = append([]postgres.BulkResend{f.order(t, o)}, want...)
	}
	list := func(before uuid.UUID, limit int) []postgres.BulkResend {
		t.Helper()
		got, err := f.db.BulkResends(t.Context(), before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	page := list(uuid.Nil, 2)
	if diff := cmp.Diff(want, append(page, list(page[1].ID, 2)...)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if _, _, err := f.db.BulkResendOutcomes(t.Context(), uuid.New()); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("unknown order: %v, want ErrNotFound", err)
	}
}
