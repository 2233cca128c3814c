package cluster

// OnLost has drop called whenever what this process keeps of the database must not
// be believed any more. It must not wait for anything.
//
// A heartbeat that fails says so: another database may answer next, a replica that
// was promoted and lacks the last of what the one before it had. A new cache gets a
// line here, and a call of OnLost where it is made:
//
//   - dispatch: where alerts go. Each transaction checks it against its version.
//   - postgres.DB, of the engine and of the API: the block of job ids, which may be
//     taken in another database (the engine mends a collision), and opened destinations,
//     which are checked against the stored rows.
//   - api: callers by their tokens, for seconds.
//
// Other memories need not be dropped. Deliveries in memory are fenced by their rows. A
// partition that is missing is made when a record misses it. What the limiter believes
// about held deliveries is asked again once a second.
func (m *Member) OnLost(drop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onLost = append(m.onLost, drop)
}

// Forget drops everything that this process keeps of what the database holds.
func (m *Member) Forget() {
	m.mu.Lock()
	drops := m.onLost
	m.mu.Unlock()
	for _, drop := range drops {
		drop()
	}
}
