package cluster

import (
	"testing"
	"time"
)

// Without its connection a replica counts itself out before others do, and the next
// heartbeat begins anew.
func TestLostConnectionCountsSooner(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	now := begin
	m := New(Config{Now: func() time.Time { return now }})
	if m.Alive() || m.Lapsed() {
		t.Error("it lives, or has lived, before its first heartbeat")
	}
	m.add(begin)
	last := begin.Add(HeartbeatEvery)
	m.add(last)
	now = last
	if got := m.age(); got != HeartbeatEvery {
		t.Errorf("age = %s, want %s", got, HeartbeatEvery)
	}
	m.lose()
	if now = last.Add(lostFor - 1); !m.Alive() || m.Lapsed() {
		t.Error("it does not live for as long as the last heartbeat is good for")
	}
	if now = last.Add(lostFor); m.Alive() || !m.Lapsed() {
		t.Error("it lives for longer than the last heartbeat is good for")
	}
	if now = last.Add(1); m.age() != 0 {
		t.Error("it may tell that others are dead")
	}
	m.add(last.Add(time.Second))
	if now = last.Add(time.Second + aliveFor - 1); !m.Alive() {
		t.Error("the next heartbeat is not good for as long as any")
	}
	if now = last.Add(2 * time.Second); m.age() != 0 {
		t.Error("the next heartbeat does not begin anew")
	}
}

// Silence ends life too, and a heartbeat after it does not make up for it.
func TestSilenceEndsLife(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	now := begin
	m := New(Config{Now: func() time.Time { return now }})
	m.add(begin)
	if now = begin.Add(aliveFor - 1); !m.Alive() || m.Lapsed() {
		t.Error("it does not live for as long as its heartbeat is good for")
	}
	if now = begin.Add(aliveFor); m.Alive() || !m.Lapsed() || m.age() != 0 {
		t.Error("it lives for longer than its heartbeat is good for")
	}
	now = begin.Add(aliveFor + 1)
	m.add(now)
	if !m.Alive() || m.age() != 0 {
		t.Errorf("after a gap it has been alive for %s, want not at all", m.age())
	}
}

// What is kept of the database is dropped by everybody who keeps some.
func TestForget(t *testing.T) {
	t.Parallel()
	m := New(Config{Now: time.Now})
	var one, another int
	m.OnLost(func() { one++ })
	m.OnLost(func() { another++ })
	m.Forget()
	if one != 1 || another != 1 {
		t.Errorf("called %d and %d times, want once each", one, another)
	}
}
