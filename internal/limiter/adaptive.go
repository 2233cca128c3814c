package limiter

import (
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// The limit of a destination follows what it can take. It begins with initialLimit.
// While more waits for it and nearly all answers are acks, it is tried larger: a limit
// that gets more acks a second stays, and one that only makes the attempts take longer, or
// fail, is taken back. It falls when the destination says that it gets too much, does not
// answer in time, or becomes much slower than it was. MaxInFlight is its ceiling.
//
// Means of many attempts are compared, so that receivers whose answers take now 5 and
// now 500 ms are judged by what they get through.

const (
	initialLimit = 16
	growth       = 1.5 // of a larger limit that is tried
	minRound     = 32  // attempts whose mean is taken

	// minGain is the part of the growth that has to come out as more acks a second.
	minGain = 0.5

	// minAcked is the part of a round's answers that are acks, for a larger limit to be
	// tried.
	minAcked = 0.9

	// slowdown is how many times longer than usual attempts take when the limit falls.
	slowdown = 2

	// maxStrained is the part of the last attempts that may get no answer in time before
	// the limit falls. One backend of twenty that is dead is no reason.
	maxStrained = 0.25

	// idleReset is after how long without an attempt a larger limit is forgotten.
	idleReset = time.Minute

	// Pauses between tries that won nothing: the first, and the most they grow to.
	minTrialPause = 5 * time.Second
	maxTrialPause = time.Minute
)

// Lowered says why a limit fell.
type Lowered string

// The reasons.
const (
	TooMuch   Lowered = "too_much"   // the destination said so
	NoAnswer  Lowered = "no_answer"  // in time, or it was not available
	GotSlower Lowered = "got_slower" // attempts take much longer than they did
)

// adaptiveLimit is the limit of one destination. The limiter's mutex guards it.
type adaptiveLimit struct {
	limit   float64   // attempts in flight; 0: initialLimit
	lowered Lowered   // why it fell last
	fellAt  time.Time // when that was

	round    round
	usual    time.Duration // moving mean of what the attempts of a round took
	strained float64       // moving part of attempts that got no answer in time
	before   int           // attempts in flight that were begun before the limit fell

	trial    *step // the smaller limit that is kept if the present one wins nothing
	trialAt  time.Time
	trialGap time.Duration
}

// round is a number of attempts that ended under one limit.
type round struct {
	skip         int // attempts begun under another limit
	ended, acked int
	took         time.Duration // by all of them
	full         bool          // others waited for the limit meanwhile
}

// step is a limit, and what came of attempts under it.
type step struct {
	limit float64
	mean  time.Duration
	acked float64 // the part that was acked
}

// perSecond is how many acks a second a limit gets when it is used up.
func (s step) perSecond() float64 { return s.limit / s.mean.Seconds() * s.acked }

// now is how many attempts may be in flight.
func (a *adaptiveLimit) now(ceiling int) int {
	if a.limit == 0 {
		return min(initialLimit, ceiling)
	}
	return min(int(a.limit), ceiling)
}

// ended takes what came of an attempt, beside which others are in flight.
func (a *adaptiveLimit) ended(o Outcome, others, ceiling int, now time.Time) {
	outdated := a.before > 0 // it says nothing of the limit of now
	if outdated {
		a.before--
	}
	switch {
	case o.TooMuch && outdated && a.limit == 1: // many at once say so of one limit
		return
	case o.TooMuch:
		a.fall(1, TooMuch, others, now)
		return
	case outdated, o.Took == 0: // or none was made
		return
	}
	strain := 0.0
	if o.Strain {
		strain = 1
	}
	a.strained += (strain - a.strained) / 8
	if a.strained > maxStrained {
		to := float64(a.now(ceiling)) / 2
		if a.trial != nil { // it was the larger limit
			to = a.trial.limit
		}
		a.fall(to, NoAnswer, others, now)
		return
	}
	if a.limit > 0 && a.limit < initialLimit {
		a.rise(o)
		return
	}
	a.count(o, others, ceiling, now)
}

// fall lowers the limit. The next larger one is tried the later, the more often the last
// ones did no good: else a destination that refuses what is beyond twenty would be brought
// to refuse it every few seconds.
func (a *adaptiveLimit) fall(to float64, why Lowered, others int, now time.Time) {
	gap := a.nextGap()
	*a = adaptiveLimit{limit: max(1, to), lowered: why, fellAt: now, before: others, trialGap: gap, trialAt: now.Add(gap)}
}

// nextGap is how long to wait before a larger limit is tried again.
func (a *adaptiveLimit) nextGap() time.Duration {
	return min(max(minTrialPause, 3*a.trialGap), maxTrialPause)
}

// narrow lowers the limit to one, if it is not that for the same reason.
func (a *adaptiveLimit) narrow(inFlight int, now time.Time) {
	if a.limit != 1 || a.lowered != TooMuch {
		a.fall(1, TooMuch, inFlight, now)
	}
}

// rise raises a limit that fell below the initial one, by one for each round of acks
// (additive increase, multiplicative decrease).
func (a *adaptiveLimit) rise(o Outcome) {
	if o.Acked {
		a.limit = min(initialLimit, a.limit+1/a.limit)
	}
}

// rest forgets a larger limit after a quiet time: what the destination could take then
// it need not be able to take now.
func (a *adaptiveLimit) rest() {
	if a.limit > initialLimit {
		*a = adaptiveLimit{lowered: a.lowered, fellAt: a.fellAt}
	}
}

// count adds an attempt to the round, and tries another limit after it where that makes
// sense.
func (a *adaptiveLimit) count(o Outcome, others, ceiling int, now time.Time) {
	r := &a.round
	if r.skip > 0 {
		r.skip--
		return
	}
	r.ended++
	r.took += o.Took
	if o.Acked {
		r.acked++
	}
	current := a.now(ceiling)
	if r.ended < max(minRound, current) {
		return
	}
	here := step{float64(current), max(r.took/time.Duration(r.ended), 1), float64(r.acked) / float64(r.ended)}
	full := r.full
	a.round = round{}
	switch {
	case a.usual > 0 && here.mean > slowdown*a.usual && current > initialLimit:
		a.fall(max(initialLimit, here.limit/growth), GotSlower, others, now)
	case a.trial != nil:
		a.judge(here, full, ceiling, now)
	default:
		if full && here.acked >= minAcked && current < ceiling && !now.Before(a.trialAt) {
			a.try(here, ceiling)
		}
		a.learn(here.mean)
	}
}

func (a *adaptiveLimit) learn(mean time.Duration) {
	if a.usual == 0 {
		a.usual = mean
	}
	a.usual += (mean - a.usual) / 8
}

// try has a larger limit.
func (a *adaptiveLimit) try(here step, ceiling int) {
	a.trial = &here
	a.limit = min(float64(ceiling), max(here.limit+1, here.limit*growth))
	a.round.skip = int(here.limit)
}

// judge keeps a larger limit that gets more acks, and tries the next one at once. Else
// it takes the limit back, and waits before it tries again. A limit that was not used up
// has shown nothing.
func (a *adaptiveLimit) judge(here step, full bool, ceiling int, now time.Time) {
	before := *a.trial
	a.trial = nil
	won := here.perSecond()/before.perSecond() - 1
	switch {
	case full && won >= minGain*(here.limit/before.limit-1):
		a.trialGap, a.usual = 0, here.mean
		if int(here.limit) < ceiling && here.acked >= minAcked {
			a.try(here, ceiling)
		}
		return
	case full:
		a.trialGap = a.nextGap()
		a.trialAt = now.Add(a.trialGap)
	}
	a.limit = before.limit
	a.round.skip = int(here.limit)
}

// InFlight is how many attempts a destination has in flight from this process, and how
// many it may have.
type InFlight struct {
	Now, Limit, Ceiling int
	Lowered             Lowered // why the limit fell last; "" if it never did
	LoweredAt           time.Time
}

func (p *pool) inFlight(s *state) InFlight {
	ceiling := p.ceiling(s)
	return InFlight{s.inFlight, s.limit.now(ceiling), ceiling, s.limit.lowered, s.limit.fellAt}
}

// InFlight says how one destination does.
func (l *Limiter) InFlight(id uuid.UUID, limits destination.Limits) InFlight {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := state{}
	if s, ok := l.states.byID[id]; ok {
		seen.inFlight, seen.limit = s.inFlight, s.limit
		if s.idle(l.now()) {
			seen.limit.rest()
		}
	}
	seen.limits = limits
	return l.pool.inFlight(&seen)
}

// AllInFlight says how each destination does that has jobs here now.
func (l *Limiter) AllInFlight() map[uuid.UUID]InFlight {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[uuid.UUID]InFlight{}
	for id, s := range l.states.byID {
		if s.jobs > 0 || s.inFlight > 0 {
			all[id] = l.pool.inFlight(s)
		}
	}
	return all
}
