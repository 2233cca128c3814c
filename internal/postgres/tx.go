package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is a transaction begun by InTx. A method that returns no error writes to the
// pipeline: its statement goes to the database with the next one that has an answer, or
// with COMMIT. Only then is its error known.
type Tx struct {
	queries
	pipeline *pipeline
	after    []func()
}

// AfterCommit has fn called once the transaction is known to have been
// committed.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Pgx returns the transaction underneath, for River.
func (tx *Tx) Pgx(ctx context.Context) (pgx.Tx, error) {
	err := tx.pipeline.flush(ctx)
	return tx.pipeline.tx, err
}

// InTx runs fn in a transaction, which commits if fn returns nil and is rolled
// back otherwise.
func (db *DB) InTx(ctx context.Context, fn func(*Tx) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // closes the connection if it is still in a transaction
	p := newPipeline(conn.Conn())
	tx := &Tx{queries: queries{p, db.box, db.opened, db.jobIDs}, pipeline: p}
	if err = fn(tx); err == nil {
		err = p.commit(ctx)
	}
	if err != nil {
		p.rollback(ctx)
		return err
	}
	for _, after := range tx.after {
		after()
	}
	return nil
}

// pipeline sends a transaction's statements to the database. Each round trip costs both
// processes a turn at the CPU, and on a busy machine a wait for it. So BEGIN, and each
// statement whose answer nobody waits for, goes together with the next statement that
// has an answer.
type pipeline struct {
	conn *pgx.Conn
	tx   pgx.Tx // nil before the first round trip
	next *pgx.Batch
}

func newPipeline(conn *pgx.Conn) *pipeline {
	p := &pipeline{conn: conn, next: &pgx.Batch{}}
	p.next.BeginTx(pgx.TxOptions{})
	return p
}

// later adds a statement to the next round trip. what says in its error what it was to
// do.
func (p *pipeline) later(what, sql string, args ...any) {
	p.next.Queue(sql, args...).Fn = func(br pgx.BatchResults) error {
		if _, err := br.Exec(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
}

// SendBatch sends what waits and then b.
func (p *pipeline) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	all := p.next
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	p.next = &pgx.Batch{}
	results := p.conn.SendBatch(ctx, all)
	if p.tx == nil {
		p.tx = results.Tx()
	}
	return results
}

func (p *pipeline) flush(ctx context.Context) error {
	if p.next.Len() == 0 {
		return nil
	}
	return p.SendBatch(ctx, &pgx.Batch{}).Close()
}

// Exec sends what waits, and apart from that a statement.
func (p *pipeline) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := p.flush(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return p.tx.Exec(ctx, sql, args...)
}

// Query sends what waits, and apart from that a query.
func (p *pipeline) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.tx.Query(ctx, sql, args...)
}

// QueryRow is Query for one row.
func (p *pipeline) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := p.flush(ctx); err != nil {
		return failedRow{err}
	}
	return p.tx.QueryRow(ctx, sql, args...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// commit sends what waits and COMMIT with it. Where nothing was ever sent there
// is nothing to commit.
func (p *pipeline) commit(ctx context.Context) error {
	if p.tx == nil && p.next.Len() == 1 {
		return nil
	}
	var tag pgconn.CommandTag
	b := &pgx.Batch{}
	b.Queue("commit").Exec(func(got pgconn.CommandTag) error {
		tag = got
		return nil
	})
	err := p.SendBatch(ctx, b).Close()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "BF001" {
		return ErrChanged
	}
	if err == nil && tag.String() != "COMMIT" {
		return pgx.ErrTxCommitRollback
	}
	return err
}

func (p *pipeline) rollback(ctx context.Context) {
	if pg := p.conn.PgConn(); !pg.IsClosed() && pg.TxStatus() != 'I' {
		_, _ = p.conn.Exec(ctx, "rollback") // if it fails, the connection is closed
	}
}
