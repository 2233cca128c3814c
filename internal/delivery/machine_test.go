package delivery_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// machine plays dispatch: it does to one delivery what may be done to it, in any
// order, with workers that know of it what was true long ago.
type machine struct {
	d      delivery.Delivery
	before delivery.Delivery // the one before the latest step
	step   string            // which that was
	acked  bool              // whether an attempt was acked in that step
	now    time.Time
	jobs   int64
	claims []delivery.Claim // of every worker that ever looked
	counts map[int]int      // counted attempts by run
	budget map[int]int      // by run
	settle int
}

func newMachine(t *rapid.T) *machine {
	m := &machine{now: noon, counts: map[int]int{}, budget: map[int]int{}}
	m.budget[1] = rapid.IntRange(1, 11).Draw(t, "budget")
	m.d = m.withJob(delivery.New(uuid.New(), uuid.New(), delivery.ByFilters, m.budget[1], m.now))
	m.before = m.d
	return m
}

// withJob gives a delivery its new job, as dispatch does.
func (m *machine) withJob(d delivery.Delivery) delivery.Delivery {
	m.jobs++
	d.JobID = m.jobs
	return d
}

// move makes one step, if it may be made.
func (m *machine) move(step string, may bool, how func() delivery.Delivery) {
	m.now = m.now.Add(time.Second)
	if may {
		m.before, m.step, m.acked = m.d, step, false
		m.d = how()
	}
}

// look is a worker that is about to send.
func (m *machine) look(*rapid.T) {
	if m.d.JobID != 0 {
		m.claims = append(m.claims, m.d.Claim())
	}
}

// attempt is a worker that has sent; nobody else may have moved since it looked.
func (m *machine) attempt(t *rapid.T) {
	if m.d.JobID != 0 {
		m.settled(t, m.d.Claim())
	}
}

// stale is a worker whose claim may be of any age.
func (m *machine) stale(t *rapid.T) {
	if len(m.claims) > 0 {
		m.settled(t, rapid.SampledFrom(m.claims).Draw(t, "claim"))
	}
}

func (m *machine) settled(t *rapid.T, c delivery.Claim) {
	class := rapid.SampledFrom(append(outbound.Classes(), outbound.Rejected, outbound.Rejected, outbound.Rejected)).Draw(t, "class")
	a := delivery.Attempt{ID: uuid.New(), Trigger: m.d.NextTrigger}
	a.Class, a.Duration = class, time.Second
	a.NeverHeals = class == outbound.Rejected && rapid.Bool().Draw(t, "never heals")
	a.StartedAt = m.now.Add(-rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "age"))
	m.move("settle", true, func() delivery.Delivery {
		d, stored := delivery.Settle(m.d, c, a, wait)
		if !stored.Unstored {
			m.settle++
		}
		m.acked = class == outbound.Acked
		current := m.d.JobID != 0 && m.d.Claim() == c
		if want := current && class != outbound.Interrupted; stored.Counted != want {
			t.Fatalf("counted %v, want %v", stored.Counted, want)
		}
		if (stored.Counted && a.NeverHeals) != (d.Reason == delivery.Rejected) && m.d.Status != delivery.Failed {
			t.Fatalf("counted %v, never heals %v: it is %s, %s", stored.Counted, a.NeverHeals, d.Status, d.Reason)
		}
		if stored.Unstored && (class != outbound.Interrupted || !current) {
			t.Fatalf("not stored: %s", class)
		}
		if !stored.Unstored && stored.Number != m.settle || stored.Run != c.Run || stored.ID != a.ID {
			t.Fatalf("stored as number %d of run %d, want %d of run %d", stored.Number, stored.Run, m.settle, c.Run)
		}
		if stored.Counted {
			m.counts[stored.Run]++
		}
		return d
	})
}

func (m *machine) hold(t *rapid.T) {
	r := rapid.SampledFrom(delivery.HoldReasons()).Draw(t, "reason")
	m.move("hold", !m.d.Status.Final(), func() delivery.Delivery { return m.d.Hold(r, m.now) })
}

func (m *machine) release(*rapid.T) {
	m.move("release", m.d.Status == delivery.Held, func() delivery.Delivery { return m.withJob(m.d.Release(m.now)) })
}

func (m *machine) probe(*rapid.T) {
	m.move("probe", m.d.Status == delivery.Held, func() delivery.Delivery { return m.withJob(m.d.Probe()) })
}

func (m *machine) expire(*rapid.T) {
	m.move("expire", m.d.Status == delivery.Held, func() delivery.Delivery { return m.d.Expire(m.now) })
}

