package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is where and with what a run was made: a rate without it says nothing.
type Machine struct {
	Date        time.Time         `json:"date"`
	Revision    string            `json:"revision"` // of the working tree that bench ran in
	Belfry      string            `json:"belfry"`   // as it calls itself
	LogLevel    string            `json:"logLevel"` // of Belfry
	Cores       int               `json:"cores"`
	CPU         string            `json:"cpu"`
	MemoryMiB   int               `json:"memoryMiB"`
	Kernel      string            `json:"kernel"`
	Filesystem  string            `json:"filesystem"` // that the private Postgres writes to
	Go          string            `json:"go"`
	Postgres    string            `json:"postgres"`
	Settings    map[string]string `json:"postgresSettings"`
	LoadAverage string            `json:"loadAverageBefore"`
	Scale       float64           `json:"scale"`
}

// Describe looks at this machine; dir is where the private Postgres writes.
func Describe(ctx context.Context, dir string) Machine {
	load := strings.Fields(firstLine("/proc/loadavg"))
	m := Machine{
		Date: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Go: runtime.Version(),
		CPU:         fieldOf("/proc/cpuinfo", "model name"),
		Kernel:      firstLine("/proc/sys/kernel/osrelease"),
		LoadAverage: strings.Join(load[:min(3, len(load))], " "),
		Filesystem:  filesystemOf(wholeFile("/proc/self/mounts"), dir),
		Revision:    "unknown",
	}
	if kib, err := strconv.Atoi(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		m.MemoryMiB = kib / 1024
	}
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output(); err == nil {
		m.Revision = strings.TrimSpace(string(out))
	}
	return m
}

// wholeFile returns "" for a file that is not there: facts about the machine are
// told as far as they are known.
func wholeFile(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(raw)
}

func firstLine(file string) string {
	line, _, _ := strings.Cut(wholeFile(file), "\n")
	return line
}

// fieldOf finds "name : value" in a file of /proc.
func fieldOf(file, name string) string {
	for line := range strings.Lines(wholeFile(file)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// filesystemOf finds the type of the mount that holds a directory. On tmpfs a
// sync costs nothing, and the limits are not those of a disk.
func filesystemOf(mounts, dir string) string {
	best, kind := "", ""
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 || len(fields[1]) < len(best) {
			continue
		}
		if rel, err := filepath.Rel(fields[1], dir); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			best, kind = fields[1], fields[2]
		}
	}
	return kind
}
