package dispatch

import (
	"context"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Jobs that are worked where they were made stand in line for their destination's
// slots, each a few words in memory; a worker with a job from the queue waits in
// slots.take.

// inLine is how many jobs may stand in line for the destination: as many as will
// have had their turn after a wait.
func (s *slots) inLine(l *lane, allowed int, wait time.Duration, now time.Time) int {
	return min(int(int64(allowed)*int64(wait)/int64(l.pace(now))), 4*s.workers)
}

// ask calls turn when the destination has a slot for it, at once or in its turn,
// or when it has waited for too long. With the slot comes no token: see awaitToken.
func (s *slots) ask(id uuid.UUID, limits destination.Limits, u urgency, turn func(got bool)) {
	s.mu.Lock()
	now := s.now()
	l := s.lane(id, limits)
	w := waiter{asked: u == asked, since: now, turn: turn}
	switch {
	case u == probe && s.atWork < s.workers:
		s.atWork++
		s.startProbe(l, now)
		s.mu.Unlock()
		turn(true)
		return
	case u == probe:
		s.probes = append(s.probes, prober{l, turn})
	case u == usual && now.Before(l.closed):
		s.mu.Unlock()
		turn(false)
		return
	case l.waiters.Len()+l.line.Len() == 0 && s.atWork < s.workers && l.inFlight < s.allowed(l, now):
		s.atWork++
		s.begin(l, now)
		s.mu.Unlock()
		turn(true)
		return
	default:
		w.queue(&l.line)
		s.watch(l, endurance)
		s.starve(l)
	}
	s.mu.Unlock()
}

// prober is a job that probes. It waits for nothing but a worker.
type prober struct {
	lane *lane
	turn func(got bool)
}

// startProbe begins an attempt whatever the destination's limits say. s.mu is held.
func (s *slots) startProbe(l *lane, now time.Time) {
	s.begin(l, now)
	if l.bucket != nil {
		l.bucket.ReserveN(now, 1)
	}
}

// starve has a lane's line looked at when other lanes leave room. s.mu is held.
func (s *slots) starve(l *lane) {
	if !l.starved {
		l.starved = true
		s.starved = append(s.starved, l)
	}
}

// ended says that a job is over that got its slot by ask.
func (s *slots) ended() {
	s.mu.Lock()
	s.atWork--
	jobs := s.feed(s.now())
	s.mu.Unlock()
	for _, w := range jobs {
		w.turn(true)
	}
}

// feed gives slots to jobs in turn between their destinations. s.mu is held.
func (s *slots) feed(now time.Time) (jobs []waiter) {
	for len(s.probes) > 0 && s.atWork < s.workers {
		p := s.probes[0]
		s.probes = s.probes[1:]
		s.atWork++
		s.startProbe(p.lane, now)
		jobs = append(jobs, waiter{since: now, turn: p.turn})
	}
	const most = 8 // lanes looked at: the others come next time
	for n := min(most, len(s.starved)); n > 0 && s.atWork < s.workers; n-- {
		l := s.starved[0]
		s.starved, l.starved = s.starved[1:], false
		if l.line.Len() > 0 && l.inFlight < s.allowed(l, now) {
			jobs = append(jobs, s.next(l, now))
		}
		if l.line.Len() > 0 {
			s.starve(l)
		}
	}
	return jobs
}

// next takes the first job out of a line, and begins it. s.mu is held.
func (s *slots) next(l *lane, now time.Time) waiter {
	s.atWork++
	s.begin(l, now)
	return l.line.Remove(l.line.Front()).(waiter)
}

// watch has those looked at who stand in line, after a time. s.mu is held.
func (s *slots) watch(l *lane, wait time.Duration) {
	if !l.watched {
		l.watched = true
		time.AfterFunc(wait, func() { s.expire(l) })
	}
}

// expire sends those away who have stood in line for too long.
func (s *slots) expire(l *lane) {
	s.mu.Lock()
	l.watched = false
	var (
		late []waiter
		next = endurance + 1
		now  = s.now()
	)
	for e := l.line.Front(); e != nil; {
		w, after := e.Value.(waiter), e.Next()
		left := endurance - now.Sub(w.since)
		if left > 0 {
			next = min(next, left)
		} else {
			late = append(late, l.line.Remove(e).(waiter))
		}
		if left > 0 && !w.asked { // those behind it came later
			break
		}
		e = after
	}
	if l.line.Len() > 0 {
		s.watch(l, next)
	}
	s.mu.Unlock()
	for _, w := range late {
		w.turn(false)
	}
}

// dismiss sends everyone away who stands in line.
func (s *slots) dismiss() {
	s.mu.Lock()
	var all []waiter
	for _, l := range s.lanes {
		for l.line.Len() > 0 {
			all = append(all, l.line.Remove(l.line.Front()).(waiter))
		}
	}
	for _, p := range s.probes {
		all = append(all, waiter{turn: p.turn})
	}
	s.probes = nil
	s.mu.Unlock()
	for _, w := range all {
		w.turn(false)
	}
}

// token is awaitToken for a slot that was asked for.
func (s *slots) token(ctx context.Context, id uuid.UUID) bool {
	s.mu.Lock()
	l := s.lanes[id]
	s.mu.Unlock()
	return s.awaitToken(ctx, l, id, patience)
}
