package delivery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// subject plays dispatch for one destination: attempts that end in any order,
// probes that are granted and lost, people who mend it.
type subject struct {
	h      delivery.Health
	before delivery.Health // the one before the latest step
	step   string
	a      delivery.Attempt // of the latest step, if that was one
	hold   bool
	failed []delivery.Attempt // counted, since the last ack, 429 left out
	missed []delivery.Attempt // the same, with 429 that came one after the other
	all    []delivery.Attempt // the same, with every 429
	acked  time.Time          // the last time
	newest delivery.Attempt   // that failed
	now    time.Time
	lawful bool // whether the right to probe is granted only when it may be
}

func (p *subject) move(step string, how func() delivery.Health) {
	kept := p.h
	kept.FailedDeliveries = slices.Clone(p.h.FailedDeliveries)
	p.step, p.before, p.h = step, kept, how()
}

func (p *subject) wait(t *rapid.T) {
	p.now = p.now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 10 * time.Second, time.Minute, time.Hour}).Draw(t, "wait"))
}

// someone is one of few deliveries, and often the one that probes.
func (p *subject) someone(t *rapid.T) uuid.UUID {
	if p.h.Probing != uuid.Nil && rapid.Bool().Draw(t, "the probe") {
		return p.h.Probing
	}
	return nth(rapid.ByteRange(1, 5).Draw(t, "delivery"))
}

// attempt is recorded now, but may have ended long ago, and in another order than
// those before it.
func (p *subject) attempt(t *rapid.T) {
	classes := append(outbound.Classes(), outbound.Rejected, outbound.Refused)
	class := rapid.SampledFrom(slices.DeleteFunc(classes, func(c outbound.Class) bool { return c == outbound.Acked })).Draw(t, "class")
	p.try(t, class)
}

func (p *subject) ack(t *rapid.T) { p.try(t, outbound.Acked) }

func (p *subject) try(t *rapid.T, class outbound.Class) {
	code := 0
	if class == outbound.Rejected {
		code = rapid.SampledFrom([]int{429, 500, 404}).Draw(t, "code")
	}
	ages := []time.Duration{0, 0, time.Second, time.Minute, 25 * time.Hour}
	end := p.now.Add(-rapid.SampledFrom(ages).Draw(t, "age"))
	a := try(1, class, code, end)
	a.DeliveryID = p.someone(t)
	a.Duration = rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second}).Draw(t, "duration")
	a.StartedAt = end.Add(-a.Duration)
	a.Counted = class != outbound.Interrupted && rapid.IntRange(0, 5).Draw(t, "counted") > 0
	a.RetryAfter = rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour, 7 * 24 * time.Hour}).Draw(t, "retryAfter")
	if rapid.IntRange(0, 9).Draw(t, "test") == 0 {
		a = test(a)
	}
	p.hold = rapid.IntRange(0, 3).Draw(t, "hold") > 0
	p.a = a
	p.move("attempt", func() delivery.Health { return p.h.After(a, p.hold, longest) })
	switch {
	case a.Trigger == delivery.Test:
	case class == outbound.Acked:
		p.failed, p.missed, p.all = nil, nil, nil
		if end.After(p.acked) {
			p.acked = end
		}
	case a.Counted:
		p.fail(a, end)
	}
}

func (p *subject) fail(a delivery.Attempt, end time.Time) {
	if !end.Before(p.newest.StartedAt.Add(p.newest.Duration)) {
		p.newest = a
	}
	if end.Before(p.acked) {
		return
	}
	p.all = append(p.all, a)
	if a.StatusCode != 429 {
		p.failed = append(p.failed, a)
	}
	if a.StatusCode != 429 || !slices.ContainsFunc(p.missed, func(m delivery.Attempt) bool { return a.StartedAt.Before(m.StartedAt.Add(m.Duration)) }) {
		p.missed = append(p.missed, a)
	}
}

func (p *subject) grantProbe(t *rapid.T) {
	id := p.someone(t)
	if may := p.h.MayProbe(p.now); may || !p.lawful {
		p.move("grant", func() delivery.Health { return p.h.GrantProbe(id, p.now.Add(90*time.Second)) })
	}
}

