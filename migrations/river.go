package migrations

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverSteps are the steps that bring River's tables from one pinned version of
// its own migrations to another. A River release with a new migration adds a
// step here; one that has landed never changes.
var riverSteps = map[int64]struct {
	name     string
	from, to int
}{
	1: {"00001_create_river.go", -1, 8},
}

// river returns the Go steps. River's migrator speaks only pgx, so a step runs
// on connections beside goose's own; it is idempotent at a target, so a crash
// between the two is mended by running it again.
func river(cfg *pgxpool.Config) []*goose.Migration {
	var steps []*goose.Migration
	for version, s := range riverSteps {
		steps = append(steps, goose.NewGoMigration(version,
			&goose.GoFunc{RunDB: migrateRiver(cfg, rivermigrate.DirectionUp, s.to)},
			&goose.GoFunc{RunDB: migrateRiver(cfg, rivermigrate.DirectionDown, s.from)},
		))
	}
	return steps
}

func migrateRiver(cfg *pgxpool.Config, direction rivermigrate.Direction, target int) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, _ *sql.DB) error {
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return fmt.Errorf("connect for river: %w", err)
		}
		defer pool.Close()
		m, err := rivermigrate.New(riverpgxv5.New(pool), nil)
		if err != nil {
			return fmt.Errorf("read river migrations: %w", err)
		}
		if _, err := m.Migrate(ctx, direction, &rivermigrate.MigrateOpts{TargetVersion: target}); err != nil {
			return fmt.Errorf("migrate river to %d: %w", target, err)
		}
		return nil
	}
}
