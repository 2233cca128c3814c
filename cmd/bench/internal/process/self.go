package process

import (
	"fmt"
	"os"
	"os/exec"
)

// Self prepares a command of this program.
func Self(args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}
