package migrations_test

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/migrations"
)

// interrupter ends the connection that makes the at-th statement of a step.
type interrupter struct {
	mu   sync.Mutex
	at   int
	seen int // statements
	end  func(backend uint32)
}

// housekeeping are statements that are not a step's own.
var housekeeping = regexp.MustCompile(`(?i)^\s*(--.*\n)*\s*SELECT .*(pg_advisory|pg_try_advisory|goose_db_version|pg_tables|to_regclass)|(?i)SELECT.*(?s)FROM\s+goose_db_version`)

func (i *interrupter) TraceQueryStart(ctx context.Context, conn *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.end == nil || housekeeping.MatchString(q.SQL) {
		return ctx
	}
	if i.seen++; i.seen == i.at {
		i.end(conn.PgConn().PID())
	}
	return ctx
}

func (*interrupter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// arm has the at-th statement from now on interrupted by end; nil for none.
func (i *interrupter) arm(at int, end func(uint32)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.at, i.seen, i.end = at, 0, end
}

// reached reports whether there was such a statement.
func (i *interrupter) reached() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.seen >= i.at
}

// Every step, up and down, is interrupted before each of its statements, and while
// each waits for others, and then goes on as if nothing had been.
func TestInterruptEveryStep(t *testing.T) {
	t.Parallel()
	want := schemas(t)
	for _, way := range []string{"before a statement", "while a statement waits"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			i := &interrupter{}
			pool := empty(t, i)
			b := &bystander{pool: pool}
			b.connect(t)
			end := b.kill
			if way != "before a statement" {
				end = b.block
			}
			steps := status(t, pool)
			for n, s := range steps {
				interruptStep(t, pool, i, b, s, migrations.DirectionUp, end)
				differ(t, s.Name+" up", schema(t, pool), want[s.Version])
				interruptStep(t, pool, i, b, s, migrations.DirectionDown, end)
				before := int64(0)
				if n > 0 {
					before = steps[n-1].Version
				}
				tookBack(t, s.Name+" down", schema(t, pool), want[before])
				if err := migrations.Run(t.Context(), pool, s, migrations.DirectionUp); err != nil {
					t.Fatalf("%s: up in peace: %v", s.Name, err)
				}
			}
			t.Logf("interrupted %d times, of which %d in the middle of a statement", b.kills, b.waits)
			if way != "before a statement" && b.waits < len(steps) {
				t.Error("hardly ever in the middle of a statement")
			}
		})
	}
}

// interruptStep begins a step again and again, each time interrupted one statement
// later, until it has no more.
func interruptStep(t *testing.T, pool *pgxpool.Pool, i *interrupter, b *bystander, s migrations.Step, direction bool, end func(uint32)) {
	t.Helper()
	for at := 1; ; at++ {
		if at > 500 {
			t.Fatalf("%s has no end", s.Name)
		}
		i.arm(at, end)
		err := migrations.Run(t.Context(), pool, s, direction)
		reached := i.reached()
		i.arm(0, nil)
		b.release(t)
		if !reached {
			if err != nil {
				t.Fatalf("%s, up %t, went on after %d interruptions: %v", s.Name, direction, at-1, err)
			}
			return
		}
		// The last statement may have done its work: then there is more to interrupt
		// only from the beginning.
		if applied(t, pool, s) == direction {
			if err := migrations.Run(t.Context(), pool, s, !direction); err != nil {
				t.Fatalf("%s, up %t, to begin anew: %v", s.Name, !direction, err)
			}
		}
	}
}

func applied(t *testing.T, pool *pgxpool.Pool, s migrations.Step) bool {
	t.Helper()
	for _, now := range status(t, pool) {
		if now.Version == s.Version {
			return now.Applied
		}
	}
	t.Fatalf("no step %s", s.Name)
	return false
}

// bystander is somebody else on the database, who ends connections and keeps
// tables locked.
type bystander struct {
	pool         *pgxpool.Pool
	t            *testing.T
	admin        *pgx.Conn
	holder       *pgx.Conn
	holding      sync.WaitGroup
	done         chan struct{}
	kills, waits int
}

