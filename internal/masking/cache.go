package masking

import (
	"strconv"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	maxKept = 512
	maxKey  = 2 << 10 // bytes of URL and secrets; a masker takes some 40 times that
)

// Cache keeps the maskers that were used last: a masker takes about as long to make as
// a request takes to send, and a destination's next request has the same secrets. All
// requests that ask one cache go through the same proxy.
type Cache struct{ known *lru.Cache[string, *Masker] }

// NewCache returns an empty cache.
func NewCache() Cache {
	known, err := lru.New[string, *Masker](maxKept)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return Cache{known}
}

// Masker returns a masker of what a request carries.
func (c Cache) Masker(s Sent) *Masker {
	var room [256]byte // so that to build a key allocates nothing, mostly
	key := string(appendKey(room[:0], s))
	if m, ok := c.known.Get(key); ok {
		return m
	}
	m := New(s)
	if len(key) <= maxKey {
		c.known.Add(key, m)
	}
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
