package destination

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/invalid"
	"belfry/internal/spelling"
)

const (
	maxDisplayName = 100
	maxLogTypes    = 100
	maxLogType     = 256
)

// Read builds a new destination from a request body. The caller gives it its
// id, times and signing secret. The error is an invalid.Malformed or an
// invalid.Fields that names every wrong field.
func Read(raw []byte) (Destination, error) {
	f, err := readBody(raw, "displayName", "type", "severities", "alertTypes", "logTypes", "limits", "responseStorage", "settings")
	if err != nil {
		return Destination{}, err
	}
	d := Destination{
		State:      Active,
		Severities: []alert.Severity{},
		AlertTypes: alert.Types(),
		LogTypes:   []string{},
		Limits:     DefaultLimits(),

		ResponseStorage: StoreFull,
		Version:         1,
	}
	d.readName(f)
	d.readFilters(f)
	d.readLimits(f)
	d.readStorage(f)
	d.readType(f)
	d.readSettings(f)
	return d, f.found.Err()
}

// Patch returns d changed by a request body: what is absent is kept, null
// clears. The type of a destination never changes.
func (d Destination) Patch(raw []byte) (Destination, error) {
	f, err := readBody(raw, "displayName", "formerNames", "type", "severities", "alertTypes", "logTypes", "limits", "responseStorage", "settings")
	if err != nil {
		return d, err
	}
	d.patchNames(f)
	d.readFilters(f)
	d.readLimits(f)
	d.readStorage(f)
	d.patchSettings(f)
	return d, f.found.Err()
}

// GivesSettings reports whether a body that Patch takes has settings.
func GivesSettings(raw []byte) bool {
	f, err := readBody(raw)
	return err == nil && f.has("settings")
}

// ReadSettings returns a destination that has only a type and settings, to try
// them before there is one. Either is nil when the request has none. The errors
// name fields as in a body with type and settings.
func ReadSettings(typ, settings json.RawMessage) (Destination, invalid.Fields) {
	var d Destination
	f := newSettingsFields(typ, settings)
	d.readType(f)
	d.readSettings(f)
	return d, f.found
}

// PatchSettings is ReadSettings for a change of a destination, to try that before
// it is saved: what Patch would make of the same type and settings.
func (d Destination) PatchSettings(typ, settings json.RawMessage) (Destination, invalid.Fields) {
	f := newSettingsFields(typ, settings)
	d.patchSettings(f)
	return d, f.found
}

func newSettingsFields(typ, settings json.RawMessage) *fields {
	f := &fields{raw: invalid.Body{}}
	for name, raw := range map[string]json.RawMessage{"type": typ, "settings": settings} {
		if len(raw) > 0 {
			f.raw[name] = raw
		}
	}
	return f
}

// patchSettings changes what the request gives of the settings. The type only
// has to be the one that it is.
func (d *Destination) patchSettings(f *fields) {
	if f.has("type") && f.text("type") != d.Type && !f.isWrong("type") {
		f.wrong("type", invalid.CodeConflict, "cannot be changed; create another destination")
	}
	if !f.has("settings") {
		return
	}
	if _, known := types[d.Type]; !known {
		f.wrong("settings", invalid.CodeConflict, "cannot be changed: this version does not know the destination's type")
	}
	d.readSettings(f)
}

func (d *Destination) readType(f *fields) {
	d.Type = f.text("type")
	switch _, known := types[d.Type]; {
	case f.isWrong("type"):
	case d.Type == "":
		f.wrong("type", invalid.CodeRequired, "is required")
	case !known:
		f.wrong("type", invalid.CodeEnum, "must be one of "+strings.Join(typeNames(), ", "))
	}
}

func (d *Destination) readName(f *fields) {
	name := strings.TrimSpace(f.text("displayName"))
	d.DisplayName = name
	_, notID := uuid.Parse(name)
	flaw := spelling.Check(name)
	switch n := utf8.RuneCountInString(name); {
	case f.isWrong("displayName"):
	case n == 0:
		f.wrong("displayName", invalid.CodeRequired, "is required")
	case n > maxDisplayName:
		f.wrong("displayName", invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", maxDisplayName))
	case flaw != nil && flaw.Control:
		f.wrong("displayName", invalid.CodeControlCharacter, flaw.Error())
	case flaw != nil:
		f.wrong("displayName", invalid.CodeFormat, flaw.Error())
	case NameKey(name) == NameKey("SKIP"):
		f.wrong("displayName", invalid.CodeFormat, "must not be SKIP, which in an alert's destinations means nowhere")
	case notID == nil:
		f.wrong("displayName", invalid.CodeFormat, "must not have the form of an id")
	}
}

// readFilters replaces the filters that the request gives; null clears one to
// what it is when a destination is created without it.
func (d *Destination) readFilters(f *fields) {
	if list, ok := f.list("severities"); ok {
		d.Severities = enum(f, "severities", list, alert.Severities())
	}
	if list, ok := f.list("alertTypes"); ok {
		switch {
		case list == nil:
			d.AlertTypes = alert.Types()
		case len(list) == 0:
			f.wrong("alertTypes", invalid.CodeRequired, "must name at least one type; leave it out for all")
		default:
			d.AlertTypes = enum(f, "alertTypes", list, alert.Types())
		}
	}
	if list, ok := f.list("logTypes"); ok {
		d.LogTypes = readLogTypes(f, list)
	}
}

// enum checks each value and returns them once each, in the order of allowed.
func enum[T ~string](f *fields, field string, list []string, allowed []T) []T {
	for i, v := range list {
		if !slices.Contains(allowed, T(v)) {
			f.wrong(fmt.Sprintf("%s[%d]", field, i), invalid.CodeEnum, fmt.Sprintf("must be one of %s", join(allowed)))
		}
	}
	got := []T{}
	for _, v := range allowed {
		if slices.Contains(list, string(v)) {
			got = append(got, v)
		}
	}
	return got
}

func join[T ~string](list []T) string {
	var texts []string
	for _, v := range list {
		texts = append(texts, string(v))
	}
	return strings.Join(texts, ", ")
}

func readLogTypes(f *fields, list []string) []string {
	if len(list) > maxLogTypes {
		f.wrong("logTypes", invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxLogTypes))
		return nil
	}
	got := []string{}
	for i, v := range list {
		field := fmt.Sprintf("logTypes[%d]", i)
		switch {
		case strings.TrimSpace(v) == "":
			f.wrong(field, invalid.CodeRequired, "must not be empty")
		case utf8.RuneCountInString(v) > maxLogType:
			f.wrong(field, invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", maxLogType))
		case strings.ContainsFunc(v, unicode.IsControl):
			f.wrong(field, invalid.CodeControlCharacter, "must not contain control characters")
		case !slices.Contains(got, v):
			got = append(got, v)
		}
	}
	return got
}

// readSettings reads the settings of a known type. What those of an unknown one
// must be, nobody can tell.
func (d *Destination) readSettings(f *fields) {
	t, known := types[d.Type]
	switch {
	case f.isNull("settings"):
		f.wrong("settings", invalid.CodeRequired, "is required")
		return
	case !known:
		return
	}
	settings, wrong := t.read(f.raw["settings"], d.Settings)
	for _, e := range wrong {
		f.wrong("settings"+prefixed(e.Field), e.Code, e.Message)
	}
	d.Settings = settings
}

func prefixed(field string) string {
	if field == "" || strings.HasPrefix(field, "[") {
		return field
	}
	return "." + field
}
