package outbound

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
)

const (
	maxMaskers   = 512
	maxMaskerKey = 2 << 10 // bytes of URL and secrets; a masker takes some 40 times that
)

// maskers keeps what it made: a masker takes about as long to make as a request
// takes to send, and a destination's next request has the same secrets.
type maskers struct {
	proxy *url.URL
	mu    sync.Mutex
	known map[string]*masker
}

func (ms *maskers) of(r Request) *masker {
	key := maskerKey(r)
	ms.mu.Lock()
	m := ms.known[key]
	ms.mu.Unlock()
	if m != nil {
		return m
	}
	m = newMasker(secretsOf(r, ms.proxy))
	if len(key) > maxMaskerKey {
		return m
	}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.known == nil || len(ms.known) >= maxMaskers {
		ms.known = map[string]*masker{}
	}
	ms.known[key] = m
	return m
}

// maskerKey tells apart any two requests with different URLs or secrets.
func maskerKey(r Request) string {
	var b strings.Builder
	b.WriteString(r.URL)
	for _, s := range r.Secrets {
		b.WriteString("\x00" + strconv.Itoa(len(s)) + ":")
		b.WriteString(s)
	}
	return b.String()
}
