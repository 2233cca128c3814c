package scenarios

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/receive"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

func namesOf(chosen []scenario) (names []string) {
	for _, s := range chosen {
		names = append(names, s.name)
	}
	return names
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ names, want []string }{
		"default": {nil, []string{
			"batch", "single", "tls1", "tls2", "fanout10", "fanout1", "even50", "poisson50", "noisy", "slow200", "wide10", "wide40",
			"dead", "context2", "context16", "context64", "thousand", "slow20", "crash2000", "delays", "burst", "memory", "stored5m",
		}},
		"what it says":         {[]string{"crash2000", "even50"}, []string{"even50", "crash2000"}},
		"a group":              {[]string{"fanout"}, []string{"fanout10", "fanout1"}},
		"needs another":        {[]string{"fanout1"}, []string{"fanout10", "fanout1"}},
		"needs one far before": {[]string{"soak"}, []string{"single", "soak"}},
	} {
		chosen, err := choose(c.names)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, namesOf(chosen)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := choose([]string{"singel"}); err == nil {
		t.Error("a scenario that does not exist was chosen")
	}
}

// Each threshold needs what it is held against, and nothing needs what there is not.
func TestNeedsAreThere(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		for _, name := range s.needs {
			isLimit := slices.ContainsFunc(limits, func(l limit) bool { return l.name == name })
			at := slices.IndexFunc(scenarios, func(o scenario) bool { return o.name == name })
			if !isLimit && at < 0 {
				t.Errorf("%s needs %q, which there is not", s.name, name)
			}
			if at >= 0 && scenarios[at].group != s.group && at > slices.IndexFunc(scenarios, func(o scenario) bool { return o.name == s.name }) {
				t.Errorf("%s needs %q, which is played later", s.name, name)
			}
		}
		if s.judge == nil {
			continue
		}
		one := report.Result{PerSecond: 1000}
		s.judge(&one, func(name string) float64 {
			if !slices.Contains(s.needs, name) {
				t.Errorf("%s is held against %q, which it does not need", s.name, name)
			}
			return 1
		})
	}
	for _, group := range inGroups(scenarios) {
		for _, other := range inGroups(scenarios) {
			if group[0].name != other[0].name && group[0].group == other[0].group {
				t.Errorf("the scenarios of %s do not stand together", group[0].group)
			}
		}
	}
}

// told plays made-up scenarios, whose rates are given in the order in which they
// are asked for.
type told struct {
	rates  []float64
	played []string
}

func (p *told) scenario(s scenario) scenario {
	s.play = func(context.Context, *stage.Bench) (report.Result, error) {
		p.played = append(p.played, s.name)
		rate := p.rates[0]
		p.rates = p.rates[1:]
		if rate < 0 {
			return report.Result{PerSecond: -rate}, errors.New("broken")
		}
		return report.Result{PerSecond: rate}, nil
	}
	return s
}

// A run is held against the others of its round, the median of the runs counts, and
// in every other round the order is turned around.
func TestSession(t *testing.T) {
	t.Parallel()
	p := &told{rates: []float64{1000, 900, 1 /**/, 500, 1000 /**/, 2000, 1000}}
	chosen := []scenario{
		p.scenario(scenario{group: "g", name: "plain"}),
		p.scenario(scenario{group: "g", name: "tls", needs: []string{"plain"}, judge: atLeast("plain", 0.75)}),
		p.scenario(scenario{group: "h", name: "once", once: true}),
	}
	s := newSession(&stage.Bench{Progress: io.Discard}, 3, 0)
	s.play(t.Context(), chosen)
	if want := []string{"plain", "tls", "once", "tls", "plain", "plain", "tls"}; !slices.Equal(p.played, want) {
		t.Errorf("played %v, want %v", p.played, want)
	}
	_, sums := s.summaries(chosen)
	check := sums[1].Checks[0]
	if got := check.Got; got != 0.5 || !slices.Equal(check.Runs, []float64{0.9, 0.5, 0.5}) {
		t.Errorf("got %v of %v, want the median of 0.9, 0.5 and 0.5", got, check.Runs)
	}
	if n := len(sums[2].Runs); n != 1 || sums[2].Unplayed != 0 {
		t.Errorf("once has %d runs and %d unplayed, want 1 and none", n, sums[2].Unplayed)
	}
}

// What was measured in another round, or could not be played, is nothing to be held
// against.
func TestOnlyTheSameRoundCounts(t *testing.T) {
	t.Parallel()
	p := &told{rates: []float64{1000, 800 /**/, -1000, 900}}
	chosen := []scenario{
		p.scenario(scenario{group: "g", name: "single"}),
		p.scenario(scenario{group: "h", name: "wide", needs: []string{"single"}, judge: atLeast("single", 0.75)}),
	}
	s := newSession(&stage.Bench{Progress: io.Discard}, 2, 0)
	s.play(t.Context(), chosen)
	_, sums := s.summaries(chosen)
	if got := sums[1].Checks[0].Runs; !slices.Equal(got, []float64{0.8}) {
		t.Errorf("got %v, want the ratio of round 1 only", got)
	}
	if len(sums[0].Failed) != 1 {
		t.Errorf("got %v as what failed, want round 2 of single", sums[0].Failed)
	}
	p.rates, chosen[0].once = []float64{1000, 700 /**/, 900}, true
	s = newSession(&stage.Bench{Progress: io.Discard}, 2, 0)
	s.play(t.Context(), chosen)
	_, sums = s.summaries(chosen)
	if got := sums[1].Checks[0].Runs; !slices.Equal(got, []float64{0.7}) {
		t.Errorf("got %v, want no ratio of round 2 to round 1", got)
	}
}

