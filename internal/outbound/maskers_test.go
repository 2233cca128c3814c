package outbound

import (
	"fmt"
	"strings"
	"testing"
)

func TestMaskersAreKeptByWhatTheyMask(t *testing.T) {
	t.Parallel()
	var ms maskers
	a := Request{URL: "http://a.example/", Secrets: []string{"one1", "two2"}}
	if first, again := ms.of(a), ms.of(a); first != again {
		t.Error("the same secrets made two maskers")
	}
	for _, b := range []Request{
		{URL: "http://b.example/", Secrets: a.Secrets},
		{URL: a.URL, Secrets: []string{"one1"}},
		{URL: a.URL, Secrets: []string{"one1two2"}},
		{URL: a.URL, Secrets: []string{"one1\x004:two2"}},
		{URL: a.URL, Secrets: []string{"one1", "two2", ""}},
	} {
		if ms.of(a) == ms.of(b) {
			t.Errorf("%+v got the masker of other secrets", b)
		}
	}
	long := Request{URL: strings.Repeat("x", maxMaskerKey+1)}
	if first, again := ms.of(long), ms.of(long); first == again {
		t.Error("a masker of very long secrets is kept")
	}
	for i := range 2 * maxMaskers {
		ms.of(Request{URL: fmt.Sprint(i)})
	}
	if len(ms.known) > maxMaskers {
		t.Errorf("%d maskers are kept", len(ms.known))
	}
}
