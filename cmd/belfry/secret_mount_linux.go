package main

import (
	"os"
	"syscall"
)

// secretMount reports whether a file is on a read-only file system in memory, as
// Kubernetes and Docker mount secrets: what its mode says (0444 or 0644, and root's)
// matters only inside of the container, where nobody else is.
func secretMount(f *os.File) bool {
	const (
		tmpfs    = 0x01021994
		ramfs    = 0x858458f6
		readOnly = 1 // ST_RDONLY
	)
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &s); err != nil {
		return false
	}
	return (uint32(s.Type) == tmpfs || uint32(s.Type) == ramfs) && s.Flags&readOnly != 0
}
