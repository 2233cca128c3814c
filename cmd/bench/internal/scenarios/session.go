package scenarios

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// session plays every scenario once in each round, so that the runs of a scenario
// are spread over all of it: a machine that is slow for some minutes spoils one
// run of three, and the median does not care.
type session struct {
	bench  *stage.Bench
	rounds int
	within time.Duration // 0: as long as it takes
	began  time.Time

	took     map[string]time.Duration // of each group, in the round before
	limits   map[string][]report.Result
	results  map[string][]report.Result
	unplayed map[string]int
}

func newSession(b *stage.Bench, rounds int, within time.Duration) *session {
	return &session{
		bench: b, rounds: rounds, within: within, began: time.Now(), took: map[string]time.Duration{},
		limits: map[string][]report.Result{}, results: map[string][]report.Result{}, unplayed: map[string]int{},
	}
}

// play plays all rounds, as far as there is time.
func (s *session) play(ctx context.Context, chosen []scenario) {
	for s.bench.Round = 1; s.bench.Round <= s.rounds; s.bench.Round++ {
		for _, group := range inGroups(chosen) {
			if s.bench.Round > 1 {
				group = slices.DeleteFunc(group, func(one scenario) bool { return one.once })
			}
			if len(group) == 0 || ctx.Err() != nil {
				continue
			}
			if !s.fits(group[0].group) {
				for _, one := range group {
					s.unplayed[one.name]++
				}
				continue
			}
			began := time.Now()
			s.playGroup(ctx, group)
			s.took[group[0].group] = time.Since(began)
		}
	}
}

// fits says whether there is time for a group, by how long it took before.
func (s *session) fits(group string) bool {
	return s.within == 0 || time.Since(s.began)+s.took[group] <= s.within
}

// playGroup measures the limits that a group needs, plays its scenarios, and
// measures the limits once more: a run is held against the mean. In every other
// round the order is turned around, so that none has the warmer machine always.
func (s *session) playGroup(ctx context.Context, group []scenario) {
	needed := limitsOf(group)
	measured := map[string][]float64{}
	s.measureLimits(ctx, needed, measured)
	if s.bench.Round%2 == 0 {
		group = slices.Clone(group)
		slices.Reverse(group)
	}
	runs := map[string]report.Result{}
	for _, one := range group {
		if ctx.Err() != nil {
			return
		}
		runs[one.name] = playOnce(ctx, s.bench, one)
	}
	slices.Reverse(needed)
	s.measureLimits(ctx, needed, measured)
	for _, one := range group {
		run := runs[one.name]
		s.judge(one, &run, runs, measured)
		s.results[one.name] = append(s.results[one.name], run)
	}
}

// measureLimits notes what each limit is now.
func (s *session) measureLimits(ctx context.Context, needed []limit, measured map[string][]float64) {
	for _, l := range needed {
		if ctx.Err() != nil {
			return
		}
		r := playOnce(ctx, s.bench, scenario{name: l.name, play: l.run})
		s.limits[l.name] = append(s.limits[l.name], r)
		if r.Failed == "" {
			measured[l.name] = append(measured[l.name], r.PerSecond)
		}
	}
}

// judge holds a run against what it needs. What else was played in the round and
// not in the group was played before.
func (s *session) judge(one scenario, r *report.Result, beside map[string]report.Result, measured map[string][]float64) {
	if r.Failed != "" {
		return
	}
	for _, name := range one.needs {
		l := report.Limit{Measured: measured[name]}
		if other, ok := beside[name]; ok {
			l = rateOf(other)
		} else if all := s.results[name]; len(l.Measured) == 0 && len(all) > 0 && all[len(all)-1].Round == r.Round {
			l = rateOf(all[len(all)-1])
		}
		r.Against(name, l)
	}
	if one.judge != nil {
		of := func(name string) float64 { return r.Limits[name].Mean() }
		r.Checks = append(one.judge(r, of), r.Checks...)
	}
}

// rateOf is a run as something to be held against.
func rateOf(r report.Result) report.Limit {
	if r.Failed != "" || r.PerSecond == 0 {
		return report.Limit{}
	}
	return report.Limit{Measured: []float64{r.PerSecond}}
}

// summaries sums up all rounds.
func (s *session) summaries(chosen []scenario) (ofLimits, ofScenarios []report.Summary) {
	for _, l := range limits {
		if runs := s.limits[l.name]; len(runs) > 0 {
			ofLimits = append(ofLimits, report.Summarize(l.name, runs))
		}
	}
	for _, one := range chosen {
		sum := report.Summarize(one.name, s.results[one.name])
		sum.Unplayed = s.unplayed[one.name]
		ofScenarios = append(ofScenarios, sum)
	}
	return ofLimits, ofScenarios
}

// playOnce plays one scenario.
func playOnce(ctx context.Context, b *stage.Bench, s scenario) report.Result {
	began := time.Now()
	r, err := s.play(ctx, b)
	r.Name, r.Round, r.Began, r.Seconds = s.name, b.Round, began.UTC(), time.Since(began).Seconds()
	switch {
	case err != nil:
		r.Failed = err.Error()
		fmt.Fprintf(b.Progress, "round %d, %s: %v\n", b.Round, s.name, err)
	case r.PerSecond > 0:
		fmt.Fprintf(b.Progress, "round %d, %s: %.0f a second, in %.0f s\n", b.Round, s.name, r.PerSecond, r.Seconds)
	default:
		fmt.Fprintf(b.Progress, "round %d, %s: played in %.0f s\n", b.Round, s.name, r.Seconds)
	}
	r.Checks = append(r.Checks, r.NothingLost()...)
	return r
}
