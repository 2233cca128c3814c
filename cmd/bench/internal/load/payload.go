package load

import (
	"fmt"
	"strings"
)

// Payloads makes alerts of about 700 bytes that differ in their alertId.
type Payloads struct {
	before, after string // the alertId
	prefix        string
}

// NewPayloads makes payloads whose alertIds begin with a prefix.
func NewPayloads(prefix, logType string) Payloads {
	return Payloads{
		before: `{"id":"AllLogs.IPMonitoring","createdAt":"2026-01-02T03:04:05Z","severity":"HIGH","type":"RULE",` +
			`"link":"https://console.example.com/alerts/b90c19e66e160e194a5b3b94ec27fb7c",` +
			`"title":"New Alert: Suspicious traffic detected from [203.0.113.7]","name":"Monitor Suspicious IPs","alertId":"`,
		after: `","description":"This rule alerts on any activity outside of our IP address whitelist",` +
			`"runbook":"Look up the address, then the user; block it if neither is known.",` +
			`"tags":["Network Monitoring","Threat Intel"],"version":"CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",` +
			`"logTypes":["` + logType + `"],"alertContext":{"sourceIp":"203.0.113.7","port":4444,"user":"j.doe",` +
			`"bytesOut":73412,"region":"eu-central-1"}}`,
		prefix: prefix,
	}
}

func (p Payloads) id(i int) string { return fmt.Sprintf("%s-%08d", p.prefix, i) }

// One is the body of alert i.
func (p Payloads) One(i int) string { return p.before + p.id(i) + p.after }

// batch is the body of a batch of n alerts.
func (p Payloads) batch(first, n int) string {
	var b strings.Builder
	b.Grow(16 + n*(len(p.before)+len(p.after)+32))
	b.WriteString(`{"alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.before)
		b.WriteString(p.id(first + i))
		b.WriteString(p.after)
	}
	b.WriteString(`]}`)
	return b.String()
}
