package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sayEvery is how often River may repeat itself.
const sayEvery = 10 * time.Second

// seldom lets each warning or error of River's through once in a while. While
// the database is away River says the same ten times a second, and what matters
// of that is in our own lines.
type seldom struct {
	slog.Handler
	now  func() time.Time
	said *said
}

// said is when each message was last let through, shared by the handlers that
// River derives.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

// Handle implements slog.Handler.
func (s *seldom) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && !s.said.may(r.Message, s.now()) {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *seldom) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &seldom{s.Handler.WithAttrs(attrs), s.now, s.said}
}

// WithGroup implements slog.Handler.
func (s *seldom) WithGroup(name string) slog.Handler {
	return &seldom{s.Handler.WithGroup(name), s.now, s.said}
}

func (s *said) may(message string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.at[message]; ok && now.Sub(last) < sayEvery {
		return false
	}
	if len(s.at) >= 1000 {
		clear(s.at) // messages that hold changing text must not pile up
	}
	s.at[message] = now
	return true
}
