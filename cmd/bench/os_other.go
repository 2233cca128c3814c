//go:build !linux

package main

import (
	"syscall"
	"time"
)

func tether(*syscall.SysProcAttr) {}

func sleep(d time.Duration) { time.Sleep(d) }
