package load

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Shape says what the alerts of a load look like.
type Shape struct {
	Prefix       string // begins every alertId
	LogType      string // by which alerts are routed
	Spread       int    // above 1: alert i has LogTypeOf(LogType, i%Spread)
	ContextBytes int    // above 0: about the size of alertContext
}

// Payloads makes alerts that differ in their alertId: of about 700 bytes, or with
// a larger context.
type Payloads struct {
	before string   // the alertId
	after  []string // the alertId, one for each log type
	prefix string
}

// NewPayloads makes payloads of a shape.
func NewPayloads(s Shape) Payloads {
	p := Payloads{
		before: `{"id":"AllLogs.IPMonitoring","createdAt":"2026-01-02T03:04:05Z","severity":"HIGH","type":"RULE",` +
			`"link":"https://console.example.com/alerts/b90c19e66e160e194a5b3b94ec27fb7c",` +
			`"title":"New Alert: Suspicious traffic detected from [203.0.113.7]","name":"Monitor Suspicious IPs","alertId":"`,
		prefix: s.Prefix,
	}
	alertContext := contextOf(s.ContextBytes)
	for n := range max(s.Spread, 1) {
		logType := s.LogType
		if s.Spread > 1 {
			logType = LogTypeOf(s.LogType, n)
		}
		p.after = append(p.after, `","description":"This rule alerts on any activity outside of our IP address whitelist",`+
			`"runbook":"Look up the address, then the user; block it if neither is known.",`+
			`"tags":["Network Monitoring","Threat Intel"],"version":"CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",`+
			`"logTypes":["`+logType+`"],"alertContext":`+alertContext+`}`)
	}
	return p
}

// LogTypeOf is the n-th of the log types that a load is spread over.
func LogTypeOf(logType string, n int) string { return logType + "." + strconv.Itoa(n) }

// contextOf makes an alertContext of about so many bytes: a few facts, and then
// events as logs have them, of which an eighth differs. What repeats itself as a
// whole would be compressed to nothing where it is stored.
func contextOf(size int) string {
	var b strings.Builder
	b.WriteString(`{"sourceIp":"203.0.113.7","port":4444,"user":"j.doe","bytesOut":73412,"region":"eu-central-1"`)
	if size > 0 {
		random := rand.New(rand.NewPCG(1, uint64(size)))
		b.WriteString(`,"events":[`)
		for n := 0; n == 0 || b.Len() < size-100; n++ {
			if n > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"eventVersion":"1.08","eventSource":"s3.example.com","eventName":"GetObject","region":"eu-central-1",`+
				`"requestId":"%016x","sourceIp":"198.51.100.%d","bytes":%d,"readOnly":true}`,
				random.Uint64(), random.IntN(256), random.IntN(1<<20))
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.String()
}

func (p Payloads) id(i int) string { return fmt.Sprintf("%s-%08d", p.prefix, i) }

func (p Payloads) rest(i int) string { return p.after[i%len(p.after)] }

// One is the body of alert i.
func (p Payloads) One(i int) string { return p.before + p.id(i) + p.rest(i) }

// batch is the body of a batch of n alerts.
func (p Payloads) batch(first, n int) string {
	var b strings.Builder
	b.Grow(16 + n*(len(p.before)+len(p.after[0])+32))
	b.WriteString(`{"alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.before)
		b.WriteString(p.id(first + i))
		b.WriteString(p.rest(first + i))
	}
	b.WriteString(`]}`)
	return b.String()
}
