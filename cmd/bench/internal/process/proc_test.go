package process

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const after = ` S 4711 10 10 0 -1 4194304 99 7 0 0 150 50 300 100 20 0 1 0 1100305 3133440 383`
	for name, line := range map[string]string{
		"plain":                 `15528 (belfry)` + after,
		"spaces":                `15528 (postgres: a b)` + after,
		"parentheses":           `15528 (odd) S 1 (name)` + after,
		"an opening one inside": `15528 (a(b)` + after,
	} {
		got, err := parseStat(line)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got.Parent != 4711 || got.Own != 2*time.Second || got.children != 4*time.Second {
			t.Errorf("%s: got %+v, want parent 4711, 2s of its own and 4s of its children", name, got)
		}
	}
	if got, _ := parseStat(`1 (odd) S 1 (name)` + after); got.Name != "odd) S 1 (name" {
		t.Errorf("got name %q", got.Name)
	}
	for _, line := range []string{"", "1 belfry S 1", "1 (belfry) S 1 2 3", "1 (belfry) S x 10 10 0 -1 4194304 99 7 0 0 1 1 1 1 1 1 1"} {
		if got, err := parseStat(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, got)
		}
	}
}

func TestParseMemory(t *testing.T) {
	t.Parallel()
	got := parseMemory("Name:\tbelfry\nVmHWM:\t   61440 kB\nVmRSS:\t   40960 kB\nRssAnon:\t 1 kB\n")
	if want := (Memory{Resident: 40, Peak: 60}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseCores(t *testing.T) {
	t.Parallel()
	got, err := parseCores("cpu  100 20 50 4000 300 7 3 11 40 0")
	if want := (Cores{Busy: 1800 * time.Millisecond, Stolen: 110 * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, line := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 3 4 5 6 7 x"} {
		if got, err := parseCores(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, got)
		}
	}
}
