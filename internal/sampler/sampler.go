// Package sampler keeps log lines that repeat from flooding the log. While the database
// is away, for example, the same line would be written for every call that is refused.
package sampler

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// maxKinds bounds what a Sampler remembers: a kind may hold text that always changes.
const maxKinds = 1000

// Sampler lets one log line of each kind through in a time, and counts the others. Many
// goroutines may use one.
type Sampler struct {
	Every time.Duration

	mu    sync.Mutex
	kinds map[string]*kind
}

// kind is what is known of the lines of one kind.
type kind struct {
	logged  time.Time
	skipped int // lines since then
}

// Allow reports whether a line of a kind is to be written now, and how many lines of
// that kind were not written since the last one that was.
func (s *Sampler) Allow(name string, now time.Time) (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.kinds[name]
	if last != nil && now.Sub(last.logged) < s.Every {
		last.skipped++
		return 0, false
	}
	if last != nil {
		skipped = last.skipped
	}
	if last == nil && len(s.kinds) >= maxKinds {
		s.forget(now)
	}
	if s.kinds == nil {
		s.kinds = map[string]*kind{}
	}
	s.kinds[name] = &kind{logged: now}
	return skipped, true
}

// forget drops the kinds that may be written again, or all of them if there are none.
func (s *Sampler) forget(now time.Time) {
	maps.DeleteFunc(s.kinds, func(_ string, k *kind) bool { return now.Sub(k.logged) >= s.Every })
	if len(s.kinds) >= maxKinds {
		clear(s.kinds)
	}
}

// Handler returns a handler that samples warnings and errors by their message. All that
// is derived from it shares the sampler.
func (s *Sampler) Handler(next slog.Handler, now func() time.Time) slog.Handler {
	return &handler{Handler: next, sampler: s, now: now}
}

type handler struct {
	slog.Handler
	sampler *Sampler
	now     func() time.Time
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		if _, ok := h.sampler.Allow(r.Message, h.now()); !ok {
			return nil
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.sampler, h.now}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.sampler, h.now}
}
