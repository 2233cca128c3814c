package access

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong tokens and codes a network may send: so many at once, and then
// one in so long. A token that a person chose is guessed at some 14,000 a day.
const (
	failuresAtOnce  = 20
	failuresEach    = 6 * time.Second
	maxSources      = 10_000
	maxKnown        = 10_000
	knownFor        = 24 * time.Hour
	maxWrong        = 10_000
	wrongFor        = time.Minute // a database that lags behind may not have a new token yet
	lookUpsPerSec   = 50          // of well-formed texts from limited networks, all together
	sweepAtMostEach = time.Minute
)

// Guard slows down who guesses, and nobody else. A network that sent too much
// that was wrong is limited, and then only this of it is looked at:
//
//   - what was valid here within a day, so that whoever shares the network with
//     the one who guesses goes on;
//   - what has the form of one of our own texts, some fifty a second for all
//     limited networks: 256 random bits cannot be guessed, so that only the
//     database needs protection. A new token works at once, therefore. What was
//     wrong within a minute is not looked at again: a program that goes on with a
//     revoked token does not use up what new ones need.
//
// All else could be a guess at the settings' token, and is not compared with it.
// What the guard remembers is bounded.
type Guard struct {
	now     func() time.Time
	atOnce  int
	mu      sync.Mutex
	sources map[netip.Prefix]*rate.Limiter
	others  *rate.Limiter // of the networks that found no room in sources
	lookUps *rate.Limiter
	known   map[string]time.Time // hashes of what was valid, and until when that counts
	wrong   map[string]time.Time // likewise of what was not
	swept   time.Time
}

// NewGuard returns a guard that lets each network fail so many times at once; 0
// for the usual.
func NewGuard(atOnce int, now func() time.Time) *Guard {
	if atOnce == 0 {
		atOnce = failuresAtOnce
	}
	g := &Guard{
		now: now, atOnce: atOnce, sources: map[netip.Prefix]*rate.Limiter{}, known: map[string]time.Time{}, wrong: map[string]time.Time{},
		lookUps: rate.NewLimiter(lookUpsPerSec, lookUpsPerSec),
	}
	g.others = g.newLimiter()
	return g
}

func (g *Guard) newLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(failuresEach), g.atOnce)
}

// Admit reports whether a text from a network may be looked up and, if not, after
// how long it may be shown again.
func (g *Guard) Admit(from netip.Prefix, text string, hash []byte) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, limiter := g.now(), g.sources[from]
	if limiter == nil && len(g.sources) < maxSources {
		return 0, true
	}
	if limiter == nil {
		limiter = g.others
	}
	left := limiter.TokensAt(now)
	if left >= 1 || now.Before(g.known[string(hash)]) {
		return 0, true
	}
	if WellFormed(text) && !now.Before(g.wrong[string(hash)]) && g.lookUps.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration((1 - left) * float64(failuresEach)), false
}

// Passed notes that what has this hash is valid.
func (g *Guard) Passed(hash []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	delete(g.wrong, string(hash))
	g.remember(g.known, maxKnown, hash, now, knownFor)
}

// remember keeps a hash for so long. Where there are too many, others are forgotten.
func (g *Guard) remember(hashes map[string]time.Time, most int, hash []byte, now time.Time, keep time.Duration) {
	if _, ok := hashes[string(hash)]; !ok && len(hashes) >= most {
		g.sweep(now)
		for other := range hashes {
			if len(hashes) < most {
				break
			}
			delete(hashes, other)
		}
	}
	hashes[string(hash)] = now.Add(keep)
}

// Failed notes that what has this hash, and came from a network, is not valid.
func (g *Guard) Failed(from netip.Prefix, hash []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	delete(g.known, string(hash))
	g.remember(g.wrong, maxWrong, hash, now, wrongFor)
	limiter := g.sources[from]
	if limiter == nil && len(g.sources) >= maxSources {
		g.sweep(now)
	}
	switch {
	case limiter != nil:
	case len(g.sources) < maxSources:
		limiter = g.newLimiter()
		g.sources[from] = limiter
	default:
		limiter = g.others
	}
	limiter.AllowN(now, 1)
}

// sweep drops what makes no difference any more.
func (g *Guard) sweep(now time.Time) {
	if now.Sub(g.swept) < sweepAtMostEach {
		return
	}
	g.swept = now
	for from, limiter := range g.sources {
		if limiter.TokensAt(now) >= float64(g.atOnce) {
			delete(g.sources, from)
		}
	}
	over := func(_ string, until time.Time) bool { return !now.Before(until) }
	maps.DeleteFunc(g.known, over)
	maps.DeleteFunc(g.wrong, over)
}
