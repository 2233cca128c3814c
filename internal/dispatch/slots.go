package dispatch

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"belfry/internal/destination"
)

const (
	// patience is how long a worker waits for its destination to have room. It
	// bridges the moments between one answer and the next; a destination that
	// needs more has what waits for it held.
	patience = 250 * time.Millisecond

	// endurance is how long a job stands in line, which keeps no worker busy.
	endurance = 4 * patience

	// unknown is how long an attempt is taken to last before one has been seen.
	unknown = 100 * time.Millisecond

	maxLanes = 10_000 // destinations remembered, but for those in use
)

// slots says how many attempts may be in flight to each destination from this
// process. What one may have shrinks as the workers run out, so that many slow
// destinations cannot take all of them together; and the last eighth is only for
// those that are known to be quick.
type slots struct {
	workers  int
	replicas func() int           // that share a destination's rate
	queued   func(uuid.UUID) bool // whether a destination is believed to have held deliveries that go first
	now      func() time.Time

	mu      sync.Mutex
	taken   int // workers that send or wait for a slot
	lanes   map[uuid.UUID]*lane
	atWork  int     // jobs out of a line, until they have ended: no more than workers
	atDoors int     // calls that wait
	inside  int     // jobs at work here, and deliveries that are expected
	starved []*lane // where jobs stand in line, those that had no turn for longest first
	probes  []prober
}

// lane is one destination's share.
type lane struct {
	limits   destination.Limits
	present  int       // jobs at work here, from their start to the record of their attempt
	inFlight int       // attempts
	waiters  list.List // of waiter: workers, first come, first served
	line     list.List // of waiter: jobs that keep no worker busy
	door     list.List // of *caller: calls that wait until there is room
	guarded  bool
	hopeless time.Time // until when nobody waits
	expected int       // deliveries of calls that were let in, and have not arrived yet
	closed   time.Time // until when the destination asked to be left alone
	window   float64   // attempts in flight after it got too much, 0 when that is over: see congestion.go
	watched  bool      // for those who stand in line for too long
	starved  bool
	took     time.Duration // moving mean of what attempts took
	last     time.Time     // when one ended, or the first of those in flight began
	bucket   *rate.Limiter // nil: no rate
}

// waiter is told, once, whether it got a slot.
type waiter struct {
	asked bool // a person asked for it: it goes before those of which that is not so
	since time.Time
	turn  func(got bool)
}

// before says whether a waiter goes before another.
func (w waiter) before(other waiter) bool {
	if w.asked != other.asked {
		return w.asked
	}
	return w.since.Before(other.since)
}

// queue puts a waiter where it belongs, and returns its place.
func (w waiter) queue(in *list.List) *list.Element {
	for e := in.Back(); e != nil; e = e.Prev() {
		if !w.before(e.Value.(waiter)) {
			return in.InsertAfter(w, e)
		}
	}
	return in.PushFront(w)
}

func newSlots(workers int, replicas func() int, queued func(uuid.UUID) bool, now func() time.Time) *slots {
	return &slots{workers: workers, replicas: replicas, queued: queued, now: now, lanes: map[uuid.UUID]*lane{}}
}

// enter counts a job that is for a destination, until leave.
func (s *slots) enter(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(id).present++
	s.inside++
}

func (s *slots) leave(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.find(id)
	l.present--
	s.inside--
	s.letIn(l, s.now())
}

// lane returns a destination's share, with its limits of now.
func (s *slots) lane(id uuid.UUID, limits destination.Limits) *lane {
	l := s.find(id)
	l.limits = limits
	l.setRate(s.replicas(), s.now())
	return l
}

func (s *slots) find(id uuid.UUID) *lane {
	l, ok := s.lanes[id]
	if !ok {
		if len(s.lanes) >= maxLanes {
			for other, idle := range s.lanes {
				if idle.expected == 0 && idle.door.Len() == 0 && idle.present == 0 && idle.inFlight == 0 && idle.waiters.Len() == 0 && idle.line.Len() == 0 {
					delete(s.lanes, other)
				}
			}
		}
		l = &lane{}
		s.lanes[id] = l
	}
	return l
}

