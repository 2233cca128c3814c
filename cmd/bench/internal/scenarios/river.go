package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"belfry/cmd/bench/internal/database"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// riverJobs is how many jobs it works.
const riverJobs = 100_000

type nothing struct {
	Number int `json:"number"`
}

// Kind implements river.JobArgs.
func (nothing) Kind() string { return "nothing" }

// nothingWorker only counts down.
type nothingWorker struct {
	river.WorkerDefaults[nothing]
	left atomic.Int64
	done chan struct{}
}

// Work implements river.Worker.
func (w *nothingWorker) Work(context.Context, *river.Job[nothing]) error {
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
	return nil
}

// riverLimit is River alone, on jobs that are there already and do nothing.
func riverLimit(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	const name = "bench_river"
	databaseURL, err := b.Cluster.Create(ctx, name, "")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.Cluster.Drop(context.WithoutCancel(ctx), name)) }()
	pool, err := database.OpenPool(ctx, databaseURL, 12) // as many as Belfry's dispatcher has
	if err != nil {
		return r, err
	}
	defer pool.Close()
	jobs := b.Scaled(riverJobs)
	worker := &nothingWorker{done: make(chan struct{})}
	worker.left.Store(int64(jobs))
	queue, err := insertJobs(ctx, pool, worker, jobs)
	if err != nil {
		return r, err
	}
	if err := b.Cluster.Checkpoint(ctx); err != nil {
		return r, err
	}
	began := time.Now()
	if err := queue.Start(ctx); err != nil {
		return r, fmt.Errorf("start river: %w", err)
	}
	last, err := worker.allCompleted(ctx, pool)
	if err := errors.Join(err, queue.Stop(context.WithoutCancel(ctx))); err != nil {
		return r, fmt.Errorf("work river's jobs: %w", err)
	}
	r.Deliveries, r.PerSecond = jobs, float64(jobs)/last.Sub(began).Seconds()
	return r, nil
}

// insertJobs prepares a River on an empty database, and its jobs.
func insertJobs(ctx context.Context, pool *pgxpool.Pool, worker *nothingWorker, jobs int) (*river.Client[pgx.Tx], error) {
	driver := riverpgxv5.New(pool)
	m, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, fmt.Errorf("read river migrations: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("migrate river: %w", err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, worker)
	queue, err := river.NewClient(driver, &river.Config{
		Logger:        slog.New(slog.NewTextHandler(io.Discard, nil)),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1000}},
		Workers:       workers,
		FetchCooldown: 2 * time.Millisecond, // as Belfry's
	})
	if err != nil {
		return nil, fmt.Errorf("create river: %w", err)
	}
	for first := 0; first < jobs; first += 5000 {
		params := make([]river.InsertManyParams, min(5000, jobs-first))
		for i := range params {
			params[i].Args = nothing{first + i}
		}
		if _, err := queue.InsertManyFast(ctx, params); err != nil {
			return nil, fmt.Errorf("insert jobs: %w", err)
		}
	}
	_, err = pool.Exec(ctx, "ANALYZE river_job")
	return queue, err
}

// allCompleted waits until all jobs are done and written down as such, and
// returns when that was.
func (w *nothingWorker) allCompleted(ctx context.Context, pool *pgxpool.Pool) (time.Time, error) {
	const query = `
		SELECT EXISTS (
			SELECT FROM river_job
			WHERE state <> 'completed'
		)`
	select {
	case <-w.done:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	for {
		var left bool
		if err := pool.QueryRow(ctx, query).Scan(&left); err != nil || !left {
			return time.Now(), err
		}
		if err := stage.Pause(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, err
		}
	}
}
