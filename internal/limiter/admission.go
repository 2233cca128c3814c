package limiter

import (
	"container/list"
	"context"
	"time"

	"github.com/google/uuid"
)

// A call with alerts waits while a quick destination of its own has more before it than
// it can take at once. A destination that is slow, has a rate or keeps failing keeps no
// call waiting: its deliveries are held instead.

const (
	// AtOnce is how many deliveries a destination takes at once while it has none,
	// however short its backlog may be.
	AtOnce = 128

	// minBacklog is what makes a destination quick: it takes at least this many deliveries
	// in the time that its backlog may last, which is some 800 a second.
	minBacklog = 32

	// admissionCooldown is for how long no call waits for a destination after a call has
	// waited for it in vain.
	admissionCooldown = time.Second

	// admissionCheck is how often waiting calls are looked at while no job ends.
	admissionCheck = WorkerWait / 10

	// maxWaitingCalls bounds the calls that wait, so that most of the calls that may be
	// under way at once are left for those that need not wait.
	maxWaitingCalls = 256
)

// Admission is a call's leave to bring deliveries to its destinations.
type Admission struct {
	limiter  *Limiter
	wants    map[uuid.UUID]int  // deliveries, by destination
	room     map[uuid.UUID]bool // where there was room for them
	admitted chan struct{}
	waitsFor *state
	place    *list.Element
}

// Admit returns when there is room for a call's deliveries, or the wait is over. Where
// there is room, the deliveries are expected until Arrived is called.
func (l *Limiter) Admit(ctx context.Context, wants map[uuid.UUID]int, wait time.Duration) *Admission {
	a := &Admission{limiter: l, wants: wants, room: map[uuid.UUID]bool{}, admitted: make(chan struct{})}
	l.mu.Lock()
	now := l.now()
	a.try(now)
	if a.waitsFor != nil && (wait == 0 || l.waitingCalls == maxWaitingCalls || now.Before(a.waitsFor.noAdmissions)) {
		a.withdraw()
	}
	waits := a.waitsFor != nil
	if waits {
		l.waitingCalls++
	}
	l.mu.Unlock()
	if waits {
		a.await(ctx, wait)
	}
	return a
}

// Has reports whether there was room for the call's deliveries to a destination:
// then they need not be held, whatever the backlog looks like now.
func (a *Admission) Has(id uuid.UUID) bool { return a != nil && a.room[id] }

// Arrived says that a call's deliveries are stored, or refused.
func (a *Admission) Arrived() {
	l := a.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for id := range a.room {
		s := l.states.find(id)
		s.expected -= a.wants[id]
		l.pool.claimed -= a.wants[id]
		s.admitWaiting(now)
	}
}

// try admits the call, or has it wait for a destination that is full. l.mu is held.
func (a *Admission) try(now time.Time) {
	l := a.limiter
	for id, n := range a.wants {
		s := l.states.find(id)
		if worth, room := l.pool.admits(s, n, now); worth && !room {
			a.waitsFor, a.place = s, s.admissions.PushBack(a)
			l.watchAdmissions(s)
			return
		}
	}
	a.waitsFor = nil
	for id, n := range a.wants {
		s := l.states.find(id)
		if _, room := l.pool.admits(s, n, now); room {
			a.room[id] = true
			s.expected += n
			l.pool.claimed += n
		}
	}
	close(a.admitted)
}

// withdraw ends the wait of a call: what there is no room for is held. l.mu is held.
func (a *Admission) withdraw() {
	a.waitsFor.admissions.Remove(a.place)
	a.waitsFor = nil
}

// await waits until the call is admitted, or has waited for too long.
func (a *Admission) await(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	inVain := false
	select {
	case <-a.admitted:
	case <-timer.C:
		inVain = true
	case <-ctx.Done():
	}
	l := a.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waitingCalls--
	if a.waitsFor == nil { // admitted, perhaps in the same moment
		return
	}
	if inVain {
		a.waitsFor.noAdmissions = l.now().Add(admissionCooldown)
	}
	a.withdraw()
}

// admits reports whether it is worth waiting for a destination, and whether it has room
// for n more deliveries. There is none while held deliveries go first.
func (p *pool) admits(s *state, n int, now time.Time) (worth, room bool) {
	if s.latency == 0 || s.bucket != nil || now.Before(s.coolsUntil) {
		return false, false
	}
	allowed := p.allowed(s, now)
	backlog := p.maxBacklog(s, allowed, WorkerWait/6, now)
	if backlog < minBacklog {
		return false, false
	}
	here := s.jobs + s.expected
	fits := here+n <= allowed+backlog || here == 0 && n <= AtOnce
	return s.held.ahead || here > 0, fits && !s.held.ahead && p.claimed+n <= JobsPerWorker*p.size
}

// admitWaiting admits calls that wait for a destination, as far as there is room: not only
// the first call, which may want much of it.
func (s *state) admitWaiting(now time.Time) {
	e := s.admissions.Front()
	for left := 0; e != nil && left < 8; {
		a, next := e.Value.(*Admission), e.Next()
		if worth, room := a.limiter.pool.admits(s, a.wants[s.id], now); worth && !room {
			left++
		} else {
			s.admissions.Remove(e)
			a.try(now) // it may have to wait for another destination
		}
		e = next
	}
}

// watchAdmissions looks from time to time at the calls that wait for a destination,
// because a destination that has become slow must keep none waiting. l.mu is held.
func (l *Limiter) watchAdmissions(s *state) {
	if s.watched {
		return
	}
	s.watched = true
	time.AfterFunc(admissionCheck, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.watched = false
		if s.admitWaiting(l.now()); s.admissions.Len() > 0 {
			l.watchAdmissions(s)
		}
	})
}