func (m *machine) reopen(t *rapid.T) {
	budget := rapid.IntRange(1, 11).Draw(t, "budget")
	m.move("reopen", m.d.Status.Final() || m.d.Status == delivery.Held, func() delivery.Delivery {
		d := m.withJob(m.d.Reopen("ann", budget, m.now))
		if rapid.Bool().Draw(t, "one of many") {
			d.Priority = delivery.Bulk
		}
		m.budget[d.Run] = budget
		return d
	})
}

func (m *machine) sendNow(*rapid.T) {
	m.move("send now", !m.d.Status.Final(), func() delivery.Delivery { return m.withJob(m.d.SendNow("ann", m.now)) })
}

func (m *machine) cancel(t *rapid.T) {
	r := rapid.SampledFrom([]delivery.Reason{delivery.DestinationDeleted, delivery.ByPerson}).Draw(t, "reason")
	m.move("cancel", !m.d.Status.Final(), func() delivery.Delivery { return m.d.Cancel(r, m.now) })
}

func TestDeliveryLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"look": m.look, "attempt": m.attempt, "attempt again": m.attempt, "stale": m.stale,
			"hold": m.hold, "release": m.release, "probe": m.probe, "expire": m.expire,
			"reopen": m.reopen, "send now": m.sendNow, "cancel": m.cancel,
			"": func(t *rapid.T) {
				m.checkRow(t)
				m.checkBudget(t)
				m.checkFinal(t)
				m.checkAck(t)
				m.checkHold(t)
				m.checkPriority(t)
				m.checkOurSide(t)
			},
		})
	})
}

