package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// These are set by the linker where a build knows more than the Go command does:
// in an image, which is built without a repository, and by make, for the tag.
var version, buildCommit, buildDate string

// build is what this program was built from.
type build struct {
	Version string // a release's, "dev" without one
	Commit  string // "" where nobody knows; ends in "-dirty" when files had been changed
	Date    string // RFC 3339; the commit's, so that two builds of it are the same
}

// thisBuild reads it from what the linker set and from the build info.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return build{Version: version, Commit: buildCommit, Date: buildDate}.completed(info)
}

// completed adds what only the build info knows.
func (b build) completed(info *debug.BuildInfo) build {
	if info.Main.Version != "(devel)" {
		b.Version = cmp.Or(b.Version, info.Main.Version)
	}
	b.Version = cmp.Or(b.Version, "dev")
	facts := map[string]string{}
	for _, s := range info.Settings {
		facts[s.Key] = s.Value
	}
	if b.Commit == "" && facts["vcs.revision"] != "" {
		b.Commit = facts["vcs.revision"]
		if facts["vcs.modified"] == "true" {
			b.Commit += "-dirty"
		}
	}
	b.Date = cmp.Or(b.Date, facts["vcs.time"])
	return b
}

// String says it in a line.
func (b build) String() string {
	return fmt.Sprintf("belfry %s, commit %s, built %s with %s for %s/%s",
		b.Version, cmp.Or(b.Commit, "unknown"), cmp.Or(b.Date, "at an unknown time"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

type versionCommand struct{}

// Run prints what this program was built from.
func (*versionCommand) Run(to streams) error {
	_, err := fmt.Fprintln(to.out, thisBuild())
	return err
}
