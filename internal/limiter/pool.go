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
		if s.idle(now) {
			s.limit.rest()
		}
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

// allowed is how many attempts the destination may have in flight: what it can take,
// at most half of the workers, and a part of that when workers run out: see share. One
// of which nothing is known begins with a few, and like one that is slow leaves the
// last eighth alone, but for a first try in half of that, or one attempt of a slow one in
// a quarter.
func (p *pool) allowed(s *state, now time.Time) int {
	can := s.limit.now(p.ceiling(s))
	free := p.size - p.taken + s.workers.Len()
	spare := free - p.size/8
	switch {
	case s.latency > 0 && s.expectedLatency(now) < WorkerWait:
		return p.share(can, spare+p.size/32)
	case s.latency > 0 && spare > 0:
		return p.share(can, spare)
	case s.latency == 0 && spare > 0:
		return min(can, max(1, p.size/24))
	case s.latency == 0 && spare > -p.size/16, spare > -p.size/32:
		return 1
	}
	return 0
}

// ceiling is how many attempts the destination may have in flight at most.
func (p *pool) ceiling(s *state) int { return max(1, min(s.limits.MaxInFlight, p.size/2)) }

// heed lets the destination's limit follow what an attempt says.
func (p *pool) heed(s *state, o Outcome, now time.Time) {
	ceiling := p.ceiling(s)
	if s.held.any && s.inFlight >= s.limit.now(ceiling) && s.tokenIn(now) == 0 {
		s.limit.round.full = true // what is held waits for room
	}
	s.limit.ended(o, s.inFlight-1, ceiling, now)
}

// share is what a destination may have of what it can take when so many workers are
// free for it: all of it, until fewer than an eighth of the workers are.
func (p *pool) share(can, free int) int {
	scarce := max(1, p.size/8)
	if free >= scarce {
		return can
	}
	return max(1, (can*free+scarce-1)/scarce)
}

// hasSlot reports whether the destination may have another attempt in flight, and notes
// where it is the destination's own limit that says no, and not its rate.
func (p *pool) hasSlot(s *state, now time.Time) bool {
	if s.inFlight >= s.limit.now(p.ceiling(s)) {
		s.limit.round.full = s.limit.round.full || s.tokenIn(now) == 0
		return false
	}
	return s.inFlight < p.allowed(s, now)
}

// mayWait is how many workers may wait for the destination: as many as will have
// had their turn before WorkerWait ends, and none when workers are scarce.
func (p *pool) mayWait(s *state, allowed int, now time.Time) int {
	if p.taken >= p.size-p.size/8 {
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
	for s.workers.Len()+s.backlog.Len() > 0 && p.hasSlot(s, now) {
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
		if s.backlog.Len() > 0 && p.hasSlot(s, now) {
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
