package postgres

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// rows are rows to scan: their numbers count down to 1, which is the oldest,
// and one in so many matches.
type rows struct {
	n, oneIn int
	each     time.Duration
	windows  []int
}

func number(id uuid.UUID) int { return int(binary.BigEndian.Uint64(id[8:])) }

func numbered(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func (r *rows) at(before uuid.UUID, limit, window int) (p scanned[int], err error) {
	r.windows = append(r.windows, window)
	next := min(number(before)-1, r.n)
	for range min(window, next) {
		if next%r.oneIn == 0 && len(p.items) < limit {
			p.items = append(p.items, next)
		}
		p.rest = numbered(next)
		next--
		p.took += r.each
	}
	if next == 0 {
		p.rest = uuid.Nil
	}
	return p, nil
}

func TestScan(t *testing.T) {
	t.Parallel()
	end := numbered(1 << 40)
	for name, c := range map[string]struct {
		rows    rows
		limit   int
		items   int
		rest    int
		windows []int
	}{
		"the first rows fill the page":     {rows{n: 10_000, oneIn: 5}, 50, 50, -1, []int{250}},
		"a large page scans more":          {rows{n: 10_000, oneIn: 4}, 200, 200, -1, []int{800}},
		"few match":                        {rows{n: 10_000, oneIn: 20}, 50, 50, -1, []int{250, 500, 1000}},
		"none match":                       {rows{n: 10_000, oneIn: 20_000}, 50, 0, 5001, []int{250, 500, 1000, 2000, 1250}},
		"nothing is left":                  {rows{n: 700, oneIn: 20}, 50, 35, 0, []int{250, 500}},
		"there is nothing":                 {rows{n: 0, oneIn: 1}, 50, 0, 0, []int{250}},
		"it takes long":                    {rows{n: 10_000, oneIn: 20, each: 25 * time.Microsecond}, 50, 38, 9251, []int{250, 500}},
		"it takes long from the beginning": {rows{n: 10_000, oneIn: 20, each: time.Millisecond}, 50, 13, 9751, []int{250}},
	} {
		list, rest, err := scan(end, c.limit, c.rows.at)
		if err != nil || len(list) != c.items || c.rest >= 0 && number(rest) != c.rest || !slices.Equal(c.rows.windows, c.windows) {
			t.Errorf("%s: %d items, rest %d, windows %v, %v; want %d, %d, %v", name, len(list), number(rest), c.rows.windows, err, c.items, c.rest, c.windows)
		}
	}
}

// Whoever goes on from the rest of each page sees each row once.
func TestScanAgain(t *testing.T) {
	t.Parallel()
	r := rows{n: 20_000, oneIn: 7}
	var got []int
	for before := numbered(1 << 40); ; {
		list, rest, err := scan(before, 30, r.at)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list...)
		switch {
		case len(list) == 30:
			before = numbered(list[29])
		case rest == uuid.Nil:
			var want []int
			for n := r.n; n > 0; n-- {
				if n%r.oneIn == 0 {
					want = append(want, n)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d rows, want %d", len(got), len(want))
			}
			return
		default:
			before = rest
		}
	}
}
