package api

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/sampler"
)

// A line a second for each code says how many there were.
func TestRefusalsAreSampled(t *testing.T) {
	t.Parallel()
	var got []string
	log, now := new(logBook), time.Now()
	s := &Server{refusals: sampler.Sampler{Every: logRefusalsEvery}, Config: Config{Log: log.logger(slog.LevelInfo), Now: func() time.Time { return now }}}
	unavailable, overloaded := newProblem(503, ProblemCodeUnavailable, ""), newProblem(503, ProblemCodeOverloaded, "")
	for _, at := range []struct {
		after time.Duration
		p     Problem
	}{
		{0, unavailable},
		{0, unavailable},
		{0, overloaded},
		{999 * time.Millisecond, unavailable},
		{time.Millisecond, unavailable},
		{0, unavailable},
		{time.Hour, unavailable},
		{0, overloaded},
	} {
		now = now.Add(at.after)
		s.logFault(t.Context(), "request failed", at.p, "error", errors.New("away"))
	}
	s.logFault(t.Context(), "request failed", newProblem(500, ProblemCodeInternal, ""), "error", errors.New("broken"))
	s.logFault(t.Context(), "request failed", newProblem(422, ProblemCodeInvalid, ""))
	for line := range strings.Lines(log.text()) {
		l := compact(t, []byte(line))
		got = append(got, fmt.Sprint(l["level"], " ", l["msg"], " ", l["code"], " ", l["not_logged"], " ", l["error"]))
	}
	want := []string{
		"WARN request refused unavailable 0 away",
		"WARN request refused overloaded 0 away",
		"WARN request refused unavailable 2 away",
		"WARN request refused unavailable 1 away",
		"WARN request refused overloaded 0 away",
		"ERROR request failed <nil> <nil> broken",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
