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

	// DeadAfter is how long a replica may write no heartbeat until its jobs are taken
	// over by one that has itself written them for so long.
	DeadAfter = 10 * time.Second

	// aliveFor is less, so that the first stops starting attempts before the second
	// begins.
	aliveFor = 8 * time.Second

	// lostFor is the same for a replica that has lost its connection. Such a one is
	// taken for dead after three seconds, by one that has kept its own from one
	// heartbeat to the next: after a restart of Postgres nobody has, and all had the
	// time to come back.
	lostFor = 2500 * time.Millisecond

	// heartbeatAgain is how long after one that failed the next is to follow.
	heartbeatAgain = 250 * time.Millisecond
)

// Config says what a member of the cluster is.
type Config struct {
	DB      *postgres.DB
	Log     *slog.Logger
	Now     func() time.Time
	Version string
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
		presence: cfg.DB.Presence(postgres.Instance{ID: id, Version: cfg.Version, Roles: cfg.Roles}),
	}
}

// ID is the name of this replica in the table of instances and in its jobs.
func (m *Member) ID() string { return m.id }

// Replicas returns how many replicas share the work: at least this one.
func (m *Member) Replicas() int { return max(1, int(m.replicas.Load())) }

// Heartbeat writes that this replica is alive. The time counts from before the
// database is asked, so that a slow answer makes us careful and not bold. It waits
// for one as long as that can be of use: to give up sooner would give up the
// connection, and with it the lock.
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

// lose notes one that was not.
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

// Lapsed reports whether this replica was alive and is no longer. One that has not
// begun to write heartbeats is neither.
func (m *Member) Lapsed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.last.IsZero() && m.cfg.Now().Sub(m.last) >= m.good()
}

// good is for how long the last heartbeat keeps the others from taking over. m.mu is
// held.
func (m *Member) good() time.Duration {
	if m.lost {
		return lostFor
	}
	return aliveFor
}
