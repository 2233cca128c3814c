package alert

import (
	"encoding/json"
	"reflect"
	"testing"
)

// Every field that can hold text counts: what is left out could fill the memory.
func TestSizeCountsEveryText(t *testing.T) {
	t.Parallel()
	text := "0123456789"
	empty := Alert{}.Size()
	for i := range reflect.TypeFor[Alert]().NumField() {
		if !reflect.TypeFor[Alert]().Field(i).IsExported() {
			continue
		}
		var a Alert
		field := reflect.ValueOf(&a).Elem().Field(i)
		name := reflect.TypeFor[Alert]().Field(i).Name
		switch value := field.Addr().Interface().(type) {
		case *string:
			*value = text
		case *[]string:
			*value = []string{text}
		case **[]string:
			*value = &[]string{text}
		case *json.RawMessage:
			*value = json.RawMessage(text)
		default:
			continue // of a fixed size, or a word of a closed set
		}
		if got := a.Size() - empty; got < len(text) {
			t.Errorf("%s: counts as %d bytes, want %d at least", name, got, len(text))
		}
	}
}
