// Package past fills a database with alerts of the last weeks, as if they had been
// delivered.
package past

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// past makes up alerts that were delivered, or were not, in the last weeks. The
// same alert is made up the same each time.
type past struct {
	count        int
	from, until  time.Time
	seed         uint64
	destinations []uuid.UUID
}

const (
	// block is how many alerts have 2×block deliveries: its first is unrouted,
	// its second to as many as there are in all, the others to two each.
	block  = 200
	widest = 4
	// cycle is how many deliveries have 50 attempts: see attemptsOf.
	cycle = 20
)

// deliveriesOf returns how many deliveries alert i has, and how many there are
// before them.
func deliveriesOf(i int) (n, before int) {
	before = i / block * 2 * block
	switch at := i % block; at {
	case 0:
		return 0, before
	case 1:
		return widest, before
	default:
		return 2, before + widest + 2*(at-2)
	}
}

// attemptsOf returns how many attempts the k-th delivery took, and whether the
// last one was acknowledged: 14 of 20 were at once, 4 after two or three
// failures, 2 never.
func attemptsOf(k int) (n int, acked bool) {
	switch at := k % cycle; at {
	case 3, 11:
		return 11, false
	case 5, 8:
		return 3, true
	case 14, 17:
		return 4, true
	default:
		return 1, true
	}
}

// waits are those before the retries of a run.
var waits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// seedRows are rows to copy, in the order of the columns below.
type seedRows struct {
	alerts, deliveries, attempts [][]any
}

// idAt returns a UUIDv7 of a time, of which most of the rest is random.
func idAt(at time.Time, random *rand.Rand) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|random.Uint64()&0xfff|0x7000)
	binary.BigEndian.PutUint64(id[8:], random.Uint64()&(1<<62-1)|1<<63)
	return id
}

var (
	seedSeverities = []string{"INFO", "LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL"}
	seedTypes      = []string{"RULE", "RULE", "RULE", "RULE", "SCHEDULED_RULE", "POLICY", "SYSTEM_ERROR"}
	seedDetections = []string{
		"AllLogs.IPMonitoring", "AWS.Console.LoginWithoutMFA", "AWS.S3.BucketEncryption", "Okta.BruteForce",
		"GitHub.RepoMadePublic", "GCP.KeyCreated", "Workspace.ExternalShare", "Endpoint.UnsignedDriver",
	}
	seedLogTypes = []string{
		"AWS.VPCFlow", "AWS.CloudTrail", "AWS.S3ServerAccess", "Okta.SystemLog",
		"GitHub.Audit", "GCP.AuditLog", "GSuite.Reports", "Osquery.Differential",
	}
)

var alertColumns = []string{
	"id", "alert_id", "detection_id", "severity", "type", "title", "name", "link", "description", "runbook", "version",
	"tags", "log_types", "context", "unrouted", "input_hash", "created_at", "created_at_nanos", "accepted_at", "accepted_by",
}

// alert makes up alert i with its deliveries and their attempts.
func (p *past) alert(i int, to *seedRows) {
	random := rand.New(rand.NewPCG(p.seed, uint64(i)))
	at := p.from.Add(time.Duration(float64(p.until.Sub(p.from)) * float64(i) / float64(p.count))).Truncate(time.Microsecond)
	id := idAt(at, random)
	n, before := deliveriesOf(i)
	var unrouted any
	if n == 0 {
		unrouted = "no_match"
	}
	what := random.IntN(len(seedDetections))
	hash := make([]byte, 32)
	for b := range hash {
		hash[b] = byte(random.Uint32())
	}
	address := fmt.Sprintf("203.0.113.%d", random.IntN(256))
	to.alerts = append(to.alerts, []any{
		id, fmt.Sprintf("%x", hash[:16]), seedDetections[what], one(random, seedSeverities), one(random, seedTypes),
		"New Alert: Suspicious activity detected from [" + address + "]", "Monitor " + seedDetections[what],
		"https://console.example.com/alerts/" + fmt.Sprintf("%x", hash[:16]),
		"This rule alerts on any activity outside of our IP address whitelist",
		"Look up the address, then the user; block it if neither is known.", "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",
		[]string{"Network Monitoring", "Threat Intel"},
		[]string{seedLogTypes[what]},
		`{"sourceIp":"` + address + `","port":4444,"user":"j.doe","bytesOut":73412,"region":"eu-central-1"}`,
		unrouted, hash, at.Add(-3 * time.Second), int16(0), at, "seed",
	})
	for j, d := range random.Perm(len(p.destinations))[:n] {
		p.delivery(before+j, id, p.destinations[d], at, random, to)
	}
}

func one(random *rand.Rand, of []string) string { return of[random.IntN(len(of))] }
