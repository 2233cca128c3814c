package limiter

import "time"

// pool is the workers of this process, which all destinations share. What one
// destination may have shrinks as the workers run out, so that many slow destinations
// cannot take all of them together; and the last eighth is only for those that are
// known to be quick. The limiter's mutex guards it.
type pool struct {
	size    int
	taken   int      // workers that send, or wait for a slot
	running int      // jobs out of a backlog, until they have ended: no more than size
	claimed int      // jobs that are here, and deliveries that are expected
	turns   []*state // those with a backlog, which take turns: who had none for longest comes first
	probes  []probe  // that wait for a worker
}

// enter counts one more job.
func (p *pool) enter(s *state) {
	s.jobs++
	p.claimed++
}

// leave counts one job less, which may leave room for calls.
func (p *pool) leave(s *state, now time.Time) {
	s.jobs--
	p.claimed--
	s.admitWaiting(now)
}

// begin counts one more attempt in flight.
func (p *pool) begin(s *state, now time.Time) {
	if s.inFlight == 0 {
		s.progressAt = now
	}
	s.inFlight++
	p.taken++
}

// beginProbe begins an attempt whatever the destination's limits say. What goes next
// pays for its token.
func (p *pool) beginProbe(s *state, now time.Time) {
	p.begin(s, now)
	if s.bucket != nil {
		s.bucket.ReserveN(now, 1)
	}
}

// allowed is how many attempts the destination may have in flight: at most half of the
// workers, and of its own limit the same part that the other destinations leave of the
// workers. A destination of which nothing is known begins with a few. It leaves the last
// eighth of the workers alone, like a slow one, but may make a first try in half of that.
func (p *pool) allowed(s *state, now time.Time) int {
	others := p.taken - s.inFlight - s.workers.Len()
	allowed := s.congestionLimit(max(1, min((s.limits.MaxInFlight*(p.size-others)+p.size-1)/p.size, p.size/2)))
	free := p.size - p.taken - p.size/8
	switch {
	case s.latency > 0 && (s.expectedLatency(now) < WorkerWait || free > 0):
		return allowed
	case s.latency == 0 && free > 0:
		return min(allowed, max(1, p.size/24))
	case s.latency == 0 && free > -p.size/16:
		return 1
	}
	return 0
}

// mayWait is how many workers may wait for the destination: as many as will have
// had their turn before WorkerWait ends, and none when workers are scarce.
func (p *pool) mayWait(s *state, allowed int, now time.Time) int {
	if p.taken >= p.size-p.size/4 {
		return 0
	}
	return min(int(int64(allowed)*int64(WorkerWait)/int64(s.expectedLatency(now)))/2, p.size/2)
}

// maxBacklog is how many jobs may wait in the destination's backlog: as many as will
// have had their turn after a wait.
func (p *pool) maxBacklog(s *state, allowed int, wait time.Duration, now time.Time) int {
	return min(int(int64(allowed)*int64(wait)/int64(s.expectedLatency(now))), 4*p.size)
}

// handOver gives the slots that a destination has left to its workers and jobs, as
// they came, and then to jobs of others. Workers it tells at once; the jobs whose turn
// it is are returned.
func (p *pool) handOver(s *state, now time.Time) (jobs []waiter) {
	for s.workers.Len()+s.backlog.Len() > 0 && s.inFlight < p.allowed(s, now) {
		worker, job := s.workers.Front(), s.backlog.Front()
		turnOfWorker := worker != nil && (job == nil || !job.Value.(waiter).before(worker.Value.(waiter)))
		switch {
		case turnOfWorker:
			s.workers.Remove(worker).(waiter).turn(true)
			p.taken--
			p.begin(s, now)
		case p.running < p.size:
			jobs = append(jobs, p.next(s, now))
		default:
			return jobs
		}
	}
	return append(jobs, p.feed(now)...)
}

// feed gives free workers to probes, and then to destinations in turn. It returns the
// jobs whose turn it is.
func (p *pool) feed(now time.Time) (jobs []waiter) {
	for len(p.probes) > 0 && p.running < p.size {
		next := p.probes[0]
		p.probes = p.probes[1:]
		p.running++
		p.beginProbe(next.state, now)
		jobs = append(jobs, waiter{since: now, turn: next.turn})
	}
	const most = 8 // destinations looked at: the others come next time
	for n := min(most, len(p.turns)); n > 0 && p.running < p.size; n-- {
		s := p.turns[0]
		p.turns, s.inTurns = p.turns[1:], false
		if s.backlog.Len() > 0 && s.inFlight < p.allowed(s, now) {
			jobs = append(jobs, p.next(s, now))
		}
		if s.backlog.Len() > 0 {
			p.takeTurns(s)
		}
	}
	return jobs
}

// next takes the first job out of a backlog, and begins its attempt.
func (p *pool) next(s *state, now time.Time) waiter {
	p.running++
	p.begin(s, now)
	return s.backlog.Remove(s.backlog.Front()).(waiter)
}

// takeTurns has a backlog looked at when other destinations leave room.
func (p *pool) takeTurns(s *state) {
	if !s.inTurns {
		s.inTurns = true
		p.turns = append(p.turns, s)
	}
}
