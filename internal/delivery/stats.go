package delivery

import (
	"math"
	"time"

	"belfry/internal/outbound"
)

// StatsSpan is how long one Stats lasts; it begins at a multiple of it.
const StatsSpan = 10 * time.Minute

// Durations counts attempts by how long they took. The first counts those below
// a millisecond; each further one reaches a quarter further than the one before
// it, up to about five minutes; the last takes the rest. So a percentile read
// from it is at most a quarter too high, from a millisecond to four minutes.
type Durations [58]int32

const growth = 1.25

func (d *Durations) add(took time.Duration) {
	i := 0
	if took >= time.Millisecond {
		i = 1 + int(math.Log(float64(took)/float64(time.Millisecond))/math.Log(growth))
	}
	d[min(i, len(d)-1)]++
}

// Percentile returns how long p (0 to 1) of the attempts took at most, or 0 when
// there were none.
func (d Durations) Percentile(p float64) time.Duration {
	var total, seen int64
	for _, n := range d {
		total += int64(n)
	}
	rank := max(1, int64(math.Ceil(p*float64(total))))
	for i, n := range d {
		if seen += int64(n); seen >= rank {
			return time.Duration(math.Pow(growth, float64(i)) * float64(time.Millisecond))
		}
	}
	return 0
}

// Stats sums up the counted attempts of one destination that ended within a
// span.
type Stats struct {
	Since     time.Time
	Acked     int
	Failed    int
	Durations Durations
}

// Add counts an attempt, if it counts. A test never does.
func (s *Stats) Add(a Attempt) {
	if a.Trigger == Test || !a.Counted {
		return
	}
	if a.Class == outbound.Acked {
		s.Acked++
	} else {
		s.Failed++
	}
	s.Durations.add(a.Duration)
}

// Sum adds up those that began at a time or later.
func Sum(list []Stats, from time.Time) Stats {
	total := Stats{Since: from}
	for _, s := range list {
		if s.Since.Before(from) {
			continue
		}
		total.Acked += s.Acked
		total.Failed += s.Failed
		for i, n := range s.Durations {
			total.Durations[i] += n
		}
	}
	return total
}
