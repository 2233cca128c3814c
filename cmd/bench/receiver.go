package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
)

// receiver is a running bench receive.
type receiver struct {
	*child
	addresses []string
}

// self prepares a command of this program.
func self(args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

func startReceiver(listeners int) (*receiver, error) {
	cmd, err := self("receive", "--listeners", strconv.Itoa(listeners))
	if err != nil {
		return nil, err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	cmd.Stdout = to
	c, err := spawn(cmd)
	to.Close() //nolint:errcheck // the child has its own
	if err != nil {
		return nil, err
	}
	r := &receiver{child: c}
	if err := json.NewDecoder(from).Decode(&r.addresses); err != nil {
		_ = c.kill() // why it must end matters more
		return nil, fmt.Errorf("read addresses of the receiver: %w", err)
	}
	return r, nil
}

// count returns how many requests a path has got, repeats too.
func (r *receiver) count(ctx context.Context, path string) (int, error) {
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

// arrivals returns every request that a path has got.
func (r *receiver) arrivals(ctx context.Context, path string) ([]arrival, error) {
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

func (r *receiver) get(ctx context.Context, what, path string) (io.ReadCloser, error) {
	target := "http://" + r.addresses[0] + what + "?path=" + url.QueryEscape(path)
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
