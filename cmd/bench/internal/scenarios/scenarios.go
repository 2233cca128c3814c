// Package scenarios plays what docs/performance.md describes.
package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// scenario is one line of the report.
type scenario struct {
	group string // scenarios of a group are played together, between the limits that they need
	name  string
	play  func(context.Context, *stage.Bench) (report.Result, error)
	// needs names limits, which are measured before and after the group, and other
	// scenarios, which are played in the same round.
	needs []string
	// judge holds a run against what it needs, a second; 0 is what was not measured.
	judge func(r *report.Result, of func(name string) float64) []report.Check
	once  bool // it is played in the first round only
	aside bool // it is played only when it is named
}

var scenarios = []scenario{
	{group: "rates", name: "batch", play: batch, needs: []string{"L1", "L2"}, judge: atLeast("L2", 1.0)},
	{group: "rates", name: "single", play: single, needs: []string{"L1", "L2"}, judge: atLeast("L2", 0.75)},
	{group: "rates", name: "tls1", play: secure(false), needs: []string{"single", "L2 TLS HTTP/1.1"}, judge: atLeast("single", 0.85)},
	{group: "rates", name: "tls2", play: secure(true), needs: []string{"single", "L2 TLS HTTP/2"}, judge: atLeast("single", 0.75)},
	{group: "fanout", name: "fanout10", play: fanout(fanWidth), needs: []string{"L2 to ten"}, judge: atLeast("L2 to ten", 0.55)},
	{group: "fanout", name: "fanout1", play: fanout(1), needs: []string{"L2 to ten", "fanout10"}, judge: oneHost},
	{group: "even50", name: "even50", play: even},
	{group: "poisson50", name: "poisson50", play: poisson},
	{group: "noisy", name: "noisy", play: noisy},
	{group: "slow200", name: "slow200", play: slow200},
	{group: "wide", name: "wide10", play: wide(10), needs: []string{"single", "L2 200 ms"}, judge: allWorkers},
	{group: "wide", name: "wide40", play: wide(40), needs: []string{"single", "L2 200 ms"}, judge: allWorkers},
	{group: "dead", name: "dead", play: dead},
	{group: "contexts", name: "context2", play: context2, once: true},
	{group: "contexts", name: "context16", play: context16, once: true},
	{group: "contexts", name: "context64", play: context64, needs: []string{"L2 64 kB"}},
	{group: "thousand", name: "thousand", play: thousand},
	{group: "slow20", name: "slow20", play: slow20},
	{group: "crash2000", name: "crash2000", play: crash},
	{group: "delays", name: "delays", play: delays, once: true},
	{group: "burst", name: "burst", play: burst},
	{group: "memory", name: "memory", play: full},
	{group: "stored5m", name: "stored5m", play: stored},
	{group: "river", name: "river", play: riverLimit, once: true, aside: true},
	{group: "calls", name: "calls", play: browsed, once: true, aside: true},
	{group: "counting", name: "counting", play: counted, once: true, aside: true},
	{group: "soak", name: "soak", play: soak, needs: []string{"single"}, once: true, aside: true},
}

// atLeast holds a rate against that of something else.
func atLeast(name string, share float64) func(*report.Result, func(string) float64) []report.Check {
	return func(r *report.Result, of func(string) float64) []report.Check {
		return []report.Check{report.RatioTo("deliveries a second, to "+name, r.PerSecond, of(name), share)}
	}
}

// oneHost is held to ten hosts too: a team has many destinations at one chat.
func oneHost(r *report.Result, of func(string) float64) []report.Check {
	return append(atLeast("L2 to ten", 0.55)(r, of), atLeast("fanout10", 0.9)(r, of)...)
}

// choose returns the scenarios named, by their name or that of their group, and
// what they need, in order; without names all but those that are played only when
// they are named.
func choose(names []string) ([]scenario, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		found := false
		for _, s := range scenarios {
			if s.name == name || s.group == name {
				wanted[s.name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(allNames(), ", "))
		}
	}
	if len(names) == 0 {
		for _, s := range scenarios {
			wanted[s.name] = !s.aside
		}
	}
	// What is needed needs nothing else itself but limits.
	for _, s := range scenarios {
		if wanted[s.name] {
			for _, name := range s.needs {
				wanted[name] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return !wanted[s.name] }), nil
}

// limitsOf returns the limits that scenarios need, in order.
func limitsOf(group []scenario) []limit {
	return slices.DeleteFunc(slices.Clone(limits), func(l limit) bool {
		return !slices.ContainsFunc(group, func(s scenario) bool { return slices.Contains(s.needs, l.name) })
	})
}

// inGroups tells the groups apart, in order.
func inGroups(chosen []scenario) [][]scenario {
	var all [][]scenario
	for _, s := range chosen {
		if n := len(all); n > 0 && all[n-1][0].group == s.group {
			all[n-1] = append(all[n-1], s)
		} else {
			all = append(all, []scenario{s})
		}
	}
	return all
}

func allNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name, s.group)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
