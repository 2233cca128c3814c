package process

import "syscall"

// tether has the kernel end a child when we die.
func tether(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
