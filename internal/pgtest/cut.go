package pgtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/internal/postgres"
)

// Cut is a way to a database that breaks connections at a chosen moment: when all
// rows of an answer have come, and its end has not; or when a transaction is
// committed, and nobody has been told.
type Cut struct {
	DB *postgres.DB

	mu    sync.Mutex
	after int // answers with rows that still go through; -1: all

	commits int // answers to COMMIT that are still to be cut short
}

// NewCut opens the database at a URL so that After can cut its connections.
func NewCut(t testing.TB, url string) *Cut {
	t.Helper()
	c := &Cut{after: -1}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgxAddress(cfg)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background()) // also of connections that nobody closes
	var serving sync.WaitGroup
	t.Cleanup(func() { listener.Close(); end(); serving.Wait() }) //nolint:errcheck // nothing is left to lose
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { c.carry(ctx, client, network, address) })
		}
	})
	at := listener.Addr().(*net.TCPAddr)
	c.DB, err = postgres.Open(context.Background(), postgres.Options{
		URL:      fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable", at.Port, cfg.User, cfg.Database),
		MaxConns: 4, Name: "cut", Timeout: 30 * time.Second, Box: Box(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.DB.Close)
	return c
}

func pgxAddress(cfg *pgx.ConnConfig) (network, address string) {
	if cfg.Host[0] == '/' {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", cfg.Host, cfg.Port)
	}
	return "tcp", fmt.Sprintf("%s:%d", cfg.Host, cfg.Port)
}

// After lets so many answers with rows through and cuts the next one short.
func (c *Cut) After(answers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = answers
}

// Commits cuts so many answers to COMMIT short: the transactions are committed then.
func (c *Cut) Commits(answers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = answers
}

// Committed reports whether all these answers were cut short.
func (c *Cut) Committed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commits == 0
}

// commit counts an answer to COMMIT, and reports whether it is to be cut short.
func (c *Cut) commit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commits == 0 {
		return false
	}
	c.commits--
	return true
}

// Done ends what After began, and reports whether an answer was cut short.
func (c *Cut) Done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.after
	c.after = -1
	return was == -2
}

// ends counts an answer with rows, and reports whether it is to be cut short.
func (c *Cut) ends() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.after >= 0 {
		if c.after--; c.after == -1 {
			c.after = -2
			return true
		}
	}
	return false
}

func (c *Cut) carry(ctx context.Context, client net.Conn, network, address string) {
	defer client.Close()                                      //nolint:errcheck // as below
	defer context.AfterFunc(ctx, func() { client.Close() })() //nolint:errcheck // as below
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // the other end is told in any case
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close() //nolint:errcheck // as above
	})
	c.down(client, server)
	client.Close() //nolint:errcheck // as above
	up.Wait()
}

// down carries what the server says, message by message, until an end is held back.
func (c *Cut) down(client io.Writer, server io.Reader) {
	rows := false
	for head := make([]byte, 5); ; {
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		switch head[0] {
		case 'D': // DataRow
			rows = true
		case 'C': // CommandComplete
			if rows && c.ends() || string(body) == "COMMIT\x00" && c.commit() {
				return
			}
			rows = false
		}
		if _, err := client.Write(append(head[:5:5], body...)); err != nil {
			return
		}
	}
}
