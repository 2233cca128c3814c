package scenarios

import "time"

// growth sums up samples, and is their mean after mean.
type growth struct {
	samples        int
	resident, dead float64
}

func (g growth) mean() growth {
	n := float64(max(g.samples, 1))
	return growth{g.samples, g.resident / n, g.dead / n}
}

// partOf returns 0 for a time in the first fifth, 1 for one in the last, and -1
// for others.
func partOf(at, fifth time.Duration) int {
	switch {
	case at < 0 || at >= 5*fifth:
		return -1
	case at < fifth:
		return 0
	case at >= 4*fifth:
		return 1
	}
	return -1
}
