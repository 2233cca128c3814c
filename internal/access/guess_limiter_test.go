package access_test

import (
	"net/netip"
	"testing"
	"time"

	"belfry/internal/access"
)

// watch is a clock that stands until it is moved.
type watch struct{ at time.Time }

func (w *watch) now() time.Time { return w.at }

func network(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
}

const guess = "a guess at the token of the settings"

// fail shows something wrong so many times, which must be looked at.
func fail(t *testing.T, g *access.GuessLimiter, from netip.Prefix, times int) {
	t.Helper()
	for i := range times {
		if wait, ok := g.Admit(from, guess, access.Hash(guess)); !ok {
			t.Fatalf("the wrong text number %d has to wait for %s", i+1, wait)
		}
		g.Failed(from, access.Hash(guess))
	}
}

func admits(g *access.GuessLimiter, from netip.Prefix, text string) bool {
	_, ok := g.Admit(from, text, access.Hash(text))
	return ok
}

// Twenty wrong ones at once, then one in six seconds, for each network by itself.
func TestGuessLimiterLimits(t *testing.T) {
	t.Parallel()
	clock := watch{time.Now()}
	g := access.NewGuessLimiter(0, clock.now)
	fail(t, g, network(1), 20)
	if wait, ok := g.Admit(network(1), guess, access.Hash(guess)); ok || wait != 6*time.Second {
		t.Errorf("after 20: %v, wait for %s", ok, wait)
	}
	clock.at = clock.at.Add(5 * time.Second)
	if wait, ok := g.Admit(network(1), guess, access.Hash(guess)); ok || wait < 900*time.Millisecond || wait > 1100*time.Millisecond {
		t.Errorf("5 s later: %v, wait for %s", ok, wait)
	}
	fail(t, g, network(2), 20)
	clock.at = clock.at.Add(time.Second)
	fail(t, g, network(1), 1)
	if admits(g, network(1), guess) {
		t.Error("one more was let through")
	}
	clock.at = clock.at.Add(time.Hour)
	fail(t, g, network(1), 20)
	if admits(g, network(1), guess) {
		t.Error("more than 20 were saved up")
	}
}

// Whoever shares a network with one who guesses goes on, and no guess does.
func TestGuessLimiterLetsValidOnesThrough(t *testing.T) {
	t.Parallel()
	clock := watch{time.Now()}
	g := access.NewGuessLimiter(0, clock.now)
	const known, unknown = "the token of the settings, used here before", "another that a person chose"
	g.Passed(access.Hash(known))
	fail(t, g, network(1), 20)
	for range 1000 {
		if !admits(g, network(1), known) {
			t.Fatal("what was valid a moment ago is not looked at")
		}
	}
	if admits(g, network(1), unknown) {
		t.Error("what nobody has seen is looked at")
	}
	// What nobody can guess is looked at, but not without end.
	looked := 0
	for range 1000 {
		made, _ := access.NewToken()
		if admits(g, network(1), made) {
			looked++
		}
	}
	if looked != 50 {
		t.Errorf("%d new tokens were looked at in a moment, want 50", looked)
	}
	clock.at = clock.at.Add(time.Second / 2)
	if made, _ := access.NewSession(); !admits(g, network(1), made) {
		t.Error("none later either")
	}
	// What turned out to be no longer valid is as unknown as any.
	g.Failed(network(1), access.Hash(known))
	if admits(g, network(1), known) {
		t.Error("what is not valid any more is looked at")
	}
	g.Passed(access.Hash(known))
	fail(t, g, network(2), 20)
	clock.at = clock.at.Add(24 * time.Hour)
	fail(t, g, network(2), 20)
	if admits(g, network(2), known) {
		t.Error("what was valid yesterday is looked at")
	}
}

