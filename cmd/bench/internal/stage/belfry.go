package stage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"belfry/cmd/bench/internal/process"
)

// LogLevel is Belfry's: a line for each attempt would be measured too.
const LogLevel = "warn"

// Server is a running Belfry.
type Server struct {
	*process.Child
	log string // the file it logs to
}

// belfryCommand prepares the program under test, with these settings and none of
// the environment's.
func (b *Bench) belfryCommand(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(b.Program, args...)
	cmd.Dir = b.Dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "BELFRY_") && !strings.HasPrefix(v, "DATABASE_URL=") && !strings.HasPrefix(v, "SSL_CERT_FILE=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// BelfryOnce runs a command of the program under test to its end.
func (b *Bench) BelfryOnce(ctx context.Context, env []string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := b.belfryCommand(env, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	c, err := process.Spawn(cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-c.Ended:
	case <-ctx.Done():
		return "", c.Stop()
	}
	if c.Err != nil {
		return "", fmt.Errorf("belfry %s: %w\n%s", strings.Join(args, " "), c.Err, errs.Bytes())
	}
	return strings.TrimSpace(out.String()), nil
}

// serve starts Belfry on a database and an address, and returns when it says that
// it is ready.
func (b *Bench) serve(ctx context.Context, databaseURL, address string) (*Server, error) {
	log, err := os.CreateTemp(b.Dir, "belfry-*.log")
	if err != nil {
		return nil, fmt.Errorf("start belfry: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has the file now
	cmd := b.belfryCommand([]string{
		"DATABASE_URL=" + databaseURL, "BELFRY_KEYSET=" + b.keyset, "BELFRY_ADMIN_TOKEN=" + b.token,
		"BELFRY_LISTEN=" + address, "BELFRY_EGRESS_ALLOW=127.0.0.0/8", "BELFRY_LOG_LEVEL=" + LogLevel,
		"SSL_CERT_FILE=" + b.Identity.Authority, // receivers with TLS are of this authority
	}, "serve")
	cmd.Stdout, cmd.Stderr = log, log
	c, err := process.Spawn(cmd)
	if err != nil {
		return nil, err
	}
	s := &Server{Child: c, log: log.Name()}
	if err := s.awaitReady(ctx, address); err != nil {
		return nil, fmt.Errorf("%w; its log ends:\n%s", err, s.lastWords(20)) // lastWords before the directory is gone
	}
	return s, nil
}

func (s *Server) awaitReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		select {
		case <-s.Ended:
			return fmt.Errorf("belfry ended while starting: %w", s.Err)
		case <-ctx.Done():
			_ = s.Kill() // why it must end matters more
			return fmt.Errorf("wait for belfry to be ready: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			continue // it does not listen yet
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close() //nolint:errcheck // the status is all we want
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// lastWords returns the end of the log.
func (s *Server) lastWords(lines int) string {
	raw, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	all := strings.SplitAfter(string(raw), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// complaints is how many lines it logged.
func (s *Server) complaints() int { return strings.Count(s.lastWords(1<<30), "\n") }

// freeAddress finds a port that nobody listens on: at this log level Belfry does
// not say which one it was given.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// CheckProgram returns the program under test with its full path, because it
// runs in another directory.
func CheckProgram(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(full)
	}
	if err != nil {
		return "", fmt.Errorf("find the program to measure (make build): %w", err)
	}
	return full, nil
}
