package devpg

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidFile is what a Postgres says about itself in its data directory, in
// postmaster.pid. Whoever wrote it owns the data and the socket.
type pidFile struct {
	pid    int    // 0 when the file is damaged or being written
	status string // "starting", "ready", "stopping"
}

func pidFilePath(data string) string {
	return filepath.Join(data, "postmaster.pid")
}

// readPidFile fails with fs.ErrNotExist when no server has the data.
func readPidFile(data string) (pidFile, error) {
	content, err := os.ReadFile(pidFilePath(data))
	if err != nil {
		return pidFile{}, fmt.Errorf("look for a server: %w", err)
	}
	// miscadmin.h of Postgres fixes the lines: the first is the process, the
	// eighth its status, padded with spaces.
	var f pidFile
	lines := strings.Split(string(content), "\n")
	if pid, err := strconv.Atoi(lines[0]); err == nil {
		f.pid = pid
	}
	if len(lines) >= 8 {
		f.status = strings.TrimSpace(lines[7])
	}
	return f, nil
}
