package process

import "io"

// Streams are where a command writes: what was asked for to out, all else to err.
type Streams struct {
	Out, Err io.Writer
}
