package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A list looks at a bounded number of rows, chosen by an index and newest first,
// and filters these: it takes no longer for a filter that nothing matches. So a
// page may end before it is full.
const (
	lookAtFirst = 250
	lookAtMost  = 5000

	// lookFor is how long a list goes on looking: where rows are not in memory, it
	// looks at fewer.
	lookFor = 30 * time.Millisecond
)

// part is what came of looking at some rows.
type part[T any] struct {
	items []T
	rest  uuid.UUID // the last row looked at, if more are left
	took  time.Duration
}

// look fills a page with at most limit items. It looks at a few rows, then at
// twice as many, and so on: at about window rows before an id each time. rest is
// where to go on if the page is not full and rows are left, and zero if none are.
func look[T any](before uuid.UUID, limit int, at func(before uuid.UUID, limit, window int) (part[T], error)) (list []T, rest uuid.UUID, err error) {
	var spent time.Duration
	looked, window := 0, max(lookAtFirst, 4*limit)
	for {
		p, err := at(before, limit-len(list), window)
		if err != nil {
			return nil, uuid.Nil, err
		}
		list = append(list, p.items...)
		looked, spent = looked+window, spent+p.took
		if p.rest == uuid.Nil || len(list) == limit || looked >= lookAtMost || spent+2*p.took > lookFor {
			return list, p.rest, nil
		}
		before, window = p.rest, min(2*window, lookAtMost-looked)
	}
}

// The columns that end a part: whether the row is an item, and not just where the
// part ends, and how long it took so far.
const (
	itemColumns = `, p.matches, clock_timestamp() - statement_timestamp()`
	itemOrder   = ` DESC, p.matches DESC`
)

// collectPart reads rows with itemColumns in itemOrder. scan scans one, itemColumns
// into what it is given, and returns its id.
func collectPart[T any](rows pgx.Rows, scan func(row pgx.CollectableRow, item ...any) (T, uuid.UUID, error)) (part[T], error) {
	var (
		p       part[T]
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
		return part[T]{}, err // also after the last row: then items is not what was read
	}
	if p.rest != uuid.Nil {
		items = items[:len(items)-1] // it is the last
	}
	p.items = items
	return p, nil
}
