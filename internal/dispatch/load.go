package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"belfry/internal/postgres"
)

const (
	loadTimeout = 10 * time.Second
	maxLoads    = 64 // in one query: an alert may have a megabyte
)

// loadItem is a delivery that a worker wants to send.
type loadItem struct {
	id   uuid.UUID
	done chan loaded
}

type loaded struct {
	out *postgres.Outgoing
	err error
}

// load reads all that is needed to send a delivery. Workers that ask at the same moment
// share a query.
func (x *executor) load(id uuid.UUID) (*postgres.Outgoing, error) {
	item := &loadItem{id: id, done: make(chan loaded, 1)}
	if !x.loads.Add(item) {
		return nil, errors.New("load delivery: this process stops")
	}
	l := <-item.done
	return l.out, l.err
}

func (x *executor) commitLoads(items []*loadItem) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout) // a query serves many callers
	defer cancel()
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.id
	}
	found, err := x.db.Outgoing(ctx, ids)
	for _, item := range items {
		out, ok := found[item.id]
		switch {
		case err != nil:
			item.done <- loaded{err: err}
		case !ok:
			item.done <- loaded{err: fmt.Errorf("load delivery %s: %w", item.id, postgres.ErrNotFound)}
		default:
			item.done <- loaded{out: out}
		}
	}
}
