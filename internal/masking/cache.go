package masking

import (
	"strconv"
	"sync"
)

const (
	maxKept = 512
	maxKey  = 2 << 10 // bytes of URL and secrets; a masker takes some 40 times that
)

// Cache keeps what it made: a masker takes about as long to make as a request
// takes to send, and a destination's next request has the same secrets. Its zero
// value is ready. All requests that ask one cache go through the same proxy.
type Cache struct {
	mu    sync.Mutex
	known map[string]*Masker
}

// Masker returns a masker of what a request carries.
func (c *Cache) Masker(s Sent) *Masker {
	var room [256]byte // so that to find a masker allocates nothing, mostly
	key := appendKey(room[:0], s)
	c.mu.Lock()
	m := c.known[string(key)]
	c.mu.Unlock()
	if m != nil {
		return m
	}
	m = New(s)
	if len(key) > maxKey {
		return m
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxKept {
		c.known = map[string]*Masker{}
	}
	c.known[string(key)] = m
	return m
}

// appendKey tells apart any two requests with different URLs or secrets.
func appendKey(key []byte, s Sent) []byte {
	key = append(key, s.URL...)
	for _, secret := range s.Secrets {
		key = append(key, 0)
		key = strconv.AppendInt(key, int64(len(secret)), 10)
		key = append(key, ':')
		key = append(key, secret...)
	}
	return key
}
