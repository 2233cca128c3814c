package api

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"belfry/internal/access"
)

// An admin gets profiles that `go tool pprof` reads, and nobody else does.
func TestProfiles(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for _, name := range []string{"heap", "allocs", "goroutine", "threadcreate"} {
		if a := h.get(t, "/debug/pprof/"+name); a.status != http.StatusOK || !bytes.HasPrefix(a.body, []byte{0x1f, 0x8b}) {
			t.Errorf("%s: %d, %d bytes that are not compressed", name, a.status, len(a.body))
		}
	}
	if a := h.get(t, "/debug/pprof/trace?seconds=1"); a.status != http.StatusOK || !bytes.HasPrefix(a.body, []byte("go 1.")) {
		t.Errorf("a trace: %d %.20q", a.status, a.body)
	}
	wantProblem(t, h.get(t, "/debug/pprof/cpu?seconds=61"), 422, ProblemCodeInvalid, "seconds")
	wantProblem(t, h.get(t, "/debug/pprof/mutex"), 404, ProblemCodeNotFound) // nobody samples it
	wantProblem(t, h.get(t, "/debug/pprof/heap", anonymous), 401, ProblemCodeUnauthenticated)
	wantProblem(t, h.get(t, "/debug/pprof/heap", as(h.token(t, access.Operate))), 403, ProblemCodeForbidden)
}

// One CPU profile is made at a time, and one that its caller has left ends.
func TestOneProfileAtATime(t *testing.T) {
	h := newAPI(t, idle)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/debug/pprof/cpu?seconds=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.admin)
	left := make(chan struct{})
	go func() {
		defer close(left)
		for ctx.Err() == nil { // it is refused while one of those below is being made
			if resp, err := client.Do(r); err == nil {
				resp.Body.Close()
			}
		}
	}()
	until(t, "the first is being made", func() bool {
		a := h.get(t, "/debug/pprof/cpu?seconds=1")
		if a.status == http.StatusConflict {
			wantProblem(t, a, 409, ProblemCodeConflict)
		}
		return a.status == http.StatusConflict
	})
	leave()
	<-left
	until(t, "another one is made", func() bool { return h.get(t, "/debug/pprof/cpu?seconds=1").status == http.StatusOK })
}