// checkRow has the CHECKs of migrations/00005_create_deliveries.sql and
// migrations/00011_add_priority.sql.
func (m *machine) checkRow(t *rapid.T) {
	d := m.d
	open := d.Status == delivery.Queued || d.Status == delivery.Retrying || d.Status == delivery.Held
	reasons := delivery.Reasons(d.Status)
	if len(reasons) == 0 {
		reasons = []delivery.Reason{""}
	}
	for check, holds := range map[string]bool{
		"deliveries_reason":   contains(reasons, d.Reason),
		"deliveries_budget":   0 <= d.Attempts && d.Attempts <= d.MaxAttempts,
		"deliveries_job":      (d.JobID != 0) == (open && d.Status != delivery.Held),
		"deliveries_due":      !d.DueAt.IsZero() == open,
		"deliveries_finished": d.FinishedAt.IsZero() == open,
		"deliveries_acked":    d.Status != delivery.Delivered || !d.FirstAckAt.IsZero(),
		"deliveries_held_at":  d.Reason != delivery.Failing || !d.HeldAt.IsZero(),
		"priority":            1 <= d.Priority && d.Priority <= 4,
		"run":                 d.Run > 0,
		"max_attempts":        1 <= d.MaxAttempts && d.MaxAttempts <= 11,
		"next_trigger":        contains([]delivery.Trigger{delivery.Automatic, delivery.Resend, delivery.SendNow}, d.NextTrigger),
	} {
		if !holds {
			t.Fatalf("after %s: %s does not hold for %+v", m.step, check, d)
		}
	}
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// checkBudget has promise 4.
func (m *machine) checkBudget(t *rapid.T) {
	for run, n := range m.counts {
		if n > m.budget[run] || n > 11 {
			t.Fatalf("%d attempts are counted in run %d with a budget of %d", n, run, m.budget[run])
		}
	}
	if m.d.Attempts != m.counts[m.d.Run] || m.d.MaxAttempts != m.budget[m.d.Run] || m.d.Made != m.settle {
		t.Fatalf("after %s: %d of %d attempts, %d made; want %d of %d, %d made", m.step,
			m.d.Attempts, m.d.MaxAttempts, m.d.Made, m.counts[m.d.Run], m.budget[m.d.Run], m.settle)
	}
	if open := !m.d.Status.Final(); open && m.d.Attempts == m.d.MaxAttempts {
		t.Fatalf("after %s: it is %s with its budget used", m.step, m.d.Status)
	}
	if m.d.Status != m.before.Status && (m.d.Status == delivery.Queued) != (m.d.Attempts == 0) && (m.d.Status == delivery.Queued || m.d.Status == delivery.Retrying) {
		t.Fatalf("after %s: it is %s after %d attempts", m.step, m.d.Status, m.d.Attempts)
	}
}

// checkFinal: what is final is left by a re-send only, or becomes delivered by a
// late ack. Only an attempt delivers or exhausts.
func (m *machine) checkFinal(t *rapid.T) {
	was, is := m.before.Status, m.d.Status
	lateAck := m.step == "settle" && m.acked && is == delivery.Delivered
	if was.Final() && was != is && m.step != "reopen" && !lateAck {
		t.Fatalf("%s made %s of %s", m.step, is, was)
	}
	if was == delivery.Delivered && is != was && m.step != "reopen" {
		t.Fatalf("%s made %s of a delivered one", m.step, is)
	}
	if is == delivery.Delivered && was != is && !lateAck {
		t.Fatalf("%s delivered without an ack", m.step)
	}
	if m.step == "settle" && m.acked && is != delivery.Delivered {
		t.Fatalf("acked, and it is %s", is)
	}
	if was.Final() && is == was && !m.before.FinishedAt.Equal(m.d.FinishedAt) {
		t.Fatalf("%s moved the end of a %s one", m.step, is)
	}
}

// checkAck: the first ack's time is never lost and never moves later.
func (m *machine) checkAck(t *rapid.T) {
	was, is := m.before.FirstAckAt, m.d.FirstAckAt
	if !was.IsZero() && (is.IsZero() || is.After(was)) {
		t.Fatalf("%s moved the first ack from %s to %s", m.step, was, is)
	}
	if was.IsZero() && !is.IsZero() && !m.acked {
		t.Fatalf("%s acked", m.step)
	}
}

// checkHold: since when it is held is known while it is, begins anew with another
// reason, and is forgotten when the hold ends; a probe does not end it.
func (m *machine) checkHold(t *rapid.T) {
	was, is := m.before, m.d
	if is.Status == delivery.Held && is.HeldAt.IsZero() || is.Status.Final() && !is.HeldAt.IsZero() {
		t.Fatalf("after %s: it is %s, held since %s", m.step, is.Status, is.HeldAt)
	}
	if was == is {
		return
	}
	begins := was.HeldAt.IsZero() || was.Reason != is.Reason && !(was.Status != delivery.Held && is.Reason == delivery.Failing)
	ended := m.step == "release" || m.step == "reopen" || m.step == "send now"
	switch {
	case ended && !is.HeldAt.IsZero(),
		m.step == "probe" && !is.HeldAt.Equal(was.HeldAt),
		m.step == "hold" && begins && !is.HeldAt.Equal(m.now),
		m.step == "hold" && was.Reason == is.Reason && !is.HeldAt.Equal(was.HeldAt),
		m.step == "settle" && is.Status != delivery.Held && !is.HeldAt.IsZero() && !is.HeldAt.Equal(was.HeldAt):
		t.Fatalf("after %s: held since %s, before %s, for %s", m.step, is.HeldAt, was.HeldAt, is.Reason)
	}
}

// checkPriority: only a person brings a delivery forward, and a retry waits
// behind first attempts.
func (m *machine) checkPriority(t *rapid.T) {
	was, is := m.before, m.d
	if asked := m.step == "reopen" || m.step == "send now"; is.Priority < was.Priority && !asked {
		t.Fatalf("%s brought it forward from %d to %d", m.step, was.Priority, is.Priority)
	}
	if is.Status == delivery.Retrying && is.NextTrigger == delivery.Automatic && is.Priority < delivery.Late {
		t.Fatalf("after %s: a retry has priority %d", m.step, is.Priority)
	}
	if m.step != "settle" && m.step != "reopen" && m.step != "send now" && is.Priority != was.Priority {
		t.Fatalf("%s changed the priority from %d to %d", m.step, was.Priority, is.Priority)
	}
	if m.step == "settle" && is.Priority != was.Priority && is.Priority != delivery.Late {
		t.Fatalf("a failure made priority %d of %d", is.Priority, was.Priority)
	}
	if m.step == "send now" && is.Priority != delivery.First {
		t.Fatalf("send now has priority %d", is.Priority)
	}
}

// checkOurSide: an attempt holds a delivery only for our own side's fault, and
// then it waits for at most a minute. Whatever our own side does, no attempt is
// charged for it.
func (m *machine) checkOurSide(t *rapid.T) {
	was, is := m.before, m.d
	if m.step != "settle" || is.Uncounted == was.Uncounted {
		return
	}
	switch {
	case is.Uncounted == 0 && (m.acked || is.Attempts > was.Attempts):
	case is.Uncounted != was.Uncounted+1, is.Attempts != was.Attempts, is.DueAt.After(m.now.Add(time.Minute)):
		t.Fatalf("from %+v to %+v", was, is)
	case (is.Status == delivery.Held) != (is.Uncounted >= 5), is.Status == delivery.Held && is.Reason != delivery.OurSide:
		t.Fatalf("after %d in a row it is %s, %s", is.Uncounted, is.Status, is.Reason)
	}
}
