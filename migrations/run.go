package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// lockTimeout is how long a statement of a step waits for a lock. Whoever wants to
// read a table stands behind a step that waits to change it, and no longer than
// this: then the step gives up, lets them through, and tries again.
var lockTimeout = 2 * time.Second

// Pauses between tries: the first, and the most they grow to. So readers have the
// table to themselves most of the time.
var (
	firstPause = time.Second
	mostPause  = 5 * time.Second
)

// maxTries bounds how long a step is tried: for about a quarter of an hour.
const maxTries = 130

const (
	up   = true
	down = false
)

// persist runs a step until no lock is in its way any more.
func persist(ctx context.Context, pool *pgxpool.Pool, tell func(string), name string, step func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := step()
		if !isLocked(err) || try == maxTries {
			return err
		}
		tell(fmt.Sprintf("%s waits for a lock%s; trying again in %s", name, oldest(ctx, pool), pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
		pause = min(2*pause, mostPause)
	}
}

// isLocked reports whether err says that somebody else's lock was in the way, for
// too long or as part of a deadlock.
func isLocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

// oldest says who has had a transaction open for longest, which is most likely
// what is in the way; nothing, if nobody has or that is not known.
func oldest(ctx context.Context, pool *pgxpool.Pool) string {
	const query = `
		SELECT pid, application_name, extract(epoch FROM now() - xact_start)::integer
		FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
		ORDER BY xact_start
		LIMIT 1`
	var (
		pid, seconds int
		name         string
	)
	if pool.QueryRow(ctx, query).Scan(&pid, &name, &seconds) != nil {
		return ""
	}
	return fmt.Sprintf(" (the oldest open transaction is that of process %d, %q, since %d s)", pid, name, seconds)
}

// run carries one step out, in one direction, with a lock that makes processes take
// turns and goes with its connection.
func run(ctx context.Context, pool *pgxpool.Pool, s Step, direction bool) error {
	return withProvider(pool, s, func(p *goose.Provider) error {
		_, err := p.ApplyVersion(ctx, s.Version, direction)
		return err
	})
}

// withProvider opens goose with connections of its own, as a step needs them.
func withProvider(pool *pgxpool.Pool, s Step, fn func(*goose.Provider) error) error {
	cfg := pool.Config()
	maxLockWait := lockTimeout
	if concurrent(s) {
		maxLockWait = 0
	}
	for setting, value := range map[string]string{
		"lock_timeout":      fmt.Sprint(maxLockWait.Milliseconds()),
		"statement_timeout": "0",
	} {
		cfg.ConnConfig.RuntimeParams[setting] = value
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close() //nolint:errcheck // nothing is left to lose
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 15*60), lock.WithUnlockTimeout(1, 1))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS,
		goose.WithSessionLocker(turns),
		goose.WithGoMigrations(river(cfg)...),
		goose.WithDisableGlobalRegistry(true),
	)
	if err != nil {
		return err
	}
	return fn(p)
}

// concurrent reports whether a step runs without a transaction. Such a step has
// nothing but indexes to make and drop CONCURRENTLY, and rows to change a part at a
// time. It may wait long for transactions that are open, but keeps nobody waiting
// meanwhile: given up and begun again it would never end.
func concurrent(s Step) bool {
	text, err := fs.ReadFile(FS, s.Name)
	return err == nil && strings.Contains(string(text), "-- +goose NO TRANSACTION\n")
}

// known returns the steps that this program has, in order.
func known() ([]Step, error) {
	steps, err := sources()
	return slices.Clone(steps), err
}

// sources are read once: they are part of the program.
var sources = sync.OnceValues(func() ([]Step, error) {
	// It is not connected to: sources are read without.
	db := stdlib.OpenDB(pgx.ConnConfig{})
	defer db.Close() //nolint:errcheck // nothing is left to lose
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS,
		goose.WithGoMigrations(river(nil)...),
		goose.WithDisableGlobalRegistry(true),
	)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, s := range p.ListSources() {
		steps = append(steps, Step{Version: s.Version, Name: name(s)})
	}
	return steps, nil
})

func name(s *goose.Source) string {
	if s.Path == "" {
		return riverSteps[s.Version].name
	}
	return s.Path
}
