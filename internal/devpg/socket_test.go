package devpg

import (
	"strings"
	"testing"
)

func TestUsableSocketDirectories(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]bool{
		"/var/lib/belfry/run":              true,
		"/home/it's me/run":                true,
		"/one,two/run":                     false,
		`/a "place"/run`:                   false,
		"/" + strings.Repeat("long", 21):   true,
		"/" + strings.Repeat("longer", 15): false,
	} {
		if got := usable(dir); got != want {
			t.Errorf("usable(%s): got %v, want %v", dir, got, want)
		}
	}
}
