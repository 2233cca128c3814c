package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"belfry/internal/postgres"
	"belfry/migrations"
)

// schema knows whether the database has every migration that this program needs.
// It had when the server started, and somebody may take one back since.
type schema struct {
	db   *postgres.DB
	log  *slog.Logger
	lack atomic.Pointer[string] // the first migration that is missing; nil: none is
}

// lookAtSchema is how often it is looked, which takes a query of some dozen rows.
const lookAtSchema = 2 * time.Second

// missing names the migration that the database lacks, "" for none.
func (s *schema) missing() string {
	if name := s.lack.Load(); name != nil {
		return *name
	}
	return ""
}

// run looks again and again until ctx ends.
func (s *schema) run(ctx context.Context) {
	every := time.NewTicker(lookAtSchema)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look finds out what is missing. While the database does not answer, what was last
// found stands.
func (s *schema) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookAtSchema)
	defer cancel()
	steps, err := migrations.Missing(ctx, s.db.Pool())
	if err != nil {
		return
	}
	was := s.missing()
	if len(steps) == 0 {
		s.lack.Store(nil)
		if was != "" {
			s.log.InfoContext(ctx, "database has every migration again", "migration", was)
		}
		return
	}
	if s.lack.Store(&steps[0].Name); was != steps[0].Name {
		s.log.ErrorContext(ctx, "database lacks a migration", "migration", steps[0].Name, "missing", len(steps))
	}
}
