package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/internal/secret"
)

// Presence is how an instance shows that it lives: a row with the time of its last
// heartbeat, and an advisory lock on a connection of its own. A killed process loses
// its connections, and so the lock, at once. A process that stands still, or whose
// host is gone, keeps the lock but writes no more heartbeats.
type Presence struct {
	db   *DB
	me   Instance
	mu   sync.Mutex
	conn *pgx.Conn // that has the lock; nil before the first heartbeat and after one that failed
}

// Presence returns the presence of an instance. It begins with the first heartbeat.
func (db *DB) Presence(me Instance) *Presence { return &Presence{db: db, me: me} }

// Heartbeat writes that the instance is alive, by the database's clock, and returns
// how many that work are. When it fails the lock is gone as well.
func (p *Presence) Heartbeat(ctx context.Context) (workers int, err error) {
	const query = `
		WITH me AS (
			INSERT INTO instances (id, started_at, seen_at, version, roles, locks, sealing_key)
			VALUES ($1, now(), now(), $2, $3, true, $4)
			ON CONFLICT (id) DO UPDATE SET seen_at = now(), sealing_key = excluded.sealing_key
		)
		SELECT count(*)
		FROM instances
		WHERE 'worker' = ANY(roles) AND seen_at >= now() - interval '10 seconds' AND id <> $1`
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.lock(ctx); err != nil {
		return 0, fmt.Errorf("heartbeat: %w", err)
	}
	if err := p.conn.QueryRow(ctx, query, p.me.ID, p.me.Version, p.me.Roles, p.db.box.Primary()).Scan(&workers); err != nil {
		return 0, fmt.Errorf("heartbeat: %w", errors.Join(err, p.unlock(ctx)))
	}
	if slices.Contains(p.me.Roles, "worker") {
		workers++
	}
	return workers, nil
}

// lock takes a connection out of the pool for good, if there is none yet, and takes the
// lock with it. It waits while another instance holds the lock to take over our jobs.
func (p *Presence) lock(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	pooled, err := p.db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	p.conn = pooled.Hijack()
	const query = `
		SELECT set_config('application_name', current_setting('application_name') || ', schema ' || $2::text, false),
		       pg_advisory_lock(` + lockOfInstance + `)`
	if _, err := p.conn.Exec(ctx, query, p.me.ID, strconv.FormatInt(p.me.Schema, 10)); err != nil {
		return errors.Join(err, p.unlock(ctx))
	}
	return nil
}

// lockOfInstance is the key of the lock of the instance $1.
const lockOfInstance = `hashtextextended('belfry instance ' || $1, 0)`

func (p *Presence) unlock(ctx context.Context) error {
	if p.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	conn := p.conn
	p.conn = nil
	return conn.Close(ctx)
}

// Leave says that the instance has stopped in order.
func (p *Presence) Leave(ctx context.Context) error {
	const query = `
		DELETE FROM instances
		WHERE id = $1`
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.db.q.Exec(ctx, query, p.me.ID)
	if err = errors.Join(err, p.unlock(ctx)); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// Instance is one process on this database.
type Instance struct {
	ID        string
	Version   string
	Roles     []string
	StartedAt time.Time
	SeenAt    time.Time
	Alive     bool // wrote a heartbeat within ten seconds

	// Schema is the newest migration that it knows. It is in the name of the connection
	// with its lock, where a program that migrates looks for it.
	Schema int64 `db:"-"`

	// SealingKey is the key that it seals with, 0 for a version that does not say.
	SealingKey secret.KeyID
}

// Instances returns the processes on this database, oldest first. A dead process is among
// them until another one finds out.
func (q queries) Instances(ctx context.Context) ([]Instance, error) {
	const query = `
		SELECT id, version, roles, started_at, seen_at, seen_at >= now() - interval '10 seconds', coalesce(sealing_key, 0)
		FROM instances
		ORDER BY started_at, id`
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select instances: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Instance])
	if err != nil {
		return nil, fmt.Errorf("select instances: %w", err)
	}
	return list, nil
}

// SealingOtherwise returns the processes that are alive and seal with another key
// than this one.
func (q queries) SealingOtherwise(ctx context.Context, key secret.KeyID) ([]Instance, error) {
	list, err := q.Instances(ctx)
	return slices.DeleteFunc(list, func(i Instance) bool { return !i.Alive || i.SealingKey == key }), err
}

// TakeOverDead gives back the jobs of instances that are dead, but never the caller's,
// or not known any more, takes a dead leader's lease, and returns how many jobs it gave back. Dead
// is one without a heartbeat for three seconds that has lost its lock; and, if silent
// says so, one without a heartbeat for ten. The attempt that River counted at the fetch
// is taken back: a crash charges nothing.
func (q queries) TakeOverDead(ctx context.Context, caller string, silent bool) (int64, error) {
	const query = `
		WITH dead AS (
			DELETE FROM instances i
			WHERE i.id <> $2 AND CASE
				WHEN i.seen_at >= now() - interval '3 seconds' THEN false
				WHEN i.seen_at < now() - interval '10 seconds' AND $1 THEN true
				ELSE i.locks AND pg_try_advisory_xact_lock(hashtextextended('belfry instance ' || i.id, 0))
			END
			RETURNING i.id
		), living AS (
			SELECT id FROM instances
			EXCEPT
			SELECT id FROM dead
		), lease AS (
			DELETE FROM river_leader WHERE leader_id NOT IN (SELECT id FROM living)
		)
		UPDATE river_job
		SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		WHERE state = 'running'
		  AND attempted_by[array_upper(attempted_by, 1)] NOT IN (SELECT id FROM living)`
	tag, err := q.q.Exec(ctx, query, silent, caller)
	if err != nil {
		return 0, fmt.Errorf("take over dead instances: %w", err)
	}
	return tag.RowsAffected(), nil
}

// ForgetInstances forgets every instance but one. The caller knows that no other process
// can be alive. TakeOverDead then does the rest.
func (q queries) ForgetInstances(ctx context.Context, but string) error {
	const query = `
		DELETE FROM instances
		WHERE id <> $1`
	if _, err := q.q.Exec(ctx, query, but); err != nil {
		return fmt.Errorf("forget instances: %w", err)
	}
	return nil
}
