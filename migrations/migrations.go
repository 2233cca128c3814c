// Package migrations brings a database to the schema this program was built
// for: numbered goose steps, the job queue's own among them.
package migrations

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
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
}

// Up applies every missing step and returns those it applied. Several processes
// may call it at once: one migrates, the others wait and find nothing to do.
func Up(ctx context.Context, pool *pgxpool.Pool) ([]Step, error) {
	var done []Step
	err := withProvider(pool, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			done = append(done, Step{r.Source.Version, name(r.Source), true})
		}
		return err
	})
	if err != nil {
		return done, fmt.Errorf("migrate up: %w", err)
	}
	return done, nil
}

// Down takes back the newest step and returns it.
func Down(ctx context.Context, pool *pgxpool.Pool) (Step, error) {
	var undone Step
	err := withProvider(pool, func(p *goose.Provider) error {
		r, err := p.Down(ctx)
		if r != nil {
			undone = Step{r.Source.Version, name(r.Source), false}
		}
		return err
	})
	if err != nil {
		return undone, fmt.Errorf("migrate down: %w", err)
	}
	return undone, nil
}

// Status returns every step in order. It changes nothing: goose itself would
// make its table in an empty database.
func Status(ctx context.Context, pool *pgxpool.Pool) ([]Step, error) {
	var (
		steps []Step
		begun bool
	)
	const query = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	if err := pool.QueryRow(ctx, query).Scan(&begun); err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	err := withProvider(pool, func(p *goose.Provider) error {
		if !begun {
			for _, s := range p.ListSources() {
				steps = append(steps, Step{s.Version, name(s), false})
			}
			return nil
		}
		all, err := p.Status(ctx)
		for _, s := range all {
			steps = append(steps, Step{s.Source.Version, name(s.Source), s.State == goose.StateApplied})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	return steps, nil
}

// withProvider opens goose on the pool, with a lock that makes replicas take
// turns and goes with its connection.
func withProvider(pool *pgxpool.Pool, fn func(*goose.Provider) error) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close() //nolint:errcheck // the pool stays open
	turns, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS,
		goose.WithSessionLocker(turns),
		goose.WithGoMigrations(river(pool)...),
		goose.WithDisableGlobalRegistry(true),
	)
	if err != nil {
		return err
	}
	return fn(p)
}

func name(s *goose.Source) string {
	if s.Path == "" {
		return riverSteps[s.Version].name
	}
	return s.Path
}
