package live

import (
	"context"
	"encoding/json"
	"time"
)

// Subscribe returns what changes from now on, in all replicas. The channel is
// closed when the subscriber is too slow or when cancel is called.
func (b *Bus) Subscribe() (changes <-chan Event, cancel func()) {
	ch := make(chan Event, maxUnread)
	b.mu.Lock()
	b.subscribers[ch] = true
	b.mu.Unlock()
	select {
	case b.subscribed <- struct{}{}:
	default:
	}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(ch)
	}
}

// drop ends a subscription. b.mu is held.
func (b *Bus) drop(ch chan Event) {
	if b.subscribers[ch] {
		delete(b.subscribers, ch)
		close(ch)
	}
}

// Listen hears what changed in any replica, from the first subscription here on,
// until ctx ends. A connection that breaks is made anew only for subscribers.
func (b *Bus) Listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.subscribed:
		}
		for b.watched() && ctx.Err() == nil {
			err := b.db.Listen(ctx, channel, func() { b.send(Event{Kind: ManyChanged}) }, b.heard)
			if ctx.Err() != nil {
				return
			}
			b.log.WarnContext(ctx, "events missed", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(listenAgain):
			}
		}
	}
}

// watched reports whether anybody has subscribed.
func (b *Bus) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subscribers) > 0
}

// heard sends on what a replica has published.
func (b *Bus) heard(payload string) {
	var list []Event
	if json.Unmarshal([]byte(payload), &list) != nil {
		list = []Event{{Kind: ManyChanged}} // a newer replica's
	}
	for _, ev := range list {
		b.send(ev)
	}
}

// send hands an event to all subscribers and ends those that do not keep up.
func (b *Bus) send(ev Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subscribers {
		select {
		case ch <- ev:
		default:
			b.drop(ch)
		}
	}
}
