package dispatch

import "sync"

// group lets many callers share one transaction: what waits while a commit runs
// goes into the next one. There is no timer, so a lone item waits for nobody.
type group[T any] struct {
	in     chan T
	max    int // items in one commit
	commit func([]T)
	done   chan struct{}

	mu     sync.RWMutex
	closed bool
}

// newGroup starts the goroutine that commits. room is how many items may wait.
func newGroup[T any](room, maxItems int, commit func([]T)) *group[T] {
	g := &group[T]{in: make(chan T, room), max: maxItems, commit: commit, done: make(chan struct{})}
	go g.run()
	return g
}

// add hands an item over, and reports false when the room is full or the group
// is closed: the item is then still the caller's.
func (g *group[T]) add(item T) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return false
	}
	select {
	case g.in <- item:
		return true
	default:
		return false
	}
}

// isClosed tells apart why add did not take an item.
func (g *group[T]) isClosed() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed
}

func (g *group[T]) run() {
	defer close(g.done)
	for first := range g.in {
		batch := append(make([]T, 0, 64), first)
	drain:
		for len(batch) < g.max {
			select {
			case item, ok := <-g.in:
				if !ok {
					break drain
				}
				batch = append(batch, item)
			default:
				break drain
			}
		}
		g.commit(batch)
	}
}

// close takes no more items and waits until those that wait are committed.
func (g *group[T]) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.in)
	}
	g.mu.Unlock()
	<-g.done
}
