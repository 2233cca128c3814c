package alert

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"belfry/internal/invalid"
)

// Parsed is a valid alert as its producer sent it, before defaults.
type Parsed struct {
	Alert          Alert
	Ignored        []string // top-level names we do not know, sorted
	AlertIDGiven   bool
	LinkGiven      bool
	CreatedAtGiven bool
}

// known are the fields of an alert: the twelve of the seeds' schema in its
// order, then ours.
var known = []string{
	"id", "createdAt", "severity", "type", "link", "title", "name", "alertId",
	"description", "runbook", "tags", "version", "logTypes", "alertContext", "destinations",
}

// Parse reads one alert from the JSON of a producer.
//
// It returns an invalid.Malformed when raw is not one JSON object, and an
// invalid.FieldErrors that names every wrong field, in the order of the schema, when
// it is one. Names are case-sensitive, null is the same as absent, and fields it
// does not know are ignored and listed: a producer's upgrade must not lose
// alerts. Lengths are counted in characters.
//
// Who controls a text that is logged must not be able to suppress the alert
// about it. So what cannot be stored (U+0000, half a surrogate pair, bytes that
// are not UTF-8) is replaced and listed, but in the two ids; and a name twice in
// alertContext is the producer's business: it is delivered as it is written.
//
// Parse keeps no reference to raw.
func Parse(raw []byte) (Parsed, error) {
	if err := invalid.Check(raw); err != nil {
		return Parsed{}, err
	}
	body := string(raw)
	f := objectReader{object: invalid.Split(body), suspect: invalid.Suspect(body)}
	var a Alert
	a.DetectionID = f.text(fieldRule{field: "id", required: true, exact: true, filled: true, plain: true, maxLength: 256})
	createdAt, createdAtGiven := f.createdAt()
	a.CreatedAt = createdAt
	a.Severity = enum(&f, fieldRule{field: "severity", required: true, filled: true}, severities)
	a.Type = enum(&f, fieldRule{field: "type", required: true, filled: true}, types)
	a.Link = f.link()
	// A line break in one of these is ugly, but must not lose an alert.
	a.Title = f.text(fieldRule{field: "title", maxLength: 1000})
	a.Name = f.text(fieldRule{field: "name", maxLength: 1000})
	a.AlertID = f.alertID()
	a.Description = f.text(fieldRule{field: "description", maxLength: 65_536})
	a.Runbook = f.text(fieldRule{field: "runbook", maxLength: 65_536})
	a.Tags = orEmpty(f.list(fieldRule{field: "tags", plain: true, maxLength: 256, maxCount: 100}))
	a.Version = f.text(fieldRule{field: "version", plain: true, maxLength: 256})
	a.LogTypes = orEmpty(unique(f.list(fieldRule{field: "logTypes", filled: true, plain: true, maxLength: 256, maxCount: 100})))
	a.Context = f.context()
	if override := unique(f.list(fieldRule{field: "destinations", filled: true, maxLength: 256, maxCount: 10})); override != nil {
		a.Override = &override
	}
	ignored := f.unknown(known)
	if len(f.wrong) > 0 {
		return Parsed{}, f.wrong
	}
	a.Altered = f.altered.places
	a.InputHash = inputHash(f.object)
	return Parsed{
		Alert:          a,
		Ignored:        ignored,
		AlertIDGiven:   a.AlertID != "",
		LinkGiven:      a.Link != "",
		CreatedAtGiven: createdAtGiven,
	}, nil
}

// createdAt also tells whether it was given: any time at all may be the
// producer's, the zero one too.
func (f *objectReader) createdAt() (time.Time, bool) {
	r := fieldRule{field: "createdAt"}
	value := f.value(r)
	if value == "" {
		return time.Time{}, false
	}
	text, bad := f.read(r, noEntry, value)
	if bad != noError {
		f.refuse(r.field, bad)
		return time.Time{}, false
	}
	t, err := ParseTime(text)
	if err != nil {
		f.refuse(r.field, valueError{invalid.CodeFormat, err.Error()})
	}
	return t, true
}

// Fill sets what the producer left out: the title is the name, else the
// detection's id; the creation time is now; the alert's id is a new one, and
// the link leads to it.
func (p *Parsed) Fill(now time.Time, newAlertID func() string, link func(alertID string) string) {
	a := &p.Alert
	if a.Title == "" {
		a.Title = a.Name
	}
	if a.Title == "" {
		a.Title = a.DetectionID
	}
	if !p.CreatedAtGiven {
		a.CreatedAt = now.UTC().Round(0) // drops the monotonic clock, which is not the alert's
	}
	if !p.AlertIDGiven {
		a.AlertID = newAlertID()
	}
	if !p.LinkGiven {
		a.Link = link(a.AlertID)
	}
}

// NewAlertID returns 32 random lower-case hex digits, the form of the seeds'
// example.
func NewAlertID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(id[:])
}

// unique keeps the first of equal entries. The lists are short.
func unique(list []string) []string {
	if len(list) == 0 {
		return list
	}
	kept := list[:0]
	for _, entry := range list {
		if !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return kept
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
