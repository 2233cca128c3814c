package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Timed is how long a GET takes.
type Timed struct {
	What  string  `json:"what"`
	Times int     `json:"times"`
	P50   float64 `json:"p50ms"`
	P95   float64 `json:"p95ms"`
	Max   float64 `json:"maxMs"`
	Wrong string  `json:"wrong,omitempty"` // what one of them was answered with, if not what was asked for
}

const (
	CallTimes  = 50
	callBudget = 20 * time.Second // a call that takes very long is made less often
	deepPages  = 50               // of 200: where the deep page of a list is
)

// page is what every list answers.
type page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor *string           `json:"nextCursor"`
}

// timeCalls makes the calls of each path in turn, one at a time.
func (c Client) timeCalls(ctx context.Context, what string, paths ...string) (Timed, error) {
	var (
		took  []time.Duration
		wrong string
	)
	began := time.Now()
	for n := range CallTimes {
		if n >= 3 && time.Since(began) > callBudget {
			break
		}
		d, err := c.Call(ctx, http.MethodGet, paths[n%len(paths)], nil, nil)
		if err != nil {
			wrong = err.Error()
		}
		took = append(took, d)
	}
	call := NewTimed(what, took)
	call.Wrong = wrong
	return call, ctx.Err()
}

// NewTimed sums up how long calls took.
func NewTimed(what string, took []time.Duration) Timed {
	slices.Sort(took)
	at := func(share float64) float64 { return float64(Rank(took, share).Microseconds()) / 1000 }
	return Timed{What: what, Times: len(took), P50: at(0.5), P95: at(0.95), Max: at(1)}
}

// Rank returns the least of sorted values that such a share of them is at most.
func Rank[T any](sorted []T, share float64) T {
	return sorted[max(1, int(math.Ceil(share*float64(len(sorted)))))-1]
}

// timeList times the first page of a list and one deep in it.
func (c Client) timeList(ctx context.Context, path string, filter url.Values) ([]Timed, error) {
	at := func(more url.Values) string {
		q := url.Values{}
		for _, from := range []url.Values{filter, more} {
			for name, values := range from {
				q[name] = values
			}
		}
		return path + "?" + q.Encode()
	}
	what := label(path, filter)
	first, err := c.timeCalls(ctx, what, at(nil))
	if err != nil {
		return nil, err
	}
	cursor, pages, began := "", 0, time.Now()
	for pages < deepPages && time.Since(began) < callBudget {
		more := url.Values{"limit": {"200"}}
		if cursor != "" {
			more.Set("cursor", cursor)
		}
		var p page
		if _, err := c.Call(ctx, http.MethodGet, at(more), nil, &p); err != nil || p.NextCursor == nil {
			break // an error was seen above already
		}
		cursor = *p.NextCursor
		pages++
	}
	if cursor == "" {
		return []Timed{first}, nil // all of it is on one page
	}
	deep, err := c.timeCalls(ctx, fmt.Sprintf("%s … after %d items", what, 200*pages), at(url.Values{"cursor": {cursor}}))
	return []Timed{first, deep}, err
}

// label names a call for people: without ids and times, which are others each time.
func label(path string, filter url.Values) string {
	var terms []string
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		value := strings.Join(filter[name], ",")
		switch name {
		case "destinationId", "from", "to":
			value = "…"
		}
		terms = append(terms, name+"="+value)
	}
	if len(terms) == 0 {
		return "GET " + path
	}
	return "GET " + path + "?" + strings.Join(terms, "&")
}
