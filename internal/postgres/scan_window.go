package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A list reads rows in the order of an index, newest first, one scan window after the
// other, and filters them. It reads a bounded number of rows in all, so that it takes no
// longer for a filter that nothing matches. So a page may end before it is full.
const (
	firstWindow = 250 // rows
	maxScanned  = 5000

	// scanTime is how long a list goes on: it scans fewer rows where they are not in
	// memory.
	scanTime = 30 * time.Millisecond
)

// scanned is what came of a scan window.
type scanned[T any] struct {
	items []T
	rest  uuid.UUID // the last row of the window, if more are left
	took  time.Duration
}

// scan fills a page with at most limit items. Each scan window has twice as many rows as
// the one before it: at scans about window rows before an id. rest is where to go on if
// the page is not full and rows are left, and zero if none are.
func scan[T any](before uuid.UUID, limit int, at func(before uuid.UUID, limit, window int) (scanned[T], error)) (list []T, rest uuid.UUID, err error) {
	var spent time.Duration
	total, window := 0, max(firstWindow, 4*limit)
	for {
		p, err := at(before, limit-len(list), window)
		if err != nil {
			return nil, uuid.Nil, err
		}
		list = append(list, p.items...)
		total, spent = total+window, spent+p.took
		if p.rest == uuid.Nil || len(list) == limit || total >= maxScanned || spent+2*p.took > scanTime {
			return list, p.rest, nil
		}
		before, window = p.rest, min(2*window, maxScanned-total)
	}
}

// The columns that end a row: whether the row is an item, and not just where the window
// ends, and how long the scan took so far.
const (
	itemColumns = `, p.matches, clock_timestamp() - statement_timestamp()`
	itemOrder   = ` DESC, p.matches DESC`
)

// collectScanned reads rows with itemColumns in itemOrder. scan scans one, itemColumns
// into what it is given, and returns its id.
func collectScanned[T any](rows pgx.Rows, scan func(row pgx.CollectableRow, item ...any) (T, uuid.UUID, error)) (scanned[T], error) {
	var (
		p       scanned[T]
		matches bool
	)
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) {
		v, id, err := scan(row, &matches, &p.took)
		if !matches {
			p.rest = id
		}
		return v, err
	})
	if err != nil {
		return scanned[T]{}, err // also after the last row: then items is not what was read
	}
	if p.rest != uuid.Nil {
		items = items[:len(items)-1] // it is the last
	}
	p.items = items
	return p, nil
}
