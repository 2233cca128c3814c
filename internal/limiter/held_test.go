package limiter

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// wantLooks checks which destinations are to be looked at, and that somebody is woken
// for them.
func (l *Limiter) wantLooks(t *testing.T, what string, want ...uuid.UUID) {
	t.Helper()
	synctest.Wait()
	woken := false
	select {
	case <-l.Looks():
		woken = true
	default:
	}
	if got := l.TakeLooks(); !slices.Equal(got, want) || woken != (len(want) > 0) {
		t.Errorf("%s: look at %v, woken: %v, want %v", what, got, woken, want)
	}
}

// What may go now is looked at once, all destinations together; what has no room is
// looked at when there is some again.
func TestLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id, other := newLimiter(64), idOf(1), idOf(2)
		l.wantLooks(t, "at first")
		l.NoteHeld(other, Held{Look: true})
		l.NoteHeld(id, Held{Look: true})
		l.NoteHeld(other, Held{Look: true})
		l.wantLooks(t, "both may go", id, other)
		l.wantLooks(t, "that was it")
		l.look(other, Found{None: true})
		l.Freed(other)
		l.Freed(idOf(3))
		l.wantLooks(t, "none is held")
		l.NoteHeld(other, Held{})
		l.wantLooks(t, "no room")
		l.Freed(other)
		l.wantLooks(t, "room again", other)
		l.Freed(other)
		l.wantLooks(t, "and again", other)
		l.Deleted(other)
		l.Freed(other)
		l.wantLooks(t, "it is deleted")
	})
}

// A destination is looked at once after a time, however often that is said.
func TestLookIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		lookIn := func(wait time.Duration) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.lookIn(l.states.find(id), wait)
		}
		lookIn(time.Second)
		lookIn(time.Millisecond)
		time.Sleep(time.Second - 1)
		l.wantLooks(t, "not yet")
		time.Sleep(time.Nanosecond)
		l.wantLooks(t, "in time", id)
		time.Sleep(time.Hour)
		l.wantLooks(t, "once")
		lookIn(0)
		l.wantLooks(t, "and again", id)
	})
}

// look is a look at the table while nothing else happens.
func (l *Limiter) look(id uuid.UUID, f Found) {
	l.BeginLook(id)
	l.EndLook(id, f)
}

// What is noted while somebody looks at the table stays, whatever the look finds; and a
// look that is never ended changes nothing.
func TestWhatIsNotedDuringALookStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		everything := Found{NoneAhead: true, NoneManual: true, None: true}
		l.NoteHeld(id, Held{Ahead: true, Manual: true})
		l.BeginLook(id) // and rolled back
		if l.Freed(id); !l.HasManual(id) {
			t.Error("what a person asked for is forgotten")
		}
		l.wantLooks(t, "after a look that was rolled back", id)
		l.BeginLook(id)
		l.NoteHeld(id, Held{Ahead: true, Manual: true})
		l.EndLook(id, everything)
		if l.Freed(id); !l.HasManual(id) || !l.states.find(id).held.ahead {
			t.Error("what was noted during a look is forgotten")
		}
		l.wantLooks(t, "something was noted during the look", id)
		l.look(id, everything)
		if l.Freed(id); l.HasManual(id) || l.states.find(id).held != (beliefs{}) {
			t.Error("what a look did not find is still believed")
		}
		l.wantLooks(t, "nothing is left")
	})
}

// What found no room is looked at when there is some again: at once, where nothing is in
// flight any more, because nobody says so then.
func TestWhatFoundNoRoomIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		l.start(id)
		l.NoteHeld(id, Held{WhenIdle: true})
		l.wantLooks(t, "one is in flight")
		l.free(id, quickly)
		l.Freed(id)
		l.wantLooks(t, "it has ended", id)
		l.NoteHeld(id, Held{WhenIdle: true})
		l.wantLooks(t, "none is in flight", id)
	})
}

// What a person asked for is remembered until somebody takes it up, whatever else is
// held.
func TestManualIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		l.NoteHeld(id, Held{})
		if l.HasManual(id) {
			t.Error("nobody has asked for any")
		}
		l.NoteHeld(id, Held{Manual: true})
		l.look(id, Found{None: true})
		l.Freed(id)
		l.wantLooks(t, "what a person asked for is left", id)
		l.NoteHeld(id, Held{Ahead: true})
		if l.look(id, Found{}); !l.HasManual(id) {
			t.Error("it is forgotten by a look that did not take it up")
		}
		if l.look(id, Found{NoneManual: true}); l.HasManual(id) {
			t.Error("it is taken up twice")
		}
		l.look(id, Found{None: true})
		l.Freed(id)
		l.wantLooks(t, "nothing is left")
		l.NoteHeld(id, Held{Manual: true})
		if l.Deleted(id); l.HasManual(id) {
			t.Error("it is deleted")
		}
	})
}

// A destination with a rate is looked at when its next token comes, a moment before,
// and not at each call.
func TestLookWhenRated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id, limits := newLimiter(64), idOf(1), rated(1, 1)
		l.grab(t.Context(), id, limits)
		for range 3 {
			l.LookWhenRated(id, limits)
		}
		time.Sleep(time.Second - WorkerWait - time.Millisecond)
		l.wantLooks(t, "too early")
		time.Sleep(time.Millisecond)
		l.wantLooks(t, "in time to wait for the token", id)
		time.Sleep(time.Hour)
		l.wantLooks(t, "once")
		l.LookWhenRated(id, limits)
		time.Sleep(WorkerWait / 4)
		l.wantLooks(t, "there is a token", id)
	})
}

// A destination that asked to be left alone is looked at when that is over, whoever it
// told so. A long time is left to the regular look.
func TestLookWhenCool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		l.LookWhenCool(id, time.Time{})
		l.coolUntil(id, time.Now().Add(time.Second))
		l.LookWhenCool(id, time.Time{})
		time.Sleep(time.Second - time.Millisecond)
		l.wantLooks(t, "too early")
		time.Sleep(time.Millisecond)
		l.wantLooks(t, "it told this process", id)
		l.LookWhenCool(id, time.Now().Add(2*time.Second))
		time.Sleep(2 * time.Second)
		l.wantLooks(t, "it told another", id)
		l.learn(id, quickly)
		if n := l.grabs(t.Context(), id, atMost(8)); n != 1 {
			t.Errorf("%d in flight to one that told another that it gets too much, want 1", n)
		}
		l.LookWhenCool(id, time.Now().Add(maxLookDelay+time.Second))
		time.Sleep(2 * maxLookDelay)
		l.wantLooks(t, "too long for a timer")
	})
}

// Destinations of which something is held are not forgotten.
func TestHeldIsNotForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		l.NoteHeld(id, Held{})
		for n := range 2 * maxStates {
			l.limit(idOf(2+n), atMost(1))
		}
		l.Freed(id)
		l.wantLooks(t, "room again", id)
	})
}
