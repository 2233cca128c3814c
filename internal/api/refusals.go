package api

import (
	"context"
	"net/http"
	"time"
)

// logRefusalsEvery is how often a refusal of the same code is logged. While the database
// is away, each request is one.
const logRefusalsEvery = time.Second

// logFault logs what went wrong on our side. Nobody has to act on a request that
// is to come again.
func (s *Server) logFault(ctx context.Context, message string, p Problem, facts ...any) {
	switch {
	case p.Status == http.StatusServiceUnavailable:
		if unlogged, ok := s.refusals.Allow(string(p.Code), s.Now()); ok {
			s.Log.WarnContext(ctx, "request refused", append(facts, "code", p.Code, "not_logged", unlogged)...)
		}
	case p.Status >= http.StatusInternalServerError:
		s.Log.ErrorContext(ctx, message, facts...)
	}
}
