package postgres_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// However many replicas skip ids at once, an id that was given out is not given out
// again: the sequence never goes back.
func TestSkippedJobIDsAreNotGivenTwice(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	exec(t, db, `
		INSERT INTO river_job (id, state, max_attempts, kind, args, scheduled_at)
		VALUES (5000, 'scheduled', 1, 'x', '{}', now() + interval '1 day')`)
	var (
		skipping, drawing sync.WaitGroup
		mu                sync.Mutex
		drawn             []int64
		over              = make(chan struct{})
	)
	for range 3 {
		drawing.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				var ids []int64
				const draw = `
					SELECT array_agg(nextval('river_job_id_seq'))
					FROM generate_series(1, 20)`
				if err := db.Pool().QueryRow(t.Context(), draw).Scan(&ids); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				drawn = append(drawn, ids...)
				mu.Unlock()
			}
		})
		skipping.Go(func() {
			for range 300 {
				if err := db.SkipJobIDs(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	skipping.Wait()
	close(over)
	drawing.Wait()
	n := len(drawn)
	slices.Sort(drawn)
	if distinct := len(slices.Compact(drawn)); distinct != n {
		t.Errorf("of %d ids %d were given out before", n, n-distinct)
	}
	var next int64
	if err := db.Pool().QueryRow(t.Context(), `SELECT nextval('river_job_id_seq')`).Scan(&next); err != nil || next <= 5000 {
		t.Errorf("the next one is %d: %v", next, err)
	}
}

// Without any job there is nothing to skip.
func TestNothingToSkip(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if err := db.SkipJobIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	var next int64
	if err := db.Pool().QueryRow(t.Context(), `SELECT nextval('river_job_id_seq')`).Scan(&next); err != nil || next > 10 {
		t.Errorf("the next one is %d: %v", next, err)
	}
}

// Only what an instance runs is ended by it: after a failover to a replica that lags,
// the id of a job in memory may be that of another one in the table.
func TestEndJobsLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	exec(t, db, `
		INSERT INTO river_job (id, state, max_attempts, kind, args, attempted_at, scheduled_at, attempted_by)
		VALUES (1, 'running', 1, 'x', '{}', now(), now(), '{other,me}'), (2, 'running', 1, 'x', '{}', now(), now(), '{me,other}'),
		       (3, 'scheduled', 1, 'x', '{}', NULL, now() + interval '1 day', '{me}'), (4, 'available', 1, 'x', '{}', NULL, now(), NULL),
		       (5, 'running', 1, 'x', '{}', now(), now(), '{me}'), (6, 'running', 1, 'x', '{}', now(), now(), '{other}')`)
	if err := db.EndJobs(t.Context(), "me", []int64{1, 2, 3, 4}, []postgres.Snooze{{JobID: 5, Wait: time.Hour}, {JobID: 6, Wait: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := db.Pool().QueryRow(t.Context(), `SELECT array_agg(id || ' ' || state ORDER BY id) FROM river_job`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	want := []string{"2 running", "3 scheduled", "4 available", "5 scheduled", "6 running"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("jobs that are left (-want +got)\n%s", diff)
	}
}
