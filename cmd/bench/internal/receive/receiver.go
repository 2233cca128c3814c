package receive

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"belfry/cmd/bench/internal/process"
)

// Receiver is a running bench receive.
type Receiver struct {
	*process.Child
	Addresses Addresses
}

// Start starts a receiver that listens on so many ports, and on two with TLS if it
// has an identity.
func Start(listeners int, who Identity) (*Receiver, error) {
	args := []string{"receive", "--listeners", strconv.Itoa(listeners)}
	if who.Certificate != "" {
		args = append(args, "--certificate", who.Certificate, "--key", who.Key)
	}
	cmd, err := process.Self(args...)
	if err != nil {
		return nil, err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	cmd.Stdout = to
	c, err := process.Spawn(cmd)
	to.Close() //nolint:errcheck // the child has its own
	if err != nil {
		return nil, err
	}
	r := &Receiver{Child: c}
	if err := json.NewDecoder(from).Decode(&r.Addresses); err != nil {
		_ = c.Kill() // why it must end matters more
		return nil, fmt.Errorf("read addresses of the receiver: %w", err)
	}
	return r, nil
}

// Count returns how many requests a path has got, repeats too; without a path,
// how many all have got.
func (r *Receiver) Count(ctx context.Context, path string) (int, error) {
	body, err := r.get(ctx, "/count", path)
	if err != nil {
		return 0, err
	}
	defer body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(body)
	if err != nil {
		return 0, fmt.Errorf("ask the receiver: %w", err)
	}
	return strconv.Atoi(string(text))
}

// Arrivals returns every request that a path has got.
func (r *Receiver) Arrivals(ctx context.Context, path string) ([]Arrival, error) {
	body, err := r.get(ctx, "/arrivals", path)
	if err != nil {
		return nil, err
	}
	defer body.Close() //nolint:errcheck // it was only read
	all, err := readArrivals(bufio.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read arrivals at %s: %w", path, err)
	}
	return all, nil
}

// Open has the path gate answer what it got and what it gets.
func (r *Receiver) Open(ctx context.Context) error {
	body, err := r.get(ctx, "/open", "")
	if err != nil {
		return err
	}
	return body.Close()
}

func (r *Receiver) get(ctx context.Context, what, path string) (io.ReadCloser, error) {
	target := "http://" + r.Addresses.Plain[0] + what + "?path=" + url.QueryEscape(path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the receiver: %w", err)
	}
	return resp.Body, nil
}
