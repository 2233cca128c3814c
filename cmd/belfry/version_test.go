package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

// What the linker set comes before what the Go command knows, each fact by itself.
func TestBuildCompleted(t *testing.T) {
	t.Parallel()
	info := func(version, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.time", Value: "2026-11-30T09:00:00Z"}, {Key: "vcs.modified", Value: modified},
		}}
	}
	for name, tt := range map[string]struct {
		linked build
		info   *debug.BuildInfo
		want   build
	}{
		"nothing is known":        {build{}, &debug.BuildInfo{}, build{Version: "dev"}},
		"built in a repository":   {build{}, info("(devel)", "false"), build{"dev", "0123abc", "2026-11-30T09:00:00Z"}},
		"a release":               {build{}, info("v1.2.3", "false"), build{"v1.2.3", "0123abc", "2026-11-30T09:00:00Z"}},
		"files had been changed":  {build{}, info("(devel)", "true"), build{"dev", "0123abc-dirty", "2026-11-30T09:00:00Z"}},
		"the linker knew all":     {build{"1.2.3", "fed", "today"}, info("v0.0.1", "true"), build{"1.2.3", "fed", "today"}},
		"it knew the version":     {build{Version: "1.2.3"}, info("v0.0.1", "false"), build{"1.2.3", "0123abc", "2026-11-30T09:00:00Z"}},
		"built in an empty image": {build{Version: "1.2.3", Date: "today"}, &debug.BuildInfo{}, build{Version: "1.2.3", Date: "today"}},
	} {
		if got := tt.linked.completed(tt.info); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
	if said := (build{Version: "1.2.3", Date: "today"}).String(); !strings.HasPrefix(said, "belfry 1.2.3, commit unknown, built today with go1.") {
		t.Errorf("it says %q", said)
	}
}

// What make and the Dockerfile hand to the linker reaches the program. Nothing runs
// beside this test, because these are variables of the program.
func TestLinkedVersion(t *testing.T) {
	before := [3]string{version, buildCommit, buildDate}
	t.Cleanup(func() { version, buildCommit, buildDate = before[0], before[1], before[2] })
	version, buildCommit, buildDate = "1.2.3", "0123abc", "2026-11-30T09:00:00Z"
	if got, want := thisBuild(), (build{"1.2.3", "0123abc", "2026-11-30T09:00:00Z"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
