package dispatch

import "context"

// places is how many may do something at once. Each has a place while it does.
type places chan struct{}

// take waits for a place, or reports false when ctx ends first.
func (p places) take(ctx context.Context) bool {
	select {
	case p <- struct{}{}: // nearly always, and cheaper than to look at ctx as well
		return true
	default:
	}
	select {
	case p <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p places) free() { <-p }
