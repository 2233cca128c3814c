package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/cmd/bench/internal/database"
)

// errNoAnswer is all that is to be said when a connection failed: the words of
// the network name ports, and would each be an error of its own.
var errNoAnswer = errors.New("no answer")

// post makes one call with n alerts and returns which of them were accepted. An
// error says why not all were.
func (l *loader) post(ctx context.Context, first, n int) ([]bool, error) {
	accepted := make([]bool, n)
	if l.Direct {
		if err := l.postDirect(ctx, l.payloads.One(first)); err != nil {
			return accepted, err
		}
		accepted[0] = true
		return accepted, nil
	}
	path, body := "/api/v1/alerts", ""
	if l.Batch > 1 {
		path, body = "/api/v1/alerts/batch", l.payloads.batch(first, n)
	} else {
		body = l.payloads.One(first)
	}
	status, answer, err := l.do(ctx, l.URL[0]+path, body)
	switch {
	case err != nil:
		return accepted, errNoAnswer
	case status != http.StatusAccepted:
		return accepted, fmt.Errorf("%d %s", status, codeOf(answer))
	case l.Batch == 1:
		accepted[0] = true
		return accepted, nil
	}
	return accepted, readBatchAnswer(answer, accepted)
}

// postDirect does what a server cannot do without: it remembers an alert, with
// InsertInto, and then posts it to each receiver.
func (l *loader) postDirect(ctx context.Context, body string) error {
	if l.pool != nil {
		if err := l.insert(ctx, body); err != nil {
			return err
		}
	}
	for _, url := range l.URL {
		status, answer, err := l.do(ctx, url, body)
		if err != nil {
			return errNoAnswer
		}
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, codeOf(answer))
		}
	}
	return nil
}

func (l *loader) insert(ctx context.Context, body string) error {
	const query = `INSERT INTO plain (id, body) VALUES ($1, $2)`
	if _, err := l.pool.Exec(ctx, query, uuid.Must(uuid.NewV7()), body); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// openFull opens a pool with all of its connections made: Postgres starts a
// process for each, which is not to be measured.
func openFull(ctx context.Context, url string, conns int) (*pgxpool.Pool, error) {
	pool, err := database.OpenPool(ctx, url, conns)
	if err != nil {
		return nil, err
	}
	var made []*pgxpool.Conn
	for len(made) < conns && err == nil {
		var conn *pgxpool.Conn
		if conn, err = pool.Acquire(ctx); err == nil {
			made = append(made, conn)
		}
	}
	for _, conn := range made {
		conn.Release()
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return pool, nil
}

func (l *loader) do(ctx context.Context, url, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if l.Direct {
		req.Header.Set("webhook-id", uuid.NewString())
	} else {
		req.Header.Set("Authorization", "Bearer "+l.Token)
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// readBatchAnswer notes which alerts of a batch were accepted.
func readBatchAnswer(answer []byte, accepted []bool) error {
	var batch struct {
		Results []struct {
			Index   int    `json:"index"`
			Status  string `json:"status"`
			Problem struct {
				Code string `json:"code"`
			} `json:"problem"`
		} `json:"results"`
	}
	if err := json.Unmarshal(answer, &batch); err != nil || len(batch.Results) != len(accepted) {
		return errors.New("an answer to a batch that cannot be read")
	}
	var refused error
	for _, r := range batch.Results {
		switch {
		case r.Index < 0 || r.Index >= len(accepted):
			return errors.New("an answer to a batch with an index beyond it")
		case r.Status == "accepted", r.Status == "repeated":
			accepted[r.Index] = true
		default:
			refused = fmt.Errorf("in a batch: %s %s", r.Status, r.Problem.Code)
		}
	}
	return refused
}

// codeOf is the code of a problem.
func codeOf(answer []byte) string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(answer, &problem) != nil {
		return "without a code"
	}
	return problem.Code
}
