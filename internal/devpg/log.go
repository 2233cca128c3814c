package devpg

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxLog    = 10 << 20 // bytes
	tailLines = 15
)

// serverLog is what Postgres writes, from one start on.
type serverLog struct {
	file  *os.File
	start int64
}

func (c *cluster) logPath() string {
	return filepath.Join(c.root, "postgres.log")
}

// openLog opens the log for a start of the server. Only here is it cut: Postgres
// holds it open, and a private server needs no history.
func openLog(path string) (*serverLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open postgres log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open postgres log: %w", err)
	}
	start := info.Size()
	if start > maxLog {
		if err := f.Truncate(0); err != nil {
			return nil, fmt.Errorf("cut postgres log: %w", err)
		}
		start = 0
	}
	return &serverLog{file: f, start: start}, nil
}

// tail returns the last lines written since this start.
func (l *serverLog) tail() string {
	f, err := os.Open(l.file.Name())
	if err != nil {
		return err.Error()
	}
	defer f.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.NewSectionReader(f, l.start, maxLog))
	if err != nil {
		return err.Error()
	}
	return lastLines(content)
}

func lastLines(output []byte) string {
	lines := strings.Split(string(bytes.TrimSpace(output)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
