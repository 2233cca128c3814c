package past

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/cmd/bench/internal/database"
	"belfry/cmd/bench/internal/process"
)

// Command fills a database. Belfry may run on it or not.
type Command struct {
	DatabaseURL string `name:"database-url" help:"A migrated database with at least eight destinations." required:"" placeholder:"URL"`
	Alerts      int    `help:"How many alerts. Each has two deliveries on average, and each of those 2.5 attempts." default:"1000000"`
	Days        int    `help:"Over how many days, until yesterday. Retention drops what is older than it is set to." default:"25"`
}

// Run seeds and says what is there then.
func (c *Command) Run(ctx context.Context, to process.Streams) error {
	return Seed(ctx, c.DatabaseURL, c.Alerts, c.Days, to.Err)
}

const (
	seedChunk   = 25 * block // alerts in one transaction
	seedWorkers = 2
	// seedEnds is how long ago the newest alert is: the last retry of one that
	// failed comes 16 hours after its first.
	seedEnds = 18 * time.Hour
)

// past is what is to be made up.
type past struct {
	pool         *pgxpool.Pool
	count        int
	from, until  time.Time
	destinations []uuid.UUID
}

// Seed fills a database and leaves it as one that has been there for weeks: with
// statistics, and nothing for autovacuum to do.
func Seed(ctx context.Context, url string, alerts, days int, progress io.Writer) error {
	if alerts < 1 || days < 1 {
		return errors.New("seed: at least one alert and one day")
	}
	pool, err := database.OpenPool(ctx, url, seedWorkers)
	if err != nil {
		return err
	}
	defer pool.Close()
	p := &past{pool: pool, count: alerts, until: time.Now().Add(-seedEnds).UTC().Truncate(time.Millisecond)}
	p.from = p.until.AddDate(0, 0, -days)
	if p.destinations, err = existing(ctx, pool); err != nil {
		return err
	}
	began := time.Now()
	if err := p.fill(ctx, progress); err != nil {
		return err
	}
	fmt.Fprintf(progress, "seeded %d alerts in %v\n", alerts, time.Since(began).Round(time.Second))
	return nil
}

// existing returns the destinations that there are.
func existing(ctx context.Context, pool *pgxpool.Pool) ([]uuid.UUID, error) {
	const query = `
		SELECT id
		FROM destinations
		WHERE deleted_at IS NULL
		ORDER BY id`
	rows, err := pool.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select destinations: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("select destinations: %w", err)
	}
	if len(ids) < Destinations {
		return nil, fmt.Errorf("seed: there are %d destinations; create at least %d first", len(ids), Destinations)
	}
	return ids, nil
}

// fill makes the partitions, and all rows.
func (p *past) fill(ctx context.Context, progress io.Writer) error {
	for at := p.from; at.Before(time.Now().AddDate(0, 0, 7)); at = at.AddDate(0, 0, 7) {
		if _, err := p.pool.Exec(ctx, `SELECT attempts_partition($1)`, at); err != nil {
			return fmt.Errorf("make partition: %w", err)
		}
	}
	if err := p.insertAll(ctx, progress); err != nil {
		return err
	}
	for _, table := range []string{"alerts", "deliveries", "attempts"} {
		if _, err := p.pool.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	return nil
}

// insertAll has workers insert chunks, until all are done or one goes wrong.
func (p *past) insertAll(ctx context.Context, progress io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan int)
	var inserting sync.WaitGroup
	for range seedWorkers {
		inserting.Go(func() {
			for first := range chunks {
				if err := p.insertChunk(ctx, first, min(first+seedChunk, p.count)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for first := 0; first < p.count && ctx.Err() == nil; first += seedChunk {
		if first > 0 && first%(40*seedChunk) == 0 {
			fmt.Fprintf(progress, "seeded %d of %d alerts\n", first, p.count)
		}
		select {
		case chunks <- first:
		case <-ctx.Done():
		}
	}
	close(chunks)
	inserting.Wait()
	return context.Cause(ctx)
}

// insertChunk writes alerts with all that belongs to them in one transaction.
func (p *past) insertChunk(ctx context.Context, first, end int) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if err := withoutReferences(ctx, tx); err != nil {
			return err
		}
		for _, setting := range []string{"SET LOCAL work_mem = '64MB'", "SET LOCAL jit = off", "SET LOCAL synchronous_commit = off"} {
			if _, err := tx.Exec(ctx, setting); err != nil {
				return fmt.Errorf("set: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, insertAll, first, end, p.count, p.from, p.until, p.destinations); err != nil {
			return fmt.Errorf("insert alerts from %d on: %w", first, err)
		}
		return nil
	})
}

// withoutReferences leaves out the checks of foreign keys, which hold by how the
// rows are made. A role that may not is slower.
func withoutReferences(ctx context.Context, tx pgx.Tx) error {
	err := pgx.BeginFunc(ctx, tx, func(nested pgx.Tx) error {
		_, err := nested.Exec(ctx, "SET LOCAL session_replication_role = replica")
		return err
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leave out references: %w", err)
	}
	return nil
}
