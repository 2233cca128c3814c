package delivery_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"belfry/internal/delivery"
)

func TestParseWaits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, given string
		want        delivery.Waits
	}{
		{"blanks", "5s 30s 2m", delivery.Waits{5 * time.Second, 30 * time.Second, 2 * time.Minute}},
		{"commas", "5s,30s,2m", delivery.Waits{5 * time.Second, 30 * time.Second, 2 * time.Minute}},
		{"both, and more than one", " 5s, 30s ,, 2m, ", delivery.Waits{5 * time.Second, 30 * time.Second, 2 * time.Minute}},
		{"one", "1h30m", delivery.Waits{90 * time.Minute}},
		{"the shortest", "1ms", delivery.Waits{time.Millisecond}},
		{"any order", "1h 1s", delivery.Waits{time.Hour, time.Second}},
		{"ten", strings.Repeat("1s ", 10), delivery.Waits{
			time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second,
		}},
		{"none", "none", delivery.Waits{}},
		{"none with blanks", " none ", delivery.Waits{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := delivery.ParseWaits(tt.given)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Budget() != 1+len(tt.want) {
				t.Errorf("got a budget of %d, want %d", got.Budget(), 1+len(tt.want))
			}
		})
	}
}

func TestParseWaitsRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ given, words string }{
		{"", "no waits"},
		{"  ", "no waits"},
		{",", "no waits"},
		{strings.Repeat("1s ", 11), "11 waits are given, at most 10"},
		{"999us", "shorter than 1ms"},
		{"0s", "shorter than 1ms"},
		{"-5s", "shorter than 1ms"},
		{"5s -1h", `"-1h" is shorter`},
		{"5", `"5" is not a duration`},
		{"5s x 1m", `"x" is not a duration`},
		{"none 5s", `"none" is not a duration`},
		{"1d", `"1d" is not a duration`},
		{"9999999999h", "is not a duration"},
	} {
		if got, err := delivery.ParseWaits(tt.given); err == nil || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%q: got %v, %v; want an error with %q", tt.given, got, err, tt.words)
		}
	}
}

func TestWaitsString(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]delivery.Waits{
		"none":         {},
		"5s 2m0s 1ms":  {5 * time.Second, 2 * time.Minute, time.Millisecond},
		"1h30m0s 2s":   {90 * time.Minute, 2 * time.Second},
		"1.5s 1h0m0s":  {1500 * time.Millisecond, time.Hour},
		"8h0m0s 250ms": {8 * time.Hour, 250 * time.Millisecond},
	} {
		if got := w.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDefaultWaits(t *testing.T) {
	t.Parallel()
	want, err := delivery.ParseWaits("5s 30s 2m 5m 15m 30m 1h 2h 4h 8h")
	if err != nil {
		t.Fatal(err)
	}
	got := delivery.DefaultWaits()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Budget() != 11 || delivery.MaxRetries != 10 {
		t.Errorf("got a budget of %d with %d retries, want 11 with 10", got.Budget(), delivery.MaxRetries)
	}
	got[0] = time.Hour
	if delivery.DefaultWaits()[0] != 5*time.Second {
		t.Error("who changes the list changes it for all")
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	three := delivery.Waits{10 * time.Second, time.Minute, 10 * time.Minute}
	falling := delivery.Waits{time.Hour, time.Second}
	const ages = math.MaxInt64 - time.Second // parsed as "2562047h47m15s"
	tests := []struct {
		name       string
		waits      delivery.Waits
		n          int
		retryAfter time.Duration
		jitter     float64
		want       time.Duration
	}{
		{"the first", three, 1, 0, 0, 10 * time.Second},
		{"the second", three, 2, 0, 0, time.Minute},
		{"the last", three, 3, 0, 0, 10 * time.Minute},
		{"past the table's end: the last again", three, 4, 0, 0, 10 * time.Minute},
		{"far past it", three, 11, 0, 0, 10 * time.Minute},
		{"half the jitter", three, 1, 0, 0.5, 10*time.Second + 500*time.Millisecond},
		{"all of the jitter is a tenth", three, 2, 0, 1, 66 * time.Second},
		{"Retry-After is longer", three, 1, 30 * time.Second, 1, 30 * time.Second},
		{"Retry-After is shorter", three, 2, 30 * time.Second, 0, time.Minute},
		{"Retry-After is shorter than with jitter", three, 1, 10*time.Second + 1, 1, 11 * time.Second},
		{"Retry-After is bounded by the longest wait", three, 1, time.Hour, 1, 10 * time.Minute},
		{"the bound does not shorten the table's own", three, 3, time.Hour, 1, 11 * time.Minute},
		{"the longest may be the first", falling, 2, 24 * time.Hour, 0, time.Hour},
		{"Retry-After in the past", three, 1, -time.Hour, 0, 10 * time.Second},
		{"an older run and an empty table: the default", delivery.Waits{}, 2, 0, 0, 30 * time.Second},
		{"an older run and no table", nil, 11, 0, 0, 8 * time.Hour},
		{"an empty table bounds Retry-After by the default", delivery.Waits{}, 1, 100 * time.Hour, 0, 8 * time.Hour},
		{"a wait of ages does not wrap round", delivery.Waits{ages}, 1, 0, 1, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.waits.After(tt.n, tt.retryAfter, tt.jitter); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAfterStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wait := rapid.OneOf(
			rapid.Int64Range(int64(time.Millisecond), int64(24*time.Hour)),
			rapid.Int64Range(int64(time.Millisecond), math.MaxInt64),
		)
		var w delivery.Waits
		for _, n := range rapid.SliceOfN(wait, 1, 10).Draw(t, "waits") {
			w = append(w, time.Duration(n))
		}
		n := rapid.IntRange(1, 11).Draw(t, "n")
		retryAfter := time.Duration(rapid.Int64().Draw(t, "retryAfter"))
		jitter := rapid.Float64Range(0, 1).Draw(t, "jitter")

		got := w.After(n, retryAfter, jitter)
		base, longest := w[min(n, len(w))-1], w[0]
		for _, x := range w {
			longest = max(longest, x)
		}
		asked := min(retryAfter, longest)
		// A tenth as a float is off by less than a millionth.
		most := float64(base)*1.1000001 + 1
		switch {
		case got < base:
			t.Fatalf("got %s, before the table's %s", got, base)
		case got < asked:
			t.Fatalf("got %s, before the destination's %s", got, asked)
		case float64(got) > most && got > asked:
			t.Fatalf("got %s for %s and Retry-After %s", got, base, retryAfter)
		}
	})
}

func FuzzParseWaits(f *testing.F) {
	for _, s := range []string{
		"5s 30s 2m 5m 15m 30m 1h 2h 4h 8h", "none", "1ms", "1h2m3.5s,4ms", "", ",", "-1s", "+1s", "1us 1s", "2562047h47m16.854775807s", "5s\t6s",
		"1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := delivery.ParseWaits(s)
		if err != nil {
			if w != nil {
				t.Errorf("got %v beside %v", w, err)
			}
			return
		}
		if w.Budget() < 1 || w.Budget() > 11 || w == nil {
			t.Errorf("got %#v with a budget of %d", w, w.Budget())
		}
		for n, d := range w {
			if d < time.Millisecond {
				t.Errorf("got a wait of %s", d)
			}
			if got := w.After(n+1, 0, 1); got < d {
				t.Errorf("got %s after %d, want at least %s", got, n+1, d)
			}
		}
		again, err := delivery.ParseWaits(w.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w, again); diff != "" {
			t.Errorf("%q (-want +got)\n%s", w, diff)
		}
	})
}
