package receive

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"belfry/cmd/bench/internal/process"
)

// startHere runs a receiver in this process until the test ends.
func startHere(t *testing.T, c Command) Addresses {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	from, to := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.Run(ctx, process.Streams{Out: to, Err: io.Discard})
		to.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var at Addresses
	if err := json.NewDecoder(from).Decode(&at); err != nil {
		t.Fatal(err)
	}
	return at
}