// A program that goes on with a token of the right form that is not valid uses up
// nothing that a new token needs, and only for so long as that cannot be by mistake.
func TestGuessLimiterLooksOnceAtWhatIsWrong(t *testing.T) {
	t.Parallel()
	clock := watch{time.Now()}
	g := access.NewGuessLimiter(0, clock.now)
	revoked, _ := access.NewToken()
	looked := 0
	for range 1000 {
		if admits(g, network(1), revoked) {
			g.Failed(network(1), access.Hash(revoked))
			looked++
		}
	}
	if looked != 20 {
		t.Errorf("a revoked token was looked at %d times in a moment, want 20", looked)
	}
	if made, _ := access.NewToken(); !admits(g, network(1), made) {
		t.Error("a new token is not looked at")
	}
	fail(t, g, network(2), 20)
	if admits(g, network(2), revoked) {
		t.Error("the revoked one is looked at from elsewhere")
	}
	clock.at = clock.at.Add(time.Minute)
	fail(t, g, network(1), 10)
	if !admits(g, network(1), revoked) {
		t.Error("it is not looked at a minute later either")
	}
	g.Passed(access.Hash(revoked))
	if !admits(g, network(1), revoked) {
		t.Error("what is valid by now is not looked at")
	}
}

// However many networks there are, memory is bounded, and the last ones are
// limited too, together.
func TestGuessLimiterIsBounded(t *testing.T) {
	t.Parallel()
	clock := watch{time.Now()}
	g := access.NewGuessLimiter(3, clock.now)
	for i := range 10_000 {
		fail(t, g, network(i), 1)
	}
	fail(t, g, network(20_000), 1)
	fail(t, g, network(20_001), 2)
	if admits(g, network(20_002), guess) {
		t.Error("those that found no room are not limited")
	}
	fail(t, g, network(1), 2) // it has its own
	clock.at = clock.at.Add(time.Minute)
	fail(t, g, network(20_003), 3) // the old ones are forgotten
	if admits(g, network(20_003), guess) {
		t.Error("nobody is limited any more")
	}
	if !admits(g, network(20_004), guess) {
		t.Error("limited for what others did")
	}
}

// Of what was valid only so much is remembered, and what is valid no longer goes first.
func TestGuessLimiterForgetsWhatWasValid(t *testing.T) {
	t.Parallel()
	clock := watch{time.Now()}
	g := access.NewGuessLimiter(0, clock.now)
	const most = 10_000
	known := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			if _, ok := g.Admit(network(1), guess, hashOf(i)); ok {
				n++
			}
		}
		return n
	}
	for i := range most {
		g.Passed(hashOf(i))
	}
	fail(t, g, network(1), 20)
	if got := known(0, most); got != most {
		t.Errorf("%d of the first %d are known", got, most)
	}
	for i := most; i < 2*most; i++ {
		g.Passed(hashOf(i))
		if i > most {
			continue
		}
		if got := known(0, most+1); got != most {
			t.Errorf("%d of one too many are known, want %d", got, most)
		}
	}
	g.Passed(hashOf(2*most - 1)) // again: it takes no room of others
	if got := known(0, 2*most); got != most {
		t.Errorf("%d are known, want %d", got, most)
	}
	clock.at = clock.at.Add(24 * time.Hour)
	for i := range most {
		g.Passed(hashOf(i))
	}
	fail(t, g, network(1), 20)
	if got := known(0, most); got != most {
		t.Errorf("%d of the %d that are valid still are known", got, most)
	}
}

// hashOf is the i-th of some hashes.
func hashOf(i int) []byte { return network(i).Addr().AsSlice() }

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for prefix, create := range kinds {
		text, _ := create()
		for name, wrong := range map[string]string{
			"cut": text[:len(text)-1], "longer": text + "0", "another character": text[:20] + "~" + text[21:], "another kind": "belfry-" + text[len(prefix):],
			"no checksum": text[:len(text)-9], "blank before": " " + text,
		} {
			if access.WellFormed(wrong) {
				t.Errorf("%s: %q has the form of one of ours", name, wrong)
			}
		}
		if !access.WellFormed(text) {
			t.Errorf("%q has not the form of one of ours", text)
		}
	}
	if access.WellFormed("") || access.WellFormed("_") {
		t.Error("nothing has the form of one of ours")
	}
}