// setRate gives this process its part of the destination's rate.
func (l *lane) setRate(replicas int, now time.Time) {
	if l.limits.RatePerSecond <= 0 {
		l.bucket = nil
		return
	}
	limit := rate.Limit(l.limits.RatePerSecond / float64(max(1, replicas)))
	burst := max(1, l.limits.Burst/max(1, replicas))
	switch {
	case l.bucket == nil:
		l.bucket = rate.NewLimiter(limit, burst)
	case l.bucket.Limit() != limit || l.bucket.Burst() != burst:
		l.bucket.SetLimitAt(now, limit)
		l.bucket.SetBurstAt(now, burst)
	}
}

// pace is how long an attempt is taken to last: as the last ones did, or for as
// long as none has ended.
func (l *lane) pace(now time.Time) time.Duration {
	took := l.took
	if took == 0 {
		took = unknown
	}
	if l.inFlight > 0 {
		took = max(took, now.Sub(l.last))
	}
	return took
}

// allowed is how many attempts the destination may have in flight: at most half
// of the workers, and what the others leave of its limit. One of which nothing is
// known begins with a few, and like one that is slow leaves the last eighth
// alone, but for a first try in half of that.
func (s *slots) allowed(l *lane, now time.Time) int {
	others := s.taken - l.inFlight - l.waiters.Len()
	allowed := l.within(max(1, min((l.limits.MaxInFlight*(s.workers-others)+s.workers-1)/s.workers, s.workers/2)))
	spare := s.workers - s.taken - s.workers/8
	switch {
	case l.took > 0 && (l.pace(now) < patience || spare > 0):
		return allowed
	case l.took == 0 && spare > 0:
		return min(allowed, max(1, s.workers/24))
	case l.took == 0 && spare > -s.workers/16:
		return 1
	}
	return 0
}

// waiting is how many workers may wait for the destination: as many as will have
// had their turn before patience ends, and not when workers are scarce.
func (s *slots) waiting(l *lane, allowed int, now time.Time) int {
	if s.taken >= s.workers-s.workers/4 {
		return 0
	}
	return min(int(int64(allowed)*int64(patience)/int64(l.pace(now)))/2, s.workers/2)
}

// room is how many more deliveries the destination can take from here: beside
// those at work here, those that may be in flight and those that may stand in line
// for so long.
func (s *slots) room(id uuid.UUID, limits destination.Limits, wait time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	l := s.lane(id, limits)
	if now.Before(l.closed) {
		return 0
	}
	allowed := s.allowed(l, now)
	room := allowed + s.inLine(l, allowed, wait, now)
	if l.bucket != nil {
		soon := l.bucket.TokensAt(now) + float64(l.bucket.Limit())*patience.Seconds()
		room = min(room, l.inFlight+max(0, int(soon)))
	}
	return room - l.present
}

// tokenIn is how long it takes until the destination's rate allows another
// attempt: 0 without a rate.
func (s *slots) tokenIn(id uuid.UUID, limits destination.Limits) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lane(id, limits).tokenIn(s.now())
}

func (l *lane) tokenIn(now time.Time) time.Duration {
	if l.bucket == nil {
		return 0
	}
	missing := 1 - l.bucket.TokensAt(now)
	wait := time.Duration(missing / float64(l.bucket.Limit()) * float64(time.Second))
	if wait < time.Microsecond { // a bucket counts in fractions
		return 0
	}
	return wait
}

// urgency says who goes first.
type urgency int

const (
	usual urgency = iota
	asked         // a person asked for this very delivery: it goes before all others, within the limits
	probe         // one at a time for a destination that does not answer: it goes
)

// take waits for a slot as long as that makes sense, and reports whether it got
// one. The caller gives it back with free.
func (s *slots) take(ctx context.Context, id uuid.UUID, limits destination.Limits, u urgency) bool {
	s.mu.Lock()
	now := s.now()
	l := s.lane(id, limits)
	allowed := s.allowed(l, now)
	wait, first, patient := patience, l.waiters.Len() == 0, l.waiters.Len() < s.waiting(l, allowed, now)
	w := waiter{asked: u == asked, since: now}
	if u == asked {
		first = true
	}
	switch {
	case u == probe:
		s.startProbe(l, now)
		s.mu.Unlock()
		return true
	case u == usual && now.Before(l.closed):
		s.mu.Unlock()
		return false
	case first && l.inFlight < allowed:
		s.begin(l, now)
		s.mu.Unlock()
		return s.awaitToken(ctx, l, id, wait)
	case !patient:
		s.mu.Unlock()
		return false
	}
	turn := make(chan bool, 1)
	w.turn = func(got bool) { turn <- got }
	place := w.queue(&l.waiters)
	s.taken++
	s.mu.Unlock()
	return s.awaitTurn(ctx, l, place, turn, wait) && s.awaitToken(ctx, l, id, wait)
}

