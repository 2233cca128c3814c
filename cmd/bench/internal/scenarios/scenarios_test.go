package scenarios

import (
	"slices"
	"testing"
	"time"
)

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
