package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// refusals keeps requests that are to come again from flooding the log: while the
// database is away, each of them is one.
type refusals struct {
	mu    sync.Mutex
	kinds map[string]*refusal
}

type refusal struct {
	logged time.Time
	since  int // refusals that were not
}

const logRefusalsEvery = time.Second

// may reports whether a refusal is to be logged, and how many before it were not.
func (r *refusals) may(kind string, now time.Time) (unlogged int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kinds == nil {
		r.kinds = map[string]*refusal{}
	}
	last := r.kinds[kind]
	if last != nil && now.Sub(last.logged) < logRefusalsEvery {
		last.since++
		return 0, false
	}
	r.kinds[kind] = &refusal{logged: now}
	if last != nil {
		unlogged = last.since
	}
	return unlogged, true
}

// logFault logs what went wrong on our side. Nobody has to act on a request that
// is to come again.
func (s *Server) logFault(ctx context.Context, message string, p Problem, facts ...any) {
	switch {
	case p.Status == http.StatusServiceUnavailable:
		if unlogged, ok := s.refusals.may(string(p.Code), s.Now()); ok {
			s.Log.WarnContext(ctx, "request refused", append(facts, "code", p.Code, "not_logged", unlogged)...)
		}
	case p.Status >= http.StatusInternalServerError:
		s.Log.ErrorContext(ctx, message, facts...)
	}
}
