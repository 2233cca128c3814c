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
func (s *slots) ask(id uuid.UUID, limits destination.Limits, turn func(got bool)) {
	s.mu.Lock()
	now := s.now()
	l := s.lane(id, limits)
	if now.Before(l.closed) {
		s.mu.Unlock()
		turn(false)
		return
	}
	if l.waiters.Len()+l.line.Len() == 0 && s.atWork < s.workers && l.inFlight < s.allowed(l, now) {
		s.atWork++
		s.begin(l, now)
		s.mu.Unlock()
		turn(true)
		return
	}
	l.line.PushBack(waiter{now, turn})
	s.watch(l, endurance)
	s.starve(l)
	s.mu.Unlock()
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
	var late []waiter
	for l.line.Len() > 0 {
		first := l.line.Front().Value.(waiter)
		if left := endurance - s.now().Sub(first.since); left > 0 {
			s.watch(l, left)
			break
		}
		late = append(late, l.line.Remove(l.line.Front()).(waiter))
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
