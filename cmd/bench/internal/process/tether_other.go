//go:build !linux

package process

import "syscall"

func tether(*syscall.SysProcAttr) {}
