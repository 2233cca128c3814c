package main

import (
	"slices"
	"testing"
	"time"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		check check
		want  string
		said  string
	}{
		{atMost("p99", 40, 40, "ms"), passed, "p99 40 ≤ 40 ms"},
		{atMost("p99", 40.1, 40, "ms"), missed, "p99 40.1 ≤ 40 ms"},
		{atLeast("rate", 0.6, 0.6, "×"), passed, "rate 0.60 ≥ 0.60 ×"},
		{atLeast("rate", 0.59, 0.6, "×"), missed, "rate 0.59 ≥ 0.60 ×"},
		{ratioTo("rate", 3000, 5000, 0.6), passed, "rate 0.60 ≥ 0.60 ×"},
		{ratioTo("rate", 3000, 0, 0.6), notJudged, "rate 0 ≥ 0.60 ×"},
		{timesBase("p99", 30, 20, 1.5), passed, "p99 1.50 ≤ 1.50 × baseline"},
		{timesBase("p99", 31, 20, 1.5), missed, "p99 1.55 ≤ 1.50 × baseline"},
		{timesBase("p99", 31, 0, 1.5), notJudged, "p99 0 ≤ 1.50 × baseline"},
	} {
		if c.check.Verdict != c.want || c.check.String() != c.said {
			t.Errorf("got %q, %s; want %q, %s", c.check.String(), c.check.Verdict, c.said, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names, want []string
	}{
		"default": {nil, []string{
			"L1 post", "L2 insert, post", "L3 river", "single", "batch", "fanout", "L2 again",
			"steady", "noisy", "slow20", "burst", "crash", "memory", "big", "counting",
		}},
		"what it says": {[]string{"crash", "steady"}, []string{"steady", "crash"}},
		"needs limits": {[]string{"batch"}, []string{"L1 post", "L2 insert, post", "L3 river", "batch", "L2 again"}},
		"needs both":   {[]string{"soak"}, []string{"L1 post", "L2 insert, post", "L3 river", "single", "L2 again", "soak"}},
	} {
		chosen, err := choose(c.names)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, s := range chosen {
			got = append(got, s.name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if _, err := choose([]string{"singel"}); err == nil {
		t.Error("a scenario that does not exist was chosen")
	}
}

func TestTimedCall(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for n := range 50 {
		took = append(took, time.Duration(50-n)*time.Millisecond)
	}
	got := newTimedCall("GET /", took)
	if want := (timedCall{What: "GET /", Times: 50, P50: 25, P95: 48, Max: 50}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := newTimedCall("GET /", took[:1]); got.P50 != 1 || got.P95 != 1 {
		t.Errorf("of one: got %+v", got)
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

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p@h:5432/old?sslmode=disable":                 "postgres://u:p@h:5432/new?sslmode=disable",
		"host='/run' port=5432 user=belfry dbname='old' sslmode=on": "host='/run' port=5432 user=belfry dbname='old' sslmode=on dbname='new'",
	} {
		if got := withDatabase(dsn, "new"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
