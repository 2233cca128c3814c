package api

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"belfry/internal/delivery"
)

// Facts are what GET /server says of this process and of how it is set up. None
// of them is secret.
type Facts struct {
	Version         string
	Commit          string // "" where nobody knows
	BuildDate       string // likewise
	StartedAt       time.Time
	Retention       time.Duration // 0: for ever
	RetryWaits      delivery.Waits
	AttemptTimeout  time.Duration
	AllowedNetworks []netip.Prefix // that may be reached although they are not public
	FailingMaxAge   time.Duration
}

// GetServer says how this process is set up, and which others there are.
func (s *Server) GetServer(ctx context.Context, _ GetServerRequestObject) (GetServerResponseObject, error) {
	instances, err := s.DB.Instances(ctx)
	if err != nil {
		return nil, err
	}
	f := s.Facts
	answer := GetServer200JSONResponse{
		Version: f.Version, Commit: orNil(f.Commit), BuildDate: orNil(f.BuildDate), StartedAt: f.StartedAt.UTC(), Replicas: make([]Replica, len(instances)),
		Retention: orNil(f.Retention.Seconds()), RetryWaits: make([]string, len(f.RetryWaits)), AttemptTimeout: f.AttemptTimeout.Seconds(),
		SessionLength: s.SessionLength.Seconds(), SessionIdle: s.SessionIdle.Seconds(), AllowedNetworks: make([]string, len(f.AllowedNetworks)),
		FailingMaxAge: f.FailingMaxAge.Seconds(),
	}
	for i, x := range instances {
		answer.Replicas[i] = Replica{
			ID: x.ID, Roles: make([]Role, len(x.Roles)), Version: x.Version, StartedAt: x.StartedAt.UTC(), SeenAt: x.SeenAt.UTC(), Alive: x.Alive,
		}
		for j, role := range x.Roles {
			answer.Replicas[i].Roles[j] = Role(role)
		}
	}
	for i, wait := range f.RetryWaits {
		answer.RetryWaits[i] = brief(wait)
	}
	for i, network := range f.AllowedNetworks {
		answer.AllowedNetworks[i] = network.String()
	}
	return answer, nil
}

// brief writes a duration without the parts at its end that are zero: 2m, and not
// 2m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
