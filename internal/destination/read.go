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
// invalid.FieldErrors that names every wrong field.
func Read(raw []byte) (Destination, error) {
	f, err := invalid.NewReader(raw, "displayName", "type", "severities", "alertTypes", "logTypes", "limits", "responseStorage", "settings")
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
	return d, f.Errors.Err()
}

// Patch returns d changed by a request body: what is absent is kept, null
// clears. The type of a destination never changes.
func (d Destination) Patch(raw []byte) (Destination, error) {
	f, err := invalid.NewReader(raw, "displayName", "formerNames", "type", "severities", "alertTypes", "logTypes", "limits", "responseStorage", "settings")
	if err != nil {
		return d, err
	}
	d.patchNames(f)
	d.readFilters(f)
	d.readLimits(f)
	d.readStorage(f)
	d.patchSettings(f)
	return d, f.Errors.Err()
}

// GivesSettings reports whether a body that Patch takes has settings.
func GivesSettings(raw []byte) bool {
	f, err := invalid.NewReader(raw)
	return err == nil && f.Has("settings")
}

// ReadSettings returns a destination that has only a type and settings, to try
// them before there is one. Either is nil when the request has none. The errors
// name fields as in a body with type and settings.
func ReadSettings(typ, settings json.RawMessage) (Destination, invalid.FieldErrors) {
	var d Destination
	f := newSettingsFields(typ, settings)
	d.readType(f)
	d.readSettings(f)
	return d, f.Errors
}

// PatchSettings is ReadSettings for a change of a destination, to try that before
// it is saved: what Patch would make of the same type and settings.
func (d Destination) PatchSettings(typ, settings json.RawMessage) (Destination, invalid.FieldErrors) {
	f := newSettingsFields(typ, settings)
	d.patchSettings(f)
	return d, f.Errors
}

func newSettingsFields(typ, settings json.RawMessage) *invalid.Reader {
	f := &invalid.Reader{Body: invalid.Body{}}
	for name, raw := range map[string]json.RawMessage{"type": typ, "settings": settings} {
		if len(raw) > 0 {
			f.Body[name] = raw
		}
	}
	return f
}

// patchSettings changes what the request gives of the settings. The type only
// has to be the one that it is.
func (d *Destination) patchSettings(f *invalid.Reader) {
	if f.Has("type") && f.Text("type") != d.Type && !f.IsWrong("type") {
		f.Wrong("type", invalid.CodeConflict, "cannot be changed; create another destination")
	}
	if !f.Has("settings") {
		return
	}
	if _, known := types[d.Type]; !known {
		f.Wrong("settings", invalid.CodeConflict, "cannot be changed: this version does not know the destination's type")
	}
	d.readSettings(f)
}

func (d *Destination) readType(f *invalid.Reader) {
	d.Type = f.Text("type")
	switch _, known := types[d.Type]; {
	case f.IsWrong("type"):
	case d.Type == "":
		f.Wrong("type", invalid.CodeRequired, "is required")
	case !known:
		f.Wrong("type", invalid.CodeEnum, "must be one of "+strings.Join(typeNames(), ", "))
	}
}

func (d *Destination) readName(f *invalid.Reader) {
	name := strings.TrimSpace(f.Text("displayName"))
	d.DisplayName = name
	_, notID := uuid.Parse(name)
	misspelt := spelling.Check(name)
	switch n := utf8.RuneCountInString(name); {
	case f.IsWrong("displayName"):
	case n == 0:
		f.Wrong("displayName", invalid.CodeRequired, "is required")
	case n > maxDisplayName:
		f.Wrong("displayName", invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", maxDisplayName))
	case misspelt != nil && misspelt.Control:
		f.Wrong("displayName", invalid.CodeControlCharacter, misspelt.Error())
	case misspelt != nil:
		f.Wrong("displayName", invalid.CodeFormat, misspelt.Error())
	case NameKey(name) == NameKey("SKIP"):
		f.Wrong("displayName", invalid.CodeFormat, "must not be SKIP, which in an alert's destinations means none of them")
	case notID == nil:
		f.Wrong("displayName", invalid.CodeFormat, "must not have the form of an id")
	}
}

// readFilters replaces the filters that the request gives; null clears one to
// what it is when a destination is created without it.
func (d *Destination) readFilters(f *invalid.Reader) {
	if list, ok := f.List("severities"); ok {
		d.Severities = enum(f, "severities", list, alert.Severities())
	}
	if list, ok := f.List("alertTypes"); ok {
		switch {
		case list == nil:
			d.AlertTypes = alert.Types()
		case len(list) == 0:
			f.Wrong("alertTypes", invalid.CodeRequired, "must name at least one type; leave it out for all")
		default:
			d.AlertTypes = enum(f, "alertTypes", list, alert.Types())
		}
	}
	if list, ok := f.List("logTypes"); ok {
		d.LogTypes = readLogTypes(f, list)
	}
}

// enum checks each value and returns them once each, in the order of allowed.
func enum[T ~string](f *invalid.Reader, field string, list []string, allowed []T) []T {
	for i, v := range list {
		if !slices.Contains(allowed, T(v)) {
			f.Wrong(fmt.Sprintf("%s[%d]", field, i), invalid.CodeEnum, fmt.Sprintf("must be one of %s", join(allowed)))
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

func readLogTypes(f *invalid.Reader, list []string) []string {
	if len(list) > maxLogTypes {
		f.Wrong("logTypes", invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxLogTypes))
		return nil
	}
	got := []string{}
	for i, v := range list {
		field := fmt.Sprintf("logTypes[%d]", i)
		switch {
		case strings.TrimSpace(v) == "":
			f.Wrong(field, invalid.CodeRequired, "must not be empty")
		case utf8.RuneCountInString(v) > maxLogType:
			f.Wrong(field, invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", maxLogType))
		case strings.ContainsFunc(v, unicode.IsControl):
			f.Wrong(field, invalid.CodeControlCharacter, "must not contain control characters")
		case !slices.Contains(got, v):
			got = append(got, v)
		}
	}
	return got
}

// readSettings reads the settings of a known type. What those of an unknown one
// must be, nobody can tell.
func (d *Destination) readSettings(f *invalid.Reader) {
	t, known := types[d.Type]
	switch {
	case f.IsNull("settings"):
		f.Wrong("settings", invalid.CodeRequired, "is required")
		return
	case !known:
		return
	}
	settings, wrong := t.read(f.Body["settings"], d.Settings)
	for _, e := range wrong {
		f.Wrong("settings"+prefixed(e.Field), e.Code, e.Message)
	}
	d.Settings = settings
}

func prefixed(field string) string {
	if field == "" || strings.HasPrefix(field, "[") {
		return field
	}
	return "." + field
}
