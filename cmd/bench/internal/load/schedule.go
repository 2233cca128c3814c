package load

import (
	"math/rand/v2"
	"time"
)

// How the calls of an open loop follow each other.
const (
	Even    = "even"    // each so long after the one before
	Poisson = "poisson" // independently of each other, as those of many producers do
)

// poissonSeed makes each run the same arrivals: two runs differ in what they
// measure, and not in what they ask for.
const poissonSeed = 20

// schedule says when the calls of an open loop are to be made.
type schedule struct {
	rate   float64    // calls a second on average
	random *rand.Rand // nil when they are even
	calls  int        // so far
	at     float64    // seconds after the first, of the last call that was random
}

func newSchedule(arrivals string, rate float64) *schedule {
	s := &schedule{rate: rate}
	if arrivals == Poisson {
		s.random = rand.New(rand.NewPCG(poissonSeed, poissonSeed))
	}
	return s
}

// next returns when the next call is due, after the beginning.
func (s *schedule) next() time.Duration {
	seconds := float64(s.calls) / s.rate // no error adds up
	if s.random != nil {
		s.at += s.random.ExpFloat64() / s.rate
		seconds = s.at
	}
	s.calls++
	return time.Duration(seconds * float64(time.Second))
}
