package devpg

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// role is the superuser that initdb makes and everyone connects as.
const role = "belfry"

// Server is a running Postgres. Its methods may be called from any goroutine.
type Server struct {
	cluster *cluster
	process *process
	lock    *dirLock

	stopping sync.Once
	stopped  error
}

// DSN returns the connection string of a database on this server, in the
// key/value form that pgx and libpq read. It connects as a superuser.
func (s *Server) DSN(database string) string {
	return s.cluster.dsn(database)
}

// Version returns the version of the server as Postgres writes it: "18.4".
func (s *Server) Version() string {
	return s.cluster.bin.version
}

// Exited returns a channel that is closed when Postgres has ended, through Stop
// or by itself. Stop is due in both cases: it releases the directory.
func (s *Server) Exited() <-chan struct{} {
	return s.process.exited
}

// Stop ends the server in order, dropping the sessions still open, and returns
// when it has ended; after 20 seconds it stops being polite. It releases the
// directory for the next Start. Further calls return what the first did. The
// error is not nil when Postgres had ended by itself with one.
func (s *Server) Stop() error {
	s.stopping.Do(func() { s.stopped = errors.Join(s.end(), s.lock.release()) })
	return s.stopped
}

func (s *Server) end() error {
	select {
	case <-s.process.exited:
		if s.process.err != nil {
			return fmt.Errorf("postgres had ended by itself: %w; see %s", s.process.err, s.cluster.logPath())
		}
	default:
		if err := s.process.stop(); err != nil {
			return fmt.Errorf("stop postgres: %w; see %s", err, s.cluster.logPath())
		}
	}
	return s.cluster.removeSocketDir()
}

func (c *cluster) dsn(database string) string {
	// Everything is spelled out, because what is not comes from PG* variables.
	return fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable",
		quote(c.socket), port, role, quote(database))
}

// quote writes a value of a connection string.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
