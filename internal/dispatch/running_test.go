package dispatch

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
)

// A job is at work until its end is written, and no longer than a minute after its
// work; what is worked again meanwhile stays.
func TestRunning(t *testing.T) {
	t.Parallel()
	var r running
	now := time.Now()
	want := func(what string, want ...int64) {
		t.Helper()
		got := r.list(now)
		if slices.Sort(got); got == nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("none")
	remove := r.add(1)
	r.add(2)
	r.add(3)
	want("at work", 1, 2, 3)
	r.written(2)
	want("an end of before is written", 1, 2, 3)
	remove()
	r.ended(2, now)
	r.ended(3, now)
	want("one is gone, and two are to be written", 2, 3)
	r.written(2)
	r.written(2)
	r.add(3)
	want("one is written, and one works again", 3)
	r.ended(3, now)
	now = now.Add(endLost)
	want("a minute later", 3)
	now = now.Add(1)
	want("and more")
}

// A job whose work is over and whose end is still to be written is not lost.
func TestEndToBeWrittenIsNotLost(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), waits(time.Hour)).ready(t)
	s := newSink(t).answer(http.StatusServiceUnavailable)
	id := f.send(t, f.webhook(t, s.URL), 1)[0]
	v := f.wait(t, id, is(delivery.Queued))
	exec(t, f, `UPDATE river_job SET state = 'running', attempted_at = now() - interval '1 minute', attempted_by = ARRAY[$1]`, f.Cluster.ID())
	w := &worker{x: f.executor}
	err := w.Work(t.Context(), &river.Job[deliverArgs]{JobRow: &rivertype.JobRow{ID: v.JobID}, Args: deliverArgs{DeliveryID: id}})
	if snooze := new(river.JobSnoozeError); !errorAs(err, &snooze) {
		t.Fatalf("its work ended with %v", err)
	}
	runs := func() int { return count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`) }
	if err := f.Cluster.Reclaim(t.Context(), f.running.list(time.Now())); err != nil || runs() != 1 {
		t.Errorf("it was given back: %v", err)
	}
	f.running.written(v.JobID)
	if err := f.Cluster.Reclaim(t.Context(), f.running.list(time.Now())); err != nil || runs() != 0 {
		t.Errorf("it was not given back: %v", err)
	}
}

// River tells of the ends that it has written.
func TestWrittenEnds(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	s := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, s.URL)
	ids := f.cancelled(t, hook, 20)
	f.local.mu.Lock()
	f.local.jobs = limiter.JobsPerWorker * f.Workers // all goes through the queue
	f.local.mu.Unlock()
	f.resendAll(t, ids)
	f.soon(t, "all were tried", func() bool { return f.are(t, ids, delivery.Retrying) })
	until(t, "nothing is at work", func() bool { return len(f.running.list(time.Now())) == 0 })
	if n := f.metricValue(t, "belfry_repairs_total"); n != 0 {
		t.Errorf("%v repairs", n)
	}
}

// A lost job that somebody has locked is left to him: nothing waits.
func TestReclaimWaitsForNobody(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	f.send(t, f.webhook(t, newSink(t).URL), 3)
	exec(t, f, `UPDATE river_job SET state = 'running', attempted_at = now() - interval '1 minute', attempted_by = ARRAY[$1]`, f.Cluster.ID())
	pgtest.Lock(t, f.db, `SELECT FROM river_job ORDER BY id LIMIT 1 FOR UPDATE`)
	soon, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if n, err := f.DB.ReclaimLost(soon, f.Cluster.ID(), []int64{}); n != 2 || err != nil {
		t.Errorf("%d given back, %v; want the two that nobody has locked", n, err)
	}
}
