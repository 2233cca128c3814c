package inbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Taken is a body that was read, and the room it takes.
type Taken struct {
	Bytes []byte

	budget  *Budget
	caller  string
	control *http.ResponseController
	held    int64     // guarded by the budget, as all below
	began   time.Time // when it was given its first room
	got     int64
	waits   bool // for more room
	ended   bool // it had to give way
}

// linger is how long a connection is kept for what its client still sends after it was
// answered: closed at once, the client could not read the answer.
const linger = 500 * time.Millisecond

// Abandon has the connection end after the answer to a request whose body was not read.
// What follows on it is no request, and a hostile client wants us to wait for the body's
// end. Once the request is answered, the connection gives way to others. Abandon is called
// before the answer's header is written. It does nothing to a request without a body.
func Abandon(w http.ResponseWriter, r *http.Request, now time.Time) {
	if r.ContentLength == 0 {
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*Conn); ok {
		c.last.Store(true)
	}
	w.Header().Set("Connection", "close")
	// It fails only where there is no connection.
	_ = http.NewResponseController(w).SetReadDeadline(now.Add(linger))
}

// Take reads the whole body of a request within the budget. If the request announces how
// many bytes come, room for them is taken first; otherwise room is taken as they come. The error
// is ErrTooLarge, ErrTooSlow, ErrFull, ErrBroken or that of the context. Release gives the
// room back when the request is answered.
func (b *Budget) Take(w http.ResponseWriter, r *http.Request, caller string, limit int64) (*Taken, error) {
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	t := &Taken{budget: b, caller: caller, control: http.NewResponseController(w)}
	if r.ContentLength == 0 || r.Body == nil {
		return t, nil
	}
	room := r.ContentLength
	if room < 0 {
		room = step
	}
	if err := b.reserve(r.Context(), t, room); err != nil {
		return nil, err
	}
	if err := t.read(r, limit); err != nil {
		t.Release()
		return nil, err
	}
	return t, nil
}

// Release gives back what the body took.
func (t *Taken) Release() {
	if t.held > 0 {
		t.budget.release(t)
	}
}

func (t *Taken) read(r *http.Request, limit int64) error {
	// What is announced need not come: most of the memory is for what has.
	buf := make([]byte, 0, min(t.held, smallBody)+1)
	for {
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return ErrTooLarge
		case err == io.EOF:
			t.Bytes = buf
			return t.budget.done(t)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return ErrTooSlow
		case err != nil:
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if len(buf) == cap(buf) {
			if buf, err = t.grow(r.Context(), buf, r.ContentLength, limit); err != nil {
				return err
			}
		}
		if err := t.extendDeadline(len(buf)); err != nil {
			return err
		}
	}
}

// grow returns a larger buffer, with room for it.
func (t *Taken) grow(ctx context.Context, buf []byte, announced, limit int64) ([]byte, error) {
	size := announced
	if announced < 0 {
		size = min(2*int64(len(buf)), limit)
		if err := t.budget.reserve(ctx, t, size); err != nil {
			return buf, err
		}
	}
	larger := make([]byte, len(buf), size+1)
	copy(larger, buf)
	return larger, nil
}

// extendDeadline notes how much has come, and sets the time by which more must come.
func (t *Taken) extendDeadline(got int) error {
	b := t.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	t.got = int64(got)
	if t.ended {
		return ErrTooSlow
	}
	by := t.began.Add(b.bounds.Grace + time.Duration(t.got*int64(time.Second)/b.bounds.Floor))
	if err := t.control.SetReadDeadline(by); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// late is by how much the body is behind one that comes briskly.
func (t *Taken) late(now time.Time) time.Duration {
	return now.Sub(t.began) - time.Duration(t.got*int64(time.Second)/briskRate)
}

// end has the body give way: reading it fails at once.
func (t *Taken) end() {
	t.ended = true
	// It fails only where there is no connection to wait for.
	_ = t.control.SetReadDeadline(time.Unix(1, 0))
}