func (p *subject) mend(*rapid.T) {
	p.failed, p.missed, p.all = nil, nil, nil
	p.move("mend", p.h.Reset)
}

func TestHealthLives(t *testing.T) {
	t.Parallel()
	for name, lawful := range map[string]bool{"probes granted when they may be": true, "probes granted at any time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				p := &subject{now: noon, lawful: lawful}
				t.Repeat(map[string]func(*rapid.T){
					"fail": p.attempt, "fail again": p.attempt, "and again": p.attempt, "and so on": p.attempt,
					"wait": p.wait, "wait longer": p.wait, "grant": p.grantProbe, "try to grant": p.grantProbe, "ack": p.rarely(p.ack), "mend": p.rarely(p.mend),
					"": func(t *rapid.T) {
						p.checkRow(t)
						p.checkFailures(t)
						p.checkHeld(t)
						p.checkProbe(t)
						p.checkSlow(t)
					},
				})
			})
		})
	}
}

// rarely lets a step happen so seldom that the others add up.
func (p *subject) rarely(step func(*rapid.T)) func(*rapid.T) {
	return func(t *rapid.T) {
		if rapid.IntRange(0, 7).Draw(t, "rarely") == 0 {
			step(t)
		}
	}
}

// checkRow has the CHECKs of migrations/00010_create_destination_health.sql, as
// 00024_hold_our_side.sql left them, and
// what its comments promise beyond them.
func (p *subject) checkRow(t *rapid.T) {
	h := p.h
	distinct := slices.Clone(h.FailedDeliveries)
	slices.SortFunc(distinct, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for check, holds := range map[string]bool{
		"destination_health_failing": (h.Unacked > 0) == !h.FailingSince.IsZero(),
		"destination_health_probing": h.NextProbeAt.IsZero() == h.HeldSince.IsZero(),
		"destination_health_lease":   (h.Probing == uuid.Nil) == h.ProbeUntil.IsZero(),
		"failed_deliveries":          len(h.FailedDeliveries) <= 3 && len(slices.Compact(distinct)) == len(h.FailedDeliveries),
		"probes":                     h.Probes >= 0 && (h.Probes == 0 || h.Holding()),
		"failures":                   h.Failures >= 0 && (h.Failures > 0 || !h.Holding()),
		"last_class":                 (h.LastClass == "") == h.LastFailureAt.IsZero(),
		"probe_delivery_id":          !p.lawful || h.Probing == uuid.Nil || h.Holding(),
	} {
		if !holds {
			t.Fatalf("after %s: %s does not hold for %+v", p.step, check, h)
		}
	}
}

// checkFailures: it knows what has failed since the last ack, and nothing
// else; and of the newest failure, all.
func (p *subject) checkFailures(t *rapid.T) {
	var first []uuid.UUID
	for _, a := range p.all {
		if len(first) < 3 && !slices.Contains(first, a.DeliveryID) {
			first = append(first, a.DeliveryID)
		}
	}
	if p.h.Unacked != len(p.missed) {
		t.Fatalf("after %s: %d without an ack, want %d", p.step, p.h.Unacked, len(p.missed))
	}
	if p.h.Failures != len(p.failed) || !slices.Equal(p.h.FailedDeliveries, first) {
		t.Fatalf("after %s: %d failures of %v, want %d of %v", p.step, p.h.Failures, p.h.FailedDeliveries, len(p.failed), first)
	}
	if len(p.missed) > 0 && !p.h.FailingSince.Equal(p.missed[0].StartedAt) {
		t.Fatalf("after %s: failing since %s, want %s", p.step, p.h.FailingSince, p.missed[0].StartedAt)
	}
	if p.h.LastFailureAt.Before(p.before.LastFailureAt) || p.h.LastAckAt.Before(p.before.LastAckAt) {
		t.Fatalf("after %s: the last failure or ack moved back", p.step)
	}
	if a, h := p.newest, p.h; h.LastClass != a.Class || h.LastCode != a.StatusCode {
		t.Fatalf("after %s: the last failure is %s %d, want %s %d", p.step, h.LastClass, h.LastCode, a.Class, a.StatusCode)
	}
}

// checkHeld: only an attempt that counts makes its deliveries held, and only after
// many, over a while, of several deliveries; only an ack or a person ends it.
func (p *subject) checkHeld(t *rapid.T) {
	was, is := p.before.Holding(), p.h.Holding()
	becameHeld := p.step == "attempt" && !was && is
	switch {
	case !was && is && !becameHeld:
		t.Fatalf("%s made its deliveries held", p.step)
	case was && !is && p.step != "mend" && (p.step != "attempt" || p.a.Trigger == delivery.Test || p.a.Class != outbound.Acked):
		t.Fatalf("%s mended it", p.step)
	case was && is && !p.before.HeldSince.Equal(p.h.HeldSince):
		t.Fatalf("%s changed since when its deliveries are held", p.step)
	case !becameHeld:
		return
	}
	ended := p.a.StartedAt.Add(p.a.Duration)
	many := len(p.missed) >= 10 && len(p.h.FailedDeliveries) == 3 && ended.Sub(p.missed[0].StartedAt) >= 30*time.Second
	if !many || !p.hold || !p.a.Counted || p.a.Trigger == delivery.Test {
		t.Fatalf("%+v made its deliveries held: %+v", p.a, p.h)
	}
	if !p.h.HeldSince.Equal(ended) || !p.h.NextProbeAt.Equal(ended.Add(5*time.Second)) || p.h.Probes != 0 {
		t.Fatalf("its deliveries are held since %s: %+v", ended, p.h)
	}
}

// checkProbe: while it keeps failing, at most one delivery goes, and only what
// becomes of that one says when the next may.
func (p *subject) checkProbe(t *rapid.T) {
	was, is := p.before, p.h
	going := 0
	for n := range byte(6) {
		if r := holdFor(is, nth(n), p.now); r == "" {
			going++
		} else if is.Holding() != (r == delivery.Failing) {
			t.Fatalf("after %s: delivery %d is held %s: %+v", p.step, n, r, is)
		}
	}
	if is.Holding() && going > 1 {
		t.Fatalf("after %s: %d deliveries go to one that keeps failing", p.step, going)
	}
	if is.MayProbe(p.now) && (!is.Holding() || p.now.Before(is.NextProbeAt)) {
		t.Fatalf("after %s: it may be probed at %s: %+v", p.step, p.now, is)
	}
	if !was.Holding() || !is.Holding() || p.step != "attempt" {
		return
	}
	stale := p.a.Counted && p.a.StartedAt.Add(p.a.Duration).Before(p.acked)
	ofProbe := p.a.DeliveryID == was.Probing && p.a.Trigger != delivery.Test && !stale
	want := was
	if ofProbe {
		want.Probing, want.ProbeUntil = uuid.Nil, time.Time{}
	}
	if ofProbe && p.a.Counted {
		want.Probes++
		wait := min(5*time.Second<<min(want.Probes, 4), time.Minute)
		if p.a.StatusCode == 429 {
			wait = max(wait, min(p.a.RetryAfter, longest))
		}
		want.NextProbeAt = p.a.StartedAt.Add(p.a.Duration).Add(wait)
	}
	if is.Probes != want.Probes || is.Probing != want.Probing || !is.ProbeUntil.Equal(want.ProbeUntil) || !is.NextProbeAt.Equal(want.NextProbeAt) {
		t.Fatalf("%+v (-want +got)\n%s", p.a, cmp.Diff(want, is))
	}
}

// checkSlow: only a 429 slows, never for longer than the bound.
func (p *subject) checkSlow(t *rapid.T) {
	was, is := p.before.SlowUntil, p.h.SlowUntil
	if was.Equal(is) {
		return
	}
	is429 := p.step == "attempt" && p.a.StatusCode == 429 && p.a.Counted && p.a.Trigger != delivery.Test
	ended := p.a.StartedAt.Add(p.a.Duration)
	if !is429 || is.Before(was) || !is.Equal(ended.Add(min(p.a.RetryAfter, longest))) {
		t.Fatalf("%s made it slow until %s, %s before: %+v", p.step, is, was, p.a)
	}
}