// shut keeps a destination alone until a time, but for what a person asks for:
// who waits for it is sent away. Then one begins with it as if nothing were known.
func (s *slots) shut(id uuid.UUID, until time.Time) {
	s.mu.Lock()
	l := s.find(id)
	if l.took = 0; until.After(l.closed) {
		l.closed = until
	}
	var away []waiter
	for e := l.line.Front(); e != nil; {
		next := e.Next()
		if w := e.Value.(waiter); !w.asked {
			away = append(away, l.line.Remove(e).(waiter))
		}
		e = next
	}
	for e := l.waiters.Front(); e != nil; {
		next := e.Next()
		if w := e.Value.(waiter); !w.asked {
			l.waiters.Remove(e)
			s.taken--
			w.turn(false)
		}
		e = next
	}
	s.mu.Unlock()
	for _, w := range away {
		w.turn(false)
	}
}

// begin counts one more in flight. s.mu is held.
func (s *slots) begin(l *lane, now time.Time) {
	if l.inFlight == 0 {
		l.last = now
	}
	l.inFlight++
	s.taken++
}

// awaitTurn waits until free hands a slot over.
func (s *slots) awaitTurn(ctx context.Context, l *lane, place *list.Element, turn chan bool, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case got := <-turn:
		return got
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case got := <-turn: // in the same moment
		return got
	default:
	}
	l.waiters.Remove(place)
	s.taken--
	return false
}

// awaitToken waits for what the destination's rate allows, holding a slot, and
// gives the slot back if that would take too long.
func (s *slots) awaitToken(ctx context.Context, l *lane, id uuid.UUID, patience time.Duration) bool {
	s.mu.Lock()
	now := s.now()
	wait := l.tokenIn(now)
	if wait <= patience && l.bucket != nil {
		l.bucket.ReserveN(now, 1)
	}
	s.mu.Unlock()
	switch {
	case wait == 0:
		return true
	case wait > patience:
		s.free(id, 0)
		return false
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done(): // the token is lost, which errs on the slow side
		s.free(id, 0)
		return false
	}
}

// free gives a slot back after an attempt that took so long, 0 if none was made,
// and hands it to whoever has waited for longest.
func (s *slots) free(id uuid.UUID, took time.Duration) {
	for _, w := range s.pass(id, took, false) {
		w.turn(true)
	}
}

// freeAcked is free after an attempt that was acked.
func (s *slots) freeAcked(id uuid.UUID, took time.Duration) {
	for _, w := range s.pass(id, took, true) {
		w.turn(true)
	}
}

// pass is free, but for telling the jobs whose turn it is.
func (s *slots) pass(id uuid.UUID, took time.Duration, acked bool) (jobs []waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[id]
	now := s.now()
	if acked {
		l.widen()
	}
	l.inFlight--
	s.taken--
	if took > 0 && !now.Before(l.closed) {
		l.last = now
		if l.took == 0 {
			l.took = took
		}
		l.took += (took - l.took) / 8
	}
	for l.waiters.Len()+l.line.Len() > 0 && l.inFlight < s.allowed(l, now) {
		worker, job := l.waiters.Front(), l.line.Front()
		turnOfWorker := worker != nil && (job == nil || !job.Value.(waiter).before(worker.Value.(waiter)))
		switch {
		case turnOfWorker:
			l.waiters.Remove(worker).(waiter).turn(true)
			s.taken--
			s.begin(l, now)
		case s.atWork < s.workers:
			jobs = append(jobs, s.next(l, now))
		default:
			return jobs
		}
	}
	return append(jobs, s.feed(now)...)
}
