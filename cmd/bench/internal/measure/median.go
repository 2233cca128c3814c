package measure

import "slices"

// Median returns the middle value, the mean of the two in the middle of an even
// number, and 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Mean returns 0 of none.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

// Sustained returns how many of some times, in nanoseconds and in any order, there
// were a second between the first fifth of them and the last: neither how it
// began nor how it ran out counts.
func Sustained(times []int64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	first, last := len(sorted)/5, len(sorted)*4/5
	if last <= first || sorted[last] == sorted[first] {
		return 0
	}
	return float64(last-first) / (float64(sorted[last]-sorted[first]) / 1e9)
}
