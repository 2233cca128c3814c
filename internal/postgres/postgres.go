// Package postgres stores everything we keep. All of the program's SQL is here
// and in migrations.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"belfry/internal/secret"
)

var (
	// ErrNotFound is returned when no row has the given id.
	ErrNotFound = errors.New("not found")

	// ErrNameTaken is returned when another destination has the same name.
	ErrNameTaken = errors.New("the name is taken")

	// ErrVersion is returned when a destination is no longer the version that the
	// caller read.
	ErrVersion = errors.New("changed since it was read")

	// ErrChanged is returned by a COMMIT that found rows changed since they were read
	// without a lock: nothing is stored. See Tx.StoreAcks.
	ErrChanged = errors.New("rows have changed since they were read")
)

// DB is the database. Its methods each run on their own; use InTx to make
// several happen together.
type DB struct {
	queries
	pool *pgxpool.Pool
}

// queries holds the methods that DB and Tx share.
type queries struct {
	q      querier
	box    *secret.Box
	opened *opened
	jobIDs *idBlock
}

// querier is what a pool and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Options says how to connect.
type Options struct {
	URL      string // a connection URL or key/value string
	MaxConns int
	Name     string        // application_name, seen in pg_stat_activity
	Timeout  time.Duration // of one statement; 0 for none
	Box      *secret.Box   // seals and opens settings; nil where nothing sealed is touched

	// ByKey says that every statement looks up few rows by an index. A plan is
	// kept as long as its connection, and one made while the tables were empty
	// would read all of them when they no longer are.
	ByKey bool
}

// Open prepares a pool of connections and checks that the database answers.
func Open(ctx context.Context, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read; it looks like postgres://user:password@host:5432/name")
	}
	cfg.MaxConns = int32(o.MaxConns)
	cfg.MaxConnLifetimeJitter = time.Minute
	cfg.HealthCheckPeriod = 15 * time.Second
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.ConnConfig.RuntimeParams["application_name"] = o.Name
	cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "5000" // a replica that stands still must not keep its locks from the others
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = fmt.Sprint(o.Timeout.Milliseconds())
	cfg.ConnConfig.RuntimeParams["jit"] = "off" // no statement of ours runs long enough to be worth compiling
	if o.ByKey {
		for _, way := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
			cfg.ConnConfig.RuntimeParams[way] = "off"
		}
		cfg.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan" // planning again costs more than a better plan can save
	} else {
		// A bitmap forgets the order of its index: a page of a list would read all that
		// match to sort them. The planner takes one where it expects few.
		for _, way := range []string{"enable_seqscan", "enable_bitmapscan"} {
			cfg.ConnConfig.RuntimeParams[way] = "off"
		}
		cfg.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan" // a filter that is not given is not planned for
	}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // otherwise each id is converted to text and back
		registerColumns(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	return &DB{queries{pool, o.Box, newOpened(), new(idBlock)}, pool}, nil
}

// Close waits for running queries and closes every connection.
func (db *DB) Close() { db.pool.Close() }

// Pool returns the pool underneath, for River and goose.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// IsData reports whether the database refused the data, so that the same data will be
// refused again. All other errors may pass: a lost connection, a restart, a full disk, a
// deadlock, a missing partition.
func IsData(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 || IsMissingPartition(err) {
		return false
	}
	switch pg.Code[:2] {
	case "21", "22", "23", "44", "54": // cardinality, data, integrity, check option, program limit
		return true
	}
	return false
}

// Forget drops what this process keeps in memory of the database: the block of job ids and
// the opened destinations.
func (db *DB) Forget() {
	db.jobIDs.put(nil)
	db.opened.Purge()
}

// IsJobTaken reports whether err says that a new job was given an id that another has.
func IsJobTaken(err error) bool { return violates(err, "river_job_pkey") }

// IsMissingPartition reports whether err says that a row has no partition to go to.
func IsMissingPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == "" && pg.TableName == "attempts"
}

// notFound turns pgx's word for an empty result into ours.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// violates reports whether err is the violation of the named constraint.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// IsRefused reports whether err is an answer of the database, as opposed to the
// lack of one.
func IsRefused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code[:2] != "57" && pg.Code[:2] != "53" // shut down, out of resources
}

// IsSchema reports whether err says that the database has no such table, column,
// function or index: it is not of this program's version.
func IsSchema(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && len(pg.Code) == 5 && pg.Code[:2] == "42" && pg.Code != "42501" // which is a missing permission
}

// IsPassword reports whether the database did not take the password.
func IsPassword(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "28P01"
}

// IsAway reports whether err says that the database could not be asked: no
// connection, a connection that broke, or a server that is starting or stopping.
func IsAway(err error) bool {
	var (
		connect *pgconn.ConnectError
		pg      *pgconn.PgError
		network net.Error
	)
	switch {
	case errors.As(err, &pg) && errors.As(err, &connect) && pg.Code == "55000": // it takes no connections
		return true
	case errors.As(err, &pg):
		return pg.Code[:2] == "57" && pg.Code != "57014" || pg.Code[:2] == "53" || pg.Code[:2] == "08"
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return pgconn.SafeToRetry(err)
}
