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
	group string // as --scenarios names it
	name  string
	needs string // the group that must have been played before
	play  func(context.Context, *stage.Bench) (report.Result, error)
}

var scenarios = []scenario{
	{"limits", "L1 post", "", postLimit},
	{"limits", "L2 insert, post", "", insertLimit},
	{"limits", "L3 river", "", riverLimit},
	{"single", "single", "limits", single},
	{"batch", "batch", "limits", batch},
	{"fanout", "fanout", "limits", fanout},
	{"limits", "L2 again", "", insertAgain},
	{"steady", "steady", "", steady},
	{"noisy", "noisy", "", noisy},
	{"slow20", "slow20", "", slow20},
	{"burst", "burst", "", burst},
	{"crash", "crash", "", crash},
	{"memory", "memory", "", full},
	{"big", "big", "", big},
	{"counting", "counting", "", counted},
	{"soak", "soak", "single", soak},
}

// choose returns the scenarios of the groups named, and what they need, in
// order; without names all but soak, which takes as long as all others.
func choose(names []string) ([]scenario, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.group == name }) {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(groups(), ", "))
		}
		wanted[name] = true
	}
	if len(names) == 0 {
		for _, name := range groups() {
			wanted[name] = name != "soak"
		}
	}
	// What is needed stands before what needs it.
	for _, s := range slices.Backward(scenarios) {
		if wanted[s.group] && s.needs != "" {
			wanted[s.needs] = true
		}
	}
	var chosen []scenario
	for _, s := range scenarios {
		if wanted[s.group] {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

func groups() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.group)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
