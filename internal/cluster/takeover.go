package cluster

import (
	"context"
	"time"
)

// TakeOver gives back the jobs that dead replicas left running. This replica tells that
// others are dead only if it has itself been alive for long enough.
func (m *Member) TakeOver(ctx context.Context) error {
	age := m.age()
	if age < HeartbeatEvery-HeartbeatEvery/8 { // one heartbeat, as tickers are not exact
		return nil
	}
	n, err := m.cfg.DB.TakeOverDead(ctx, m.id, age >= DeadAfter)
	if err != nil {
		return err
	}
	if n > 0 {
		m.cfg.Repairs.WithLabelValues("dead_instance").Add(float64(n))
		m.cfg.Log.WarnContext(ctx, "jobs of dead instances taken over", "jobs", n)
	}
	return nil
}

// TakeOverAll gives back the jobs of all other replicas at once, on a database that
// nobody else can be using.
func (m *Member) TakeOverAll(ctx context.Context) error {
	if err := m.cfg.DB.ForgetInstances(ctx, m.id); err != nil {
		return err
	}
	_, err := m.cfg.DB.TakeOverDead(ctx, m.id, true)
	return err
}

// age returns how long this replica is known to have been alive on the same connection,
// or 0 if it no longer is. By that it may tell whether others are dead.
func (m *Member) age() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost || m.cfg.Now().Sub(m.last) >= aliveFor {
		return 0
	}
	return m.last.Sub(m.since)
}

// Reclaim gives back jobs that this replica runs according to the table, but not in fact:
// a restart of Postgres, for example, can swallow the answer to a fetch.
func (m *Member) Reclaim(ctx context.Context, running []int64) error {
	n, err := m.cfg.DB.ReclaimLost(ctx, m.id, running)
	if n > 0 {
		m.cfg.Repairs.WithLabelValues("lost_job").Add(float64(n))
		m.cfg.Log.WarnContext(ctx, "lost jobs given back", "jobs", n)
	}
	return err
}
