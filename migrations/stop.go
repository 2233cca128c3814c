package migrations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// stops are the steps beside which no server can run that does not know them: they
// rename or drop what the version before reads. Up applies them only when all such
// servers are stopped. Any other step is one that the version before runs on.
var stops = []int64{
	49,         // renames alerts.nowhere
	50, 51, 52, // rename not_answering, in columns and as the reason of held deliveries
	57, // makes max_in_flight a ceiling, that high that only newer servers may read it
}

// ErrServersRun is returned when a step needs servers stopped, and some run.
var ErrServersRun = errors.New("servers of an older version run")

// Newest returns the version of the last step that this program has: what a server of
// it knows.
func Newest() (int64, error) {
	steps, err := sources()
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	return steps[len(steps)-1].Version, nil
}

// checkStopped returns ErrServersRun, with which, if a missing step needs servers
// stopped that run.
func checkStopped(ctx context.Context, pool *pgxpool.Pool, steps []Step) error {
	for _, s := range steps {
		if s.Applied || !slices.Contains(stops, s.Version) {
			continue
		}
		running, err := olderServers(ctx, pool, s.Version)
		if err != nil {
			return fmt.Errorf("look for servers: %w", err)
		}
		if len(running) > 0 {
			return fmt.Errorf("%w: %s needs them stopped before it is applied, and these run: %s. Nothing was changed. "+
				"Stop them, and try again; one that was killed counts for ten seconds more. "+
				"`belfry migrate up --force` does not look for them: those that run will fail until they are replaced",
				ErrServersRun, s.Name, strings.Join(running, "; "))
		}
	}
	return nil
}

// olderServers returns the servers that are alive on a database and do not know a step,
// in words. Alive is one with a heartbeat within ten seconds. What it knows is in the
// name of the connection that holds its lock (postgres.Presence); versions from before
// that was written there know no step that could ask.
func olderServers(ctx context.Context, pool *pgxpool.Pool, step int64) ([]string, error) {
	const begun = `
		SELECT to_regclass('instances') IS NOT NULL`
	var any bool
	if err := pool.QueryRow(ctx, begun).Scan(&any); err != nil || !any {
		return nil, err
	}
	const query = `
		SELECT i.id, i.version, extract(epoch FROM now() - i.seen_at)::integer
		FROM instances i
		WHERE i.seen_at >= now() - interval '10 seconds' AND NOT EXISTS (
			SELECT
			FROM pg_locks l
			JOIN pg_stat_activity a ON a.pid = l.pid
			WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
			  AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('belfry instance ' || i.id, 0)
			  AND substring(a.application_name FROM ' schema ([0-9]+)$')::bigint >= $1)
		ORDER BY i.started_at, i.id`
	rows, err := pool.Query(ctx, query, step)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var (
			id, version string
			seconds     int
		)
		err := row.Scan(&id, &version, &seconds)
		return fmt.Sprintf("version %s (instance %s, last heartbeat %d s ago)", version, id, seconds), err
	})
}
