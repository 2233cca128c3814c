package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat: USER_HZ is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

// Times is what /proc/PID/stat says about a process.
type Times struct {
	Name     string
	Parent   int
	Own      time.Duration // user and system
	children time.Duration // of children that have ended and were waited for
}

// parseStat reads a line of /proc/PID/stat. The name stands in parentheses and
// may itself hold spaces and parentheses, so what follows begins after the last.
func parseStat(line string) (Times, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return Times{}, errors.New("no name in parentheses")
	}
	p := Times{Name: line[open+1 : end]}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 15 {
		return p, fmt.Errorf("%d fields after the name", len(fields))
	}
	var numbers [5]int
	for i, at := range []int{1, 11, 12, 13, 14} {
		n, err := strconv.Atoi(fields[at])
		if err != nil {
			return p, fmt.Errorf("field %d: %w", at, err)
		}
		numbers[i] = n
	}
	p.Parent = numbers[0]
	p.Own = time.Duration(numbers[1]+numbers[2]) * tick
	p.children = time.Duration(numbers[3]+numbers[4]) * tick
	return p, nil
}

// ReadTimes reads the CPU time of a process.
func ReadTimes(pid int) (Times, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Times{}, fmt.Errorf("read times of process %d: %w", pid, err)
	}
	p, err := parseStat(string(raw))
	if err != nil {
		return p, fmt.Errorf("read times of process %d: %w", pid, err)
	}
	return p, nil
}

// FamilyTime returns the CPU time of a process and all of its children, those
// that have ended too. A child that ends meanwhile would count twice or not at
// all, so it looks again until none did.
func FamilyTime(pid int) (time.Duration, error) {
	for range 20 {
		before, err := ReadTimes(pid)
		if err != nil {
			return 0, err
		}
		total := before.Own + before.children
		files, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			if p, err := parseStat(string(raw)); err == nil && p.Parent == pid {
				total += p.Own + p.children
			}
		}
		if after, err := ReadTimes(pid); err != nil || after.children == before.children {
			return total, err
		}
	}
	return 0, fmt.Errorf("children of process %d end too quickly to be counted", pid)
}

// Memory is what a process occupies, in MiB.
type Memory struct {
	Resident float64 `json:"residentMiB"` // now
	Peak     float64 `json:"peakMiB"`     // ever
}

// ReadMemory reads what a process occupies.
func ReadMemory(pid int) (Memory, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return parseMemory(string(raw)), nil
}

func parseMemory(status string) (m Memory) {
	for line := range strings.Lines(status) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "VmRSS:":
			m.Resident = kib / 1024
		case "VmHWM:":
			m.Peak = kib / 1024
		}
	}
	return m
}