func (b *bystander) connect(t *testing.T) {
	t.Helper()
	b.t, b.admin, b.holder = t, beside(t, b.pool), beside(t, b.pool)
}

// kill ends a backend and waits until it is gone.
func (b *bystander) kill(backend uint32) {
	b.kills++
	if _, err := b.admin.Exec(b.t.Context(), `SELECT pg_terminate_backend($1)`, backend); err != nil {
		b.t.Error(err)
	}
	for there := true; there; {
		const query = `
			SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)`
		if err := b.admin.QueryRow(b.t.Context(), query, backend).Scan(&there); err != nil {
			b.t.Error(err)
			return
		}
	}
}

// block locks all tables that it can, as somebody who writes to them does, and ends
// a backend that comes to wait for one of these locks.
func (b *bystander) block(backend uint32) {
	ctx := b.t.Context()
	if _, err := b.holder.Exec(ctx, "BEGIN"); err != nil {
		b.t.Error(err)
	}
	for _, table := range tables(b.t, b.admin) {
		_, err := b.holder.Exec(ctx, `SAVEPOINT one`)
		if err == nil {
			if _, err = b.holder.Exec(ctx, `LOCK TABLE ONLY `+table+` IN ROW EXCLUSIVE MODE NOWAIT`); err != nil {
				_, err = b.holder.Exec(ctx, `ROLLBACK TO one`) // the step has it
			}
		}
		if err != nil {
			b.t.Error(err)
		}
	}
	b.done = make(chan struct{})
	b.holding.Go(func() {
		for look := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-b.done:
				look.Stop()
				return
			case <-look.C:
			}
			var waiting bool
			const query = `
				SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)`
			if err := b.admin.QueryRow(ctx, query, backend).Scan(&waiting); err != nil {
				b.t.Error(err)
				return
			}
			if waiting {
				b.waits++
				b.kill(backend)
				return
			}
		}
	})
}

// release ends what block began.
func (b *bystander) release(t *testing.T) {
	t.Helper()
	if b.done == nil {
		return
	}
	close(b.done)
	b.holding.Wait()
	b.done = nil
	if _, err := b.holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Error(err)
	}
}

// While a step waits for somebody who reads, others who read wait no longer than
// the step's lock timeout; and once nobody is in the way the step goes on.
func TestStepsLetReadersThrough(t *testing.T) {
	t.Parallel()
	if migrations.LockTimeout > 3*time.Second {
		t.Errorf("the lock timeout is %v", migrations.LockTimeout)
	}
	pool := empty(t, nil)
	reader, other := beside(t, pool), beside(t, pool)
	blocked := 0
	for _, s := range status(t, pool) {
		all := tables(t, other)
		if _, err := reader.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		read(t, reader, all)
		ended := make(chan error, 1)
		go func() {
			ended <- migrations.Persist(t.Context(), pool, func(text string) { t.Log(text) }, s)
		}()
		err, done := waiting(t, other, ended)
		if !done {
			blocked++
			read(t, other, all)
		}
		if _, err := reader.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if !done {
			err = <-ended
		}
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	if blocked == 0 {
		t.Error("no step was ever in the way of a reader")
	}
}

// waiting returns when somebody waits for a lock, or with what ended yields.
func waiting(t *testing.T, conn *pgx.Conn, ended <-chan error) (err error, done bool) {
	t.Helper()
	for look := time.NewTicker(2 * time.Millisecond); ; {
		select {
		case err := <-ended:
			look.Stop()
			return err, true
		case <-look.C:
		}
		var waits bool
		const query = `
			SELECT EXISTS (
				SELECT FROM pg_locks
				WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))`
		if err := conn.QueryRow(t.Context(), query).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits {
			look.Stop()
			return nil, false
		}
	}
}

// read reads tables, and fails where that takes long.
func read(t *testing.T, conn *pgx.Conn, tables []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, table := range tables {
		if _, err := conn.Exec(ctx, fmt.Sprintf("SELECT FROM %s LIMIT 1", table)); err != nil {
			t.Fatalf("read %s: %v", table, err)
		}
	}
}
