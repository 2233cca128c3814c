// Package cluster says which replicas live. Each writes a heartbeat into the
// database, holds an advisory lock there, and takes over the jobs of those that are
// dead. A replica that cannot be sure that the others take it for alive stops
// starting attempts before they take over.
package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/postgres"
)

const (
	// HeartbeatEvery is how often [Member.Heartbeat] is to be called.
	HeartbeatEvery = 2 * time.Second

	// DeadAfter is how old the last heartbeat of a replica may be before another replica
	// takes over its jobs. The other one must have been alive for as long itself.
	DeadAfter = 10 * time.Second

	// aliveFor is less, so that the first replica stops starting attempts before the
	// other one takes over.
	aliveFor = 8 * time.Second

	// lostFor is the same for a replica that has lost its connection, and with it its
	// advisory lock. It is taken for dead after three seconds, by a replica that has kept
	// its own connection from one heartbeat to the next. After a restart of Postgres no
	// replica has kept its own, so all have time to come back.
	lostFor = 2500 * time.Millisecond

	// heartbeatAgain is how soon the next heartbeat follows one that failed.
	heartbeatAgain = 250 * time.Millisecond
)

// Config says what a member of the cluster is.
type Config struct {
	DB      *postgres.DB
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	Schema  int64                  // the newest migration that it knows
	Roles   []string               // "worker" among them: it delivers
	Repairs *prometheus.CounterVec // of jobs given back, by kind: dead_instance, lost_job
}

// Member is this replica.
type Member struct {
	cfg      Config
	id       string
	presence *postgres.Presence
	replicas atomic.Int64 // that deliver, this one included
	wake     chan struct{}

	mu          sync.Mutex
	since, last time.Time // it is alive without a gap since the first, and wrote its last heartbeat then
	lost        bool      // the last heartbeat failed, and the connection with it
	onLost      []func()
}

// New returns a member that is not alive before its first heartbeat.
func New(cfg Config) *Member {
	id := uuid.NewString()
	return &Member{
		cfg: cfg, id: id, wake: make(chan struct{}, 1),
		presence: cfg.DB.Presence(postgres.Instance{ID: id, Version: cfg.Version, Schema: cfg.Schema, Roles: cfg.Roles}),
	}
}

// ID is the name of this replica in the table of instances and in its jobs.
func (m *Member) ID() string { return m.id }

// Replicas returns how many replicas share the work: at least this one.
func (m *Member) Replicas() int { return max(1, int(m.replicas.Load())) }

// Heartbeat writes that this replica is alive. The heartbeat counts from before the
// database is asked, so a slow answer shortens the time for which it is good. Heartbeat
// waits for an answer as long as the answer can be of use: to give up sooner would give
// up the connection, and with it the lock.
func (m *Member) Heartbeat(ctx context.Context) error {
	at := m.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, aliveFor)
	defer cancel()
	replicas, err := m.presence.Heartbeat(ctx)
	if err != nil {
		m.lose()
		m.Forget()
		time.AfterFunc(heartbeatAgain, m.wakeUp)
		return err
	}
	m.replicas.Store(int64(replicas))
	m.add(at)
	return nil
}

// Wake says when a heartbeat is due before its time: soon after one that failed.
func (m *Member) Wake() <-chan struct{} { return m.wake }

func (m *Member) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Leave says that this replica has stopped in order.
func (m *Member) Leave(ctx context.Context) error { return m.presence.Leave(ctx) }

// add notes a heartbeat that was written.
func (m *Member) add(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost || m.last.IsZero() || at.Sub(m.last) > aliveFor {
		m.since = at
	}
	m.last, m.lost = at, false
}

// lose notes a heartbeat that could not be written.
func (m *Member) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
}

// Alive reports whether the others take this replica for alive.
func (m *Member) Alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.last.IsZero() && m.cfg.Now().Sub(m.last) < m.good()
}

// Lapsed reports whether this replica was alive and is no longer. A replica that has not
// begun to write heartbeats has not lapsed.
func (m *Member) Lapsed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.last.IsZero() && m.cfg.Now().Sub(m.last) >= m.good()
}

// good is how long a heartbeat keeps the others from taking over, or a little less. m.mu
// is held.
func (m *Member) good() time.Duration {
	if m.lost {
		return lostFor
	}
	return aliveFor
}
