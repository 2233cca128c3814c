package dispatch

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"belfry/internal/pgtest"
)

// What a recorded attempt has led to is told once, also where it was stored by a
// COMMIT of which no answer came: the next try finds it stored.
func TestEffectsOfAttemptsWhoseCommitWasNotAnswered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options []option
		answer  int
		lost    int // answers to COMMIT
		want    effects
	}{
		"acked": {nil, 200, 1, effects{
			Row: "delivered -, 1 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery delivered -",
			Counted: "attempt_duration_seconds +1, attempts_total acked +1, deliveries_finished_total delivered +1, record_retries_total +1",
			Logged:  "INFO delivery attempted, status delivered",
		}},
		"acked, and the answer is lost twice": {nil, 200, 2, effects{
			Row: "delivered -, 1 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery delivered -",
			Counted: "attempt_duration_seconds +1, attempts_total acked +1, deliveries_finished_total delivered +1, record_retries_total +2",
			Logged:  "INFO delivery attempted, status delivered",
		}},
		"failed, and budget left": {nil, 500, 1, effects{
			Row: "retrying -, 1 of run 1, 1 made, due later, priority 2", Jobs: "old available, work snoozed for long",
			Events:  "delivery retrying -",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1, record_retries_total +1",
			Logged:  "INFO delivery attempted, status retrying",
		}},
		"failed, and the budget used": {[]option{waits()}, 500, 1, effects{
			Row: "failed attempts_exhausted, 1 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery failed attempts_exhausted",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1, deliveries_failed_total attempts_exhausted +1, deliveries_finished_total failed +1, record_retries_total +1",
			Logged:  "INFO delivery attempted, status failed; ERROR delivery failed, status failed, reason attempts_exhausted",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cut := pgtest.NewCut(t, pgtest.NewURL(t))
			s := newStageOn(t, cut.DB, tt.options...)
			answers(tt.answer)(t, s)
			s.mark(t)
			cut.Commits(tt.lost)
			works(t, s)
			if !cut.Committed() {
				t.Fatal("no answer was cut short")
			}
			got := s.effects(t)
			got.Logged = strings.ReplaceAll(got.Logged, "WARN attempts wait to be recorded; ", "") // once for each error
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			as := s.attempts(t, s.id)
			if len(as) != 1 || !as[0].Counted || as[0].Number != 1 {
				t.Errorf("stored %+v", as)
			}
		})
	}
}
