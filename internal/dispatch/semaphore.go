package dispatch

import "context"

// semaphore bounds how many may do something at once. Each has a place while it does.
type semaphore chan struct{}

// take waits for a place, or reports false when ctx ends first.
func (s semaphore) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}: // nearly always, and cheaper than to look at ctx as well
		return true
	default:
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s semaphore) free() { <-s }
