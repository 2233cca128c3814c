package masking

import (
	"fmt"
	"strings"
	"testing"
)

func TestMaskersAreKeptByWhatTheyMask(t *testing.T) {
	t.Parallel()
	c := NewCache()
	a := Sent{URL: "http://a.example/", Secrets: []string{"one1", "two2"}}
	if first, again := c.Masker(a), c.Masker(a); first != again {
		t.Error("the same secrets made two maskers")
	}
	for _, b := range []Sent{
		{URL: "http://b.example/", Secrets: a.Secrets},
		{URL: a.URL, Secrets: []string{"one1"}},
		{URL: a.URL, Secrets: []string{"one1two2"}},
		{URL: a.URL, Secrets: []string{"one1\x004:two2"}},
		{URL: a.URL, Secrets: []string{"one1", "two2", ""}},
	} {
		if c.Masker(a) == c.Masker(b) {
			t.Errorf("%+v got the masker of other secrets", b)
		}
	}
	long := Sent{URL: strings.Repeat("x", maxKey+1)}
	if first, again := c.Masker(long), c.Masker(long); first == again {
		t.Error("a masker of very long secrets is kept")
	}
	for i := range 2 * maxKept {
		c.Masker(Sent{URL: fmt.Sprint(i)})
	}
	if n := c.known.Len(); n != maxKept {
		t.Errorf("%d maskers are kept, want %d", n, maxKept)
	}
	if last := fmt.Sprint(2*maxKept - 1); !c.known.Contains(last) || c.known.Contains("0") {
		t.Error("it is not the last ones that are kept")
	}
}
