package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cores is what all cores of this machine did so far, since it was started.
type Cores struct {
	Busy   time.Duration // with processes, the kernel and interrupts
	Stolen time.Duration // by the machine that this one is a guest of
}

// ReadCores reads what the cores did.
func ReadCores() (Cores, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Cores{}, fmt.Errorf("read times of the cores: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	c, err := parseCores(line)
	if err != nil {
		return c, fmt.Errorf("read times of the cores: %w", err)
	}
	return c, nil
}

// parseCores reads the first line of /proc/stat: "cpu", and then user, nice,
// system, idle, iowait, irq, softirq and steal. What follows is in user already.
func parseCores(line string) (c Cores, err error) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return c, errors.New("no line of all cores")
	}
	var ticks [8]int
	for i := range ticks {
		if ticks[i], err = strconv.Atoi(fields[i+1]); err != nil {
			return c, fmt.Errorf("field %d: %w", i+1, err)
		}
	}
	c.Busy = time.Duration(ticks[0]+ticks[1]+ticks[2]+ticks[5]+ticks[6]) * tick
	c.Stolen = time.Duration(ticks[7]) * tick
	return c, nil
}

// SelfTime returns the CPU time of this process so far.
func SelfTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("read own times: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
