package main

import (
	"syscall"
	"time"
)

// tether has the kernel end a child when we die.
func tether(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// sleep sleeps to within a tenth of a millisecond. Go's own timers are late by up
// to one, which would be counted as latency of what is measured.
func sleep(d time.Duration) {
	for left := syscall.NsecToTimespec(d.Nanoseconds()); ; {
		if syscall.Nanosleep(&left, &left) != syscall.EINTR {
			return
		}
	}
}
