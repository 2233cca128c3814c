package delivery

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// MaxRetries is how often a failed first try is repeated at most: the seeds'
// "up to ten (10) times".
const MaxRetries = 10

// Waits are the pauses before the retries of a run: the first is the one between
// the first try and the first retry.
type Waits []time.Duration

// DefaultWaits is about 16 hours in all.
func DefaultWaits() Waits {
	return Waits{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
	}
}

// ParseWaits reads a list like "5s 30s 2m", separated by blanks or commas: 0 to
// 10 entries of at least 1 ms. The word "none" is the list without entries.
func ParseWaits(s string) (Waits, error) {
	w := Waits{}
	if strings.TrimSpace(s) == "none" {
		return w, nil
	}
	for _, text := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a duration like 500ms, 30s, 5m or 2h", text)
		}
		if d < time.Millisecond {
			return nil, fmt.Errorf("%q is shorter than 1ms", text)
		}
		w = append(w, d)
	}
	switch {
	case len(w) == 0:
		return nil, errors.New(`no waits are given; "none" means no retries`)
	case len(w) > MaxRetries:
		return nil, fmt.Errorf("%d waits are given, at most %d are allowed", len(w), MaxRetries)
	}
	return w, nil
}

// Budget is how many attempts a run has: the first try and its retries.
func (w Waits) Budget() int { return 1 + len(w) }

// Longest is the longest of them.
func (w Waits) Longest() time.Duration {
	longest := time.Duration(0)
	for _, wait := range w {
		longest = max(longest, wait)
	}
	return longest
}

// After returns how long to wait after the counted attempt number n (from 1) of
// a run failed: the wait of the table with up to 10 % added by jitter (0 to 1),
// or what the destination asked for with Retry-After if that is longer, which is
// bounded by the longest wait. A run may be older than the table and have a
// larger budget; past its end the last wait is used.
func (w Waits) After(n int, retryAfter time.Duration, jitter float64) time.Duration {
	if len(w) == 0 {
		w = DefaultWaits()
	}
	wait := w[min(n, len(w))-1]
	wait += min(time.Duration(float64(wait)/10*jitter), math.MaxInt64-wait)
	return max(wait, min(retryAfter, slices.Max(w)))
}

// String writes the list as ParseWaits reads it.
func (w Waits) String() string {
	if len(w) == 0 {
		return "none"
	}
	texts := make([]string, len(w))
	for i, d := range w {
		texts[i] = d.String()
	}
	return strings.Join(texts, " ")
}
