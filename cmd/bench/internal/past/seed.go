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
	DatabaseURL string `name:"database-url" help:"A migrated database with at least four destinations." required:"" placeholder:"URL"`
	Alerts      int    `help:"How many alerts. Each has two deliveries on average, and each of those 2.5 attempts." default:"1000000"`
	Days        int    `help:"Over how many days, until yesterday. Retention drops what is older than it is set to." default:"25"`
}

// Run seeds and says what is there then.
func (c *Command) Run(ctx context.Context, to process.Streams) error {
	return Seed(ctx, c.DatabaseURL, c.Alerts, c.Days, to.Err)
}

const (
	seedChunk   = 2000 // alerts in one transaction: a multiple of block
	seedWorkers = 2
	// seedEnds is how long ago the newest alert is: the last retry of one that
	// failed comes 16 hours after its first.
	seedEnds = 18 * time.Hour
)

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
	p := &past{count: alerts, until: time.Now().Add(-seedEnds).UTC().Truncate(time.Millisecond)}
	p.from = p.until.AddDate(0, 0, -days)
	p.seed = uint64(p.until.UnixNano())
	if p.destinations, err = p.prepare(ctx, pool); err != nil {
		return err
	}
	began := time.Now()
	if err := p.copyAll(ctx, pool, progress); err != nil {
		return err
	}
	for _, table := range []string{"alerts", "deliveries", "attempts"} {
		if _, err := pool.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	fmt.Fprintf(progress, "seeded %d alerts in %v\n", alerts, time.Since(began).Round(time.Second))
	return nil
}

// prepare makes the partitions and returns the destinations.
func (p *past) prepare(ctx context.Context, pool *pgxpool.Pool) ([]uuid.UUID, error) {
	for at := p.from; at.Before(time.Now().AddDate(0, 0, 7)); at = at.AddDate(0, 0, 7) {
		if _, err := pool.Exec(ctx, `SELECT attempts_partition($1)`, at); err != nil {
			return nil, fmt.Errorf("make partition: %w", err)
		}
	}
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
	if len(ids) < widest {
		return nil, fmt.Errorf("seed: there are %d destinations; create at least %d first", len(ids), widest)
	}
	return ids, nil
}

// copyAll has workers copy chunks, until all are done or one goes wrong.
func (p *past) copyAll(ctx context.Context, pool *pgxpool.Pool, progress io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan int)
	var copying sync.WaitGroup
	for range seedWorkers {
		copying.Go(func() {
			for first := range chunks {
				if err := p.copyChunk(ctx, pool, first, min(seedChunk, p.count-first)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for first := 0; first < p.count && ctx.Err() == nil; first += seedChunk {
		if first > 0 && first%(50*seedChunk) == 0 {
			fmt.Fprintf(progress, "seeded %d of %d alerts\n", first, p.count)
		}
		select {
		case chunks <- first:
		case <-ctx.Done():
		}
	}
	close(chunks)
	copying.Wait()
	return context.Cause(ctx)
}

// copyChunk writes alerts with all that belongs to them in one transaction.
func (p *past) copyChunk(ctx context.Context, pool *pgxpool.Pool, first, n int) error {
	var rows seedRows
	for i := first; i < first+n; i++ {
		p.alert(i, &rows)
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := withoutReferences(ctx, tx); err != nil {
			return err
		}
		for _, t := range []struct {
			table   string
			columns []string
			rows    [][]any
		}{
			{"alerts", alertColumns, rows.alerts},
			{"deliveries", deliveryColumns, rows.deliveries},
			{"attempts", attemptColumns, rows.attempts},
		} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return fmt.Errorf("copy %s: %w", t.table, err)
			}
		}
		return nil
	})
}

// withoutReferences leaves out the checks of foreign keys, which take most of the
// time and hold by how the rows are made. A role that may not is slower.
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
