package access

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong tokens and codes a network may send: so many at once, and then one in
// so long. That allows 14,000 guesses a day.
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

// GuessLimiter limits how often a network may guess a token or a code. A network that
// sent too much that was wrong is limited. Of what it sends then, only this is looked up:
//
//   - what was valid here within a day, so that others who share the network can go on;
//   - what has the form of one of our own texts, up to 50 a second for all limited
//     networks together. Nobody can guess 256 random bits, so this limit only protects
//     the database, and a new token works at once. What was wrong within a minute is not
//     looked up again, so that a program with a revoked token does not use up the limit.
//
// All else could be a guess at the settings' token, and is not compared with it. What a
// GuessLimiter remembers is bounded.
type GuessLimiter struct {
	now     func() time.Time
	atOnce  int
	mu      sync.Mutex
	sources map[netip.Prefix]*rate.Limiter
	others  *rate.Limiter // shared by the networks for which sources has no room
	lookUps *rate.Limiter
	known   map[string]time.Time // hashes of what was valid, and until when that counts
	wrong   map[string]time.Time // hashes of what was not, and until when that counts
	swept   time.Time
}

// NewGuessLimiter returns a limiter that lets each network fail so many times at once; 0
// for the default.
func NewGuessLimiter(atOnce int, now func() time.Time) *GuessLimiter {
	if atOnce == 0 {
		atOnce = failuresAtOnce
	}
	l := &GuessLimiter{
		now: now, atOnce: atOnce, sources: map[netip.Prefix]*rate.Limiter{}, known: map[string]time.Time{}, wrong: map[string]time.Time{},
		lookUps: rate.NewLimiter(lookUpsPerSec, lookUpsPerSec),
	}
	l.others = l.newLimiter()
	return l
}

func (l *GuessLimiter) newLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(failuresEach), l.atOnce)
}

// Admit reports whether a text from a network may be looked up and, if not, after
// how long the client may send it again.
func (l *GuessLimiter) Admit(from netip.Prefix, text string, hash []byte) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, limiter := l.now(), l.sources[from]
	if limiter == nil && len(l.sources) < maxSources {
		return 0, true
	}
	if limiter == nil {
		limiter = l.others
	}
	left := limiter.TokensAt(now)
	if left >= 1 || now.Before(l.known[string(hash)]) {
		return 0, true
	}
	if WellFormed(text) && !now.Before(l.wrong[string(hash)]) && l.lookUps.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration((1 - left) * float64(failuresEach)), false
}

// Passed notes that what has this hash is valid.
func (l *GuessLimiter) Passed(hash []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	delete(l.wrong, string(hash))
	l.remember(l.known, maxKnown, hash, now, knownFor)
}

// remember keeps a hash for so long. Where there are too many, others are forgotten.
func (l *GuessLimiter) remember(hashes map[string]time.Time, most int, hash []byte, now time.Time, keep time.Duration) {
	if _, ok := hashes[string(hash)]; !ok && len(hashes) >= most {
		l.sweep(now)
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
func (l *GuessLimiter) Failed(from netip.Prefix, hash []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	delete(l.known, string(hash))
	l.remember(l.wrong, maxWrong, hash, now, wrongFor)
	limiter := l.sources[from]
	if limiter == nil && len(l.sources) >= maxSources {
		l.sweep(now)
	}
	switch {
	case limiter != nil:
	case len(l.sources) < maxSources:
		limiter = l.newLimiter()
		l.sources[from] = limiter
	default:
		limiter = l.others
	}
	limiter.AllowN(now, 1)
}

// sweep drops what makes no difference any more.
func (l *GuessLimiter) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepAtMostEach {
		return
	}
	l.swept = now
	for from, limiter := range l.sources {
		if limiter.TokensAt(now) >= float64(l.atOnce) {
			delete(l.sources, from)
		}
	}
	over := func(_ string, until time.Time) bool { return !now.Before(until) }
	maps.DeleteFunc(l.known, over)
	maps.DeleteFunc(l.wrong, over)
}
