package destination

import (
	"fmt"
	"slices"
	"strings"

	"belfry/internal/invalid"
	"belfry/internal/spelling"
)

// maxFormerNames is how many names of before may still reach a destination: a
// program that renames it each time must not make them endless.
const maxFormerNames = 100

// patchNames changes the name, and takes away former names. The name that the
// destination had goes on reaching it as a former one.
func (d *Destination) patchNames(f *invalid.Reader) {
	if list, ok := f.List("formerNames"); ok {
		d.patchFormerNames(f, list)
	}
	if !f.Has("displayName") {
		return
	}
	was := d.DisplayName
	if strings.TrimSpace(f.Text("displayName")) == was && !f.IsWrong("displayName") {
		return // it stays, even if it could not be given any more
	}
	d.readName(f)
	if f.IsWrong("displayName") || NameKey(was) == NameKey(d.DisplayName) {
		return
	}
	if len(d.FormerNames) >= maxFormerNames {
		f.Wrong("displayName", invalid.CodeTooMany, fmt.Sprintf("must stay: this destination has %d former names; take away some of them first", maxFormerNames))
		return
	}
	d.FormerNames = slices.DeleteFunc(slices.Clone(d.FormerNames), func(former string) bool { return NameKey(former) == NameKey(d.DisplayName) })
	d.FormerNames = append(d.FormerNames, was)
}

// patchFormerNames keeps those former names that a request lists. One that the
// destination never had cannot be given to it.
func (d *Destination) patchFormerNames(f *invalid.Reader, list []string) {
	kept := map[string]bool{}
	for i, name := range list {
		known := func(former string) bool { return NameKey(former) == NameKey(name) }
		if !slices.ContainsFunc(d.FormerNames, known) {
			f.Wrong(fmt.Sprintf("formerNames[%d]", i), invalid.CodeConflict, "must be one of its former names: they can be taken away, not added")
		}
		kept[NameKey(name)] = true
	}
	d.FormerNames = slices.DeleteFunc(slices.Clone(d.FormerNames), func(former string) bool { return !kept[NameKey(former)] })
}

// LookAlike reports whether two display names look like one another to people.
func LookAlike(a, b string) bool { return spelling.Alike(a, b) }
