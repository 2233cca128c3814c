package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// How many rows a list scans, and a count of each status.
const (
	MaxScanned   = maxScanned
	CountByIndex = countByIndex
)

// SelectQueues is what accepting reads of the destinations that alerts go to.
const SelectQueues = selectQueues

// Watch returns db so that see is called with each query before it is made.
func Watch(db *DB, see func(sql string, args []any)) *DB {
	return &DB{queries: queries{q: watched{db.q, see}, box: db.box}, pool: db.pool}
}

type watched struct {
	querier
	see func(sql string, args []any)
}

func (w watched) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	w.see(sql, args)
	return w.querier.Query(ctx, sql, args...)
}

func (w watched) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	w.see(sql, args)
	return w.querier.Exec(ctx, sql, args...)
}

func (w watched) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	w.see(sql, args)
	return w.querier.QueryRow(ctx, sql, args...)
}

// WatchTx is Watch for a transaction.
func WatchTx(tx *Tx, see func(sql string, args []any)) *Tx {
	q := tx.queries
	q.q = watched{tx.q, see}
	return &Tx{queries: q, pipeline: tx.pipeline}
}
