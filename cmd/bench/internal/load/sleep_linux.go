package load

import (
	"syscall"
	"time"
)

// sleep sleeps to within a tenth of a millisecond. Go's own timers are late by up
// to one, which would be counted as latency of what is measured.
func sleep(d time.Duration) {
	for left := syscall.NsecToTimespec(d.Nanoseconds()); ; {
		if syscall.Nanosleep(&left, &left) != syscall.EINTR {
			return
		}
	}
}
