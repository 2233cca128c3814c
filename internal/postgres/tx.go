package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is a transaction begun by InTx. What its methods write without a word back
// goes to the database with the next question, or with COMMIT: then only is its
// error known.
type Tx struct {
	queries
	trips *trips
	after []func()
}

// AfterCommit has fn called once the transaction is known to have been
// committed.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Pgx returns the transaction underneath, for River.
func (tx *Tx) Pgx(ctx context.Context) (pgx.Tx, error) {
	err := tx.trips.flush(ctx)
	return tx.trips.tx, err
}

// InTx runs fn in a transaction, which commits if fn returns nil and is rolled
// back otherwise.
func (db *DB) InTx(ctx context.Context, fn func(*Tx) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // closes it should it still be in a transaction
	t := newTrips(conn.Conn())
	tx := &Tx{queries: queries{t, db.box, db.opened, db.spare}, trips: t}
	if err = fn(tx); err == nil {
		err = t.commit(ctx)
	}
	if err != nil {
		t.rollback(ctx)
		return err
	}
	for _, after := range tx.after {
		after()
	}
	return nil
}

// trips is a transaction's way to the database and back. Each round trip costs
// both processes a turn at the CPU, and on a busy machine a wait for it: so
// BEGIN, and what nobody waits for an answer to, goes with the next that
// somebody does.
type trips struct {
	conn *pgx.Conn
	tx   pgx.Tx // nil before the first
	next *pgx.Batch
}

func newTrips(conn *pgx.Conn) *trips {
	t := &trips{conn: conn, next: &pgx.Batch{}}
	t.next.BeginTx(pgx.TxOptions{})
	return t
}

// later adds a statement to the next trip; what says in an error what it was to do.
func (t *trips) later(what, sql string, args ...any) {
	t.next.Queue(sql, args...).Fn = func(br pgx.BatchResults) error {
		if _, err := br.Exec(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
}

// SendBatch sends what waits and then b.
func (t *trips) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	all := t.next
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	t.next = &pgx.Batch{}
	results := t.conn.SendBatch(ctx, all)
	if t.tx == nil {
		t.tx = results.Tx()
	}
	return results
}

func (t *trips) flush(ctx context.Context) error {
	if t.next.Len() == 0 {
		return nil
	}
	return t.SendBatch(ctx, &pgx.Batch{}).Close()
}

// Exec sends what waits, and apart from that a statement.
func (t *trips) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.flush(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.tx.Exec(ctx, sql, args...)
}

// Query sends what waits, and apart from that a query.
func (t *trips) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	return t.tx.Query(ctx, sql, args...)
}

// QueryRow is Query for one row.
func (t *trips) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.flush(ctx); err != nil {
		return failedRow{err}
	}
	return t.tx.QueryRow(ctx, sql, args...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// commit sends what waits and COMMIT with it. Where nothing was ever sent there
// is nothing to commit.
func (t *trips) commit(ctx context.Context) error {
	if t.tx == nil && t.next.Len() == 1 {
		return nil
	}
	var tag pgconn.CommandTag
	b := &pgx.Batch{}
	b.Queue("commit").Exec(func(got pgconn.CommandTag) error {
		tag = got
		return nil
	})
	err := t.SendBatch(ctx, b).Close()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "BF001" {
		return ErrChanged
	}
	if err == nil && tag.String() != "COMMIT" {
		return pgx.ErrTxCommitRollback
	}
	return err
}

func (t *trips) rollback(ctx context.Context) {
	if pg := t.conn.PgConn(); !pg.IsClosed() && pg.TxStatus() != 'I' {
		_, _ = t.conn.Exec(ctx, "rollback") // should it fail, the connection is closed
	}
}