// A limit counts as what it was on average before and after.
func TestLimitsAreMeasuredBeforeAndAfter(t *testing.T) {
	t.Parallel()
	p := &told{rates: []float64{800}}
	one := p.scenario(scenario{name: "single", needs: []string{"L2", "L1"}, judge: atLeast("L2", 0.75)})
	s := newSession(&stage.Bench{Progress: io.Discard, Round: 1}, 1, 0)
	run := playOnce(t.Context(), s.bench, one)
	s.judge(one, &run, map[string]report.Result{"single": run}, map[string][]float64{"L2": {900, 1100}})
	if len(run.Checks) != 1 || run.Checks[0].Got != 0.8 {
		t.Errorf("got %+v, want 0.8 of the mean", run.Checks)
	}
	if diff := cmp.Diff(map[string]float64{"L2": 0.8}, run.Ratios); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
}

// Without time for all of its rounds, a session leaves out the last ones and says so.
func TestSessionEndsInTime(t *testing.T) {
	t.Parallel()
	s := newSession(&stage.Bench{Progress: io.Discard}, 3, 30*time.Minute)
	s.took["quick"], s.took["long"] = time.Minute, 6*time.Minute
	s.began = time.Now().Add(-25 * time.Minute)
	if !s.fits("quick") || s.fits("long") {
		t.Errorf("after 25 of 30 minutes: a minute fits %v, six fit %v", s.fits("quick"), s.fits("long"))
	}
	p := &told{}
	chosen := []scenario{p.scenario(scenario{group: "long", name: "long"})}
	s.play(t.Context(), chosen)
	_, sums := s.summaries(chosen)
	if sums[0].Unplayed != 3 || len(p.played) != 0 {
		t.Errorf("got %d unplayed, and %v played", sums[0].Unplayed, p.played)
	}
}

func TestWorkersRate(t *testing.T) {
	t.Parallel()
	for cpu, want := range map[float64]float64{0: 0, 900: 900, 1280: 1280, 5000: 1280} {
		if got := workersRate(cpu); got != want {
			t.Errorf("CPU for %v a second: got %v, want %v", cpu, got, want)
		}
	}
}

// Floods one after the other have the rate and the cost of all of them together.
func TestAddRun(t *testing.T) {
	t.Parallel()
	var all report.Result
	all.Fact("kept", 1)
	addRun(&all, flooded(100, 1000, 200, 5))
	addRun(&all, flooded(300, 500, 400, 3))
	if all.Deliveries != 400 || math.Abs(all.PerSecond-400/0.7) > 1e-6 || all.CPU.Belfry != 350 || all.Latency.P99 != 5 || all.Audit.Accepted != 2 {
		t.Errorf("got %+v, CPU %+v, latency %+v, audit %+v", all, *all.CPU, *all.Latency, *all.Audit)
	}
	if all.Facts["kept"] != 1 {
		t.Errorf("lost facts: %v", all.Facts)
	}
}

func flooded(deliveries int, rate, cost, p99 float64) report.Result {
	return report.Result{
		Deliveries: deliveries, PerSecond: rate, CPU: &measure.PerDelivery{Belfry: cost},
		Latency: &measure.Quantiles{Count: deliveries, P99: p99}, Audit: &audit.Found{Accepted: 1},
	}
}

// Only the first arrival since the kill counts, and only of what was open.
func TestCameAfter(t *testing.T) {
	t.Parallel()
	at := func(id string, ms int64) receive.Arrival { return receive.Arrival{AlertID: id, At: ms * 1e6} }
	again := restarted{killed: time.UnixMilli(1000), open: map[string]bool{"a": true, "b": true, "c": true}}
	first, last := cameAfter([]receive.Arrival{
		at("a", 900), at("a", 1700), at("a", 9000), // in flight, sent again, and its ack lost
		at("b", 1500), at("x", 1100), at("x", 9500), at("c", 990),
	}, again)
	if first.UnixMilli() != 1500 || last.UnixMilli() != 1700 {
		t.Errorf("got first %d and last %d, want 1500 and 1700", first.UnixMilli(), last.UnixMilli())
	}
	if first, _ := cameAfter([]receive.Arrival{at("c", 990)}, again); !first.IsZero() {
		t.Errorf("got %v, want none", first)
	}
}

// A soak that is late from beginning to end does not grow, and fails all the same.
func TestSoakIsJudgedByItsTail(t *testing.T) {
	t.Parallel()
	flat := growth{10, 80, 1000}
	verdicts := func(all, early, end float64, last growth) (bad []string) {
		for _, c := range soakChecks(all, early, end, flat, last) {
			if c.Verdict == "FAIL" {
				bad = append(bad, c.What)
			}
		}
		return bad
	}
	for name, c := range map[string]struct {
		got, want []string
	}{
		"good":         {verdicts(20, 20, 22, flat), nil},
		"late":         {verdicts(400, 400, 400, flat), []string{"p99 accept to receipt", "p99 in the last fifth"}},
		"late at last": {verdicts(45, 10, 70, flat), []string{"p99 in the last fifth", "p99, last fifth to first"}},
		"grows":        {verdicts(20, 20, 20, growth{10, 100, 2000}), []string{"memory, last fifth to first", "dead rows, last fifth to first"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: missed %q, want %q", name, c.got, c.want)
		}
	}
}

func TestPartOf(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Duration]int{
		-1: -1, 0: 0, time.Minute - 1: 0, time.Minute: -1, 4*time.Minute - 1: -1, 4 * time.Minute: 1, 5*time.Minute - 1: 1, 5 * time.Minute: -1,
	} {
		if got := partOf(at, time.Minute); got != want {
			t.Errorf("%v: got %d, want %d", at, got, want)
		}
	}
}
