package api

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const serverPath = "/api/v1/server"

func TestServer(t *testing.T) {
	t.Parallel()
	started := time.Now().UTC().Add(-time.Hour)
	h := newAPI(t, func(s *setup) {
		s.api.SessionLength = 90 * time.Minute
		s.api.Facts = Facts{
			Version: "1.2.3", Commit: "0123abc-dirty", BuildDate: "2026-11-30T09:00:00Z", StartedAt: started, Retention: 720 * time.Hour, AttemptTimeout: 1500 * time.Millisecond,
			RetryWaits:      []time.Duration{5 * time.Millisecond, 90 * time.Second, 2 * time.Minute, time.Hour, 61 * time.Minute, 20 * time.Second, 10 * time.Hour},
			AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
			FailingMaxAge:   72 * time.Hour,
		}
	})
	got := decode[ServerFacts](t, h.get(t, serverPath), 200)
	want := ServerFacts{
		Version: "1.2.3", Commit: ptr("0123abc-dirty"), BuildDate: ptr("2026-11-30T09:00:00Z"), StartedAt: started, Replicas: got.Replicas, Retention: ptr(2_592_000.0), AttemptTimeout: 1.5, SessionIdle: 3600, SessionLength: 5400,
		RetryWaits: []string{"5ms", "1m30s", "2m", "1h", "1h1m", "20s", "10h"}, AllowedNetworks: []string{"10.1.0.0/16", "fd00::/8"}, FailingMaxAge: 259_200,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Replicas) != 1 {
		t.Fatalf("%d replicas", len(got.Replicas))
	}
	r := got.Replicas[0]
	if r.ID == "" || !r.Alive || r.Version != "test" || len(r.Roles) != 2 || time.Since(r.SeenAt) > time.Minute || r.SeenAt.Before(r.StartedAt) {
		t.Errorf("replica %+v", r)
	}
	h.exec(t, `INSERT INTO instances (id, started_at, seen_at, version, roles) VALUES ('old', now() - interval '1 day', now() + interval '1 day', '1.2.2', '{api}')`)
	got = decode[ServerFacts](t, h.get(t, serverPath), 200)
	if len(got.Replicas) != 2 || got.Replicas[0].ID != "old" || !cmp.Equal(got.Replicas[0].Roles, []Role{RoleAPI}) {
		t.Errorf("replicas %+v", got.Replicas)
	}
}

func TestServerWithoutLimits(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.exec(t, `INSERT INTO instances (id, started_at, seen_at, version, roles) VALUES ('dead', now() - interval '1 day', now() - interval '11 seconds', '', '{worker}')`)
	got := decode[ServerFacts](t, h.get(t, serverPath), 200)
	if got.Retention != nil || len(got.RetryWaits) != 0 || len(got.AllowedNetworks) != 0 || got.Version != "test" || got.Commit != nil || got.BuildDate != nil {
		t.Errorf("got %+v", got)
	}
	if len(got.Replicas) != 1 || got.Replicas[0].Alive {
		t.Errorf("replicas %+v", got.Replicas)
	}
}
