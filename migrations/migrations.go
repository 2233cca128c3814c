// Package migrations brings a database to the schema this program was built
// for: numbered goose steps, the job queue's own among them.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
)

// FS contains the SQL steps. A Go step stands in river.go.
//
//go:embed *.sql
var FS embed.FS

// Step is one numbered migration and whether the database has it.
type Step struct {
	Version int64
	Name    string
	Applied bool
	Unknown bool // applied by a newer program; this one has no such step
}

// ErrNewer is returned when a newer program has migrated the database: it has
// steps that this program does not know.
var ErrNewer = errors.New("the database is newer than this program")

// ErrNone is returned when there is no step to take back.
var ErrNone = errors.New("no migration is applied")

// Up applies every missing step and returns those it applied. Several processes
// may call it at once: one migrates, the others wait and find nothing to do. It
// may end at any moment, and goes on where it ended when it is called again. tell
// is called with what it waits for. When nothing is missing and the database has
// steps that this program does not know, it changes nothing and returns ErrNewer.
// Where a missing step needs servers stopped that run, it changes nothing and returns
// ErrServersRun.
func Up(ctx context.Context, pool *pgxpool.Pool, tell func(string)) ([]Step, error) {
	steps, err := Status(ctx, pool)
	if err == nil {
		err = checkStopped(ctx, pool, steps)
	}
	if err != nil {
		return nil, err
	}
	return apply(ctx, pool, tell, steps)
}

// UpRegardless is Up, whatever servers run.
func UpRegardless(ctx context.Context, pool *pgxpool.Pool, tell func(string)) ([]Step, error) {
	steps, err := Status(ctx, pool)
	if err != nil {
		return nil, err
	}
	return apply(ctx, pool, tell, steps)
}

func apply(ctx context.Context, pool *pgxpool.Pool, tell func(string), steps []Step) ([]Step, error) {
	var done []Step
	for _, s := range steps {
		if s.Applied {
			continue
		}
		err := persist(ctx, pool, tell, s.Name, func() error { return run(ctx, pool, s, up) })
		if errors.Is(err, goose.ErrAlreadyApplied) {
			continue // by another process
		}
		if err != nil {
			return done, fmt.Errorf("migrate up: %w", err)
		}
		s.Applied = true
		done = append(done, s)
	}
	if err := Newer(steps); err != nil && len(done) == 0 {
		return nil, err
	}
	return done, nil
}

// Down takes back the newest step and returns it. It may end at any moment, as Up.
func Down(ctx context.Context, pool *pgxpool.Pool, tell func(string)) (Step, error) {
	steps, err := Status(ctx, pool)
	if err == nil {
		err = Newer(steps)
	}
	if err != nil {
		return Step{}, fmt.Errorf("migrate down: %w", err)
	}
	for _, s := range slices.Backward(steps) {
		if !s.Applied {
			continue
		}
		if err := persist(ctx, pool, tell, s.Name, func() error { return run(ctx, pool, s, down) }); err != nil {
			return Step{}, fmt.Errorf("migrate down: %w", err)
		}
		s.Applied = false
		return s, nil
	}
	return Step{}, ErrNone
}

// Status returns every step in order, and then those that only a newer program
// knows. It changes nothing and waits for nobody, where goose would make its table
// in an empty database and wait while another process migrates.
func Status(ctx context.Context, pool *pgxpool.Pool) ([]Step, error) {
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	steps, err := known()
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	for i, s := range steps {
		if at, ok := slices.BinarySearch(applied, s.Version); ok {
			steps[i].Applied = true
			applied = slices.Delete(applied, at, at+1)
		}
	}
	for _, version := range applied {
		steps = append(steps, Step{Version: version, Name: fmt.Sprintf("%05d (of a newer version)", version), Applied: true, Unknown: true})
	}
	return steps, nil
}

// Missing returns the steps that this program has and the database lacks, in order.
// It reads a few dozen rows, so that a server can ask again and again: somebody may
// take a step back while it runs.
func Missing(ctx context.Context, pool *pgxpool.Pool) ([]Step, error) {
	steps, err := Status(ctx, pool)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return s.Applied }), nil
}

// appliedVersions returns the versions that the database has, in order.
func appliedVersions(ctx context.Context, pool *pgxpool.Pool) ([]int64, error) {
	const begun = `
		SELECT to_regclass('goose_db_version') IS NOT NULL`
	var any bool
	if err := pool.QueryRow(ctx, begun).Scan(&any); err != nil || !any {
		return nil, err
	}
	const query = `
		SELECT DISTINCT version_id
		FROM goose_db_version
		WHERE is_applied AND version_id > 0
		ORDER BY version_id`
	rows, err := pool.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// Newer returns ErrNewer, with by how much, if among the steps of a database are
// some that this program does not know.
func Newer(steps []Step) error {
	unknown, last := 0, int64(0)
	for _, s := range steps {
		if s.Unknown {
			unknown++
		} else {
			last = max(last, s.Version)
		}
	}
	if unknown == 0 {
		return nil
	}
	return fmt.Errorf("%w: it is at migration %d, this program knows %d as the last; %d of its migrations are unknown here",
		ErrNewer, steps[len(steps)-1].Version, last, unknown)
}
