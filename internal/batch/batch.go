// Package batch lets many callers share one transaction (group commit): what waits
// while a commit runs goes into the next one.
package batch

import (
	"sync"
	"time"
)

// Config says how a batcher gathers items.
type Config struct {
	Capacity    int           // how many items may wait
	Max         int           // how many items one commit may have
	MinInterval time.Duration // between the beginnings of two commits, if the first had more than one item
}

// Batcher hands items on to a function that commits them, several at a time and one
// commit after the other. An item that comes alone waits for nobody. After a commit of
// more than one item the next one waits for MinInterval, because each commit costs the
// database as much as several items.
type Batcher[T any] struct {
	cfg    Config
	commit func([]T)
	in     chan T
	done   chan struct{} // closed: everything is committed
	ending chan struct{} // closed: Add no longer waits
	once   sync.Once

	mu     sync.RWMutex
	closed bool
}

// New starts a batcher. It runs until Close. Its commits serve many callers, so that
// no caller's context fits them: commit makes one of its own.
func New[T any](cfg Config, commit func([]T)) *Batcher[T] {
	b := &Batcher[T]{
		cfg: cfg, commit: commit,
		in: make(chan T, cfg.Capacity), done: make(chan struct{}), ending: make(chan struct{}),
	}
	go b.run()
	return b
}

// TryAdd hands an item over. It reports false when there is no room or the batcher
// is closed: the item is then still the caller's.
func (b *Batcher[T]) TryAdd(item T) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return false
	}
	select {
	case b.in <- item:
		return true
	default:
		return false
	}
}

// Add is TryAdd, but waits for room.
func (b *Batcher[T]) Add(item T) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return false
	}
	select {
	case b.in <- item:
		return true
	case <-b.ending:
		return false
	}
}

// Closed reports whether the batcher takes no more items, so that a caller can tell
// this from a lack of room.
func (b *Batcher[T]) Closed() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.closed
}

// Waiting returns how many items wait for the next commit.
func (b *Batcher[T]) Waiting() int { return len(b.in) }

func (b *Batcher[T]) run() {
	defer close(b.done)
	var (
		last    time.Time
		company bool
	)
	for first := range b.in {
		if wait := b.cfg.MinInterval - time.Since(last); company && wait > 0 {
			time.Sleep(wait)
		}
		last = time.Now()
		items := b.gather(first)
		company = len(items) > 1
		b.commit(items)
	}
}

// gather returns the first item and those that wait behind it, as many as fit into
// one commit.
func (b *Batcher[T]) gather(first T) []T {
	items := append(make([]T, 0, 64), first)
	for len(items) < b.cfg.Max {
		select {
		case item, ok := <-b.in:
			if !ok {
				return items
			}
			items = append(items, item)
		default:
			return items
		}
	}
	return items
}

// Close takes no more items and returns when those that wait are committed.
func (b *Batcher[T]) Close() {
	b.once.Do(func() { close(b.ending) })
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.in)
	}
	b.mu.Unlock()
	<-b.done
}
