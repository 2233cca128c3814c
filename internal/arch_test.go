// Package internal holds no code of its own. Its test keeps the packages of this
// program pointing the same way.
package internal

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "belfry/"

// allowed names, for each package, the packages of ours it may import. A line is
// added here only together with a reason in ARCHITECTURE.md.
var allowed = map[string][]string{
	"internal/invalid":     {},
	"internal/alert":       {"internal/invalid"},
	"internal/masking":     {},
	"internal/outbound":    {"internal/masking"},
	"internal/inbound":     {},
	"internal/secret":      {},
	"internal/devpg":       {},
	"internal/spelling":    {},
	"internal/batch":       {},
	"internal/sampler":     {},
	"internal/apidocs":     {},
	"internal/destination": {"internal/alert", "internal/invalid", "internal/outbound", "internal/spelling"},
	"internal/testchat":    {"internal/destination", "internal/outbound"}, // in no binary that is shipped
	"internal/delivery":    {"internal/alert", "internal/destination", "internal/outbound"},
	"internal/limiter":     {"internal/destination"},
	"internal/access":      {"internal/secret", "internal/spelling"},
	"internal/postgres": {
		"internal/alert", "internal/delivery", "internal/destination", "internal/outbound", "internal/access", "internal/secret",
	},
	"internal/live":    {"internal/delivery", "internal/postgres"},
	"internal/cluster": {"internal/postgres"},
	"internal/dispatch": {
		"internal/alert", "internal/invalid", "internal/outbound", "internal/secret", "internal/destination", "internal/delivery",
		"internal/limiter", "internal/access", "internal/postgres", "internal/batch", "internal/live", "internal/cluster",
		"internal/sampler",
	},
	"internal/api": {
		"", "internal/alert", "internal/invalid", "internal/outbound", "internal/secret", "internal/destination", "internal/delivery",
		"internal/access", "internal/apidocs", "internal/postgres", "internal/live", "internal/dispatch", "internal/inbound", "internal/spelling",
		"internal/sampler", "web",
	},
	"internal/pgtest": {"internal/devpg", "internal/postgres", "internal/secret", "migrations"},
	"migrations":      {},
	"web":             {},
	"":                {}, // openapi.yaml, embedded
}

// only names the packages that may import a library, itself or what lies below
// it, so that SQL, HTTP and the queue each stay in one place.
var only = map[string][]string{
	"github.com/jackc/pgx/v5":     {"internal/postgres", "internal/pgtest", "internal/devpg", "migrations", "internal/dispatch"},
	"github.com/labstack/echo/v4": {"internal/api"},
	"github.com/riverqueue/river": {"internal/dispatch", "migrations"},
	"github.com/pressly/goose/v3": {"migrations"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "belfry/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(fields[0], "belfry"), "/")
		if pkg == "internal" || strings.HasPrefix(pkg, "cmd/") {
			continue // cmd wires everything
		}
		may, ok := allowed[pkg]
		if !ok {
			t.Errorf("%s is a new package: say in allowed what it may import", pkg)
		}
		for _, imp := range fields[1:] {
			if ours, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s must not import %s", pkg, ours)
			}
			for lib, owners := range only {
				if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !slices.Contains(owners, pkg) {
					t.Errorf("%s must not import %s: only %v may", pkg, imp, owners)
				}
			}
		}
	}
}

// TestCommandsLeaveLibrariesAlone holds cmd to the same: it wires packages of
// ours and speaks to no database or queue itself. cmd/bench does: it measures
// what the database and the queue can do without Belfry, and fills and reads the
// tables past it.
func TestCommandsLeaveLibrariesAlone(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "belfry/cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(fields[0], module+"cmd/bench") {
			continue
		}
		for _, imp := range fields[1:] {
			for lib := range only {
				if imp == lib || strings.HasPrefix(imp, lib+"/") {
					t.Errorf("%s must not import %s", fields[0], imp)
				}
			}
		}
	}
}

// TestEchoBelievesNoHeader keeps us off what Echo 4 decides by headers that anybody
// can send (GO-2026-6872, GO-2026-6875, neither mended in 4): a client's address comes
// from inbound, a method and a scheme from the request itself.
func TestEchoBelievesNoHeader(t *testing.T) {
	t.Parallel()
	const believing = `\.Scheme\(\)|middleware\.(Proxy|RateLimiter|MethodOverride|Secure|Static|Rewrite)|ExtractIPFrom`
	if found, err := exec.Command("grep", "-rnE", "--include=*.go", believing, "api").Output(); err == nil {
		t.Errorf("this believes headers of the caller's:\n%s", found)
	}
}

// TestOneClient keeps everything that speaks HTTP to the outside in one place:
// there, addresses are checked and secrets masked.
func TestOneClient(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`, "belfry/internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(out)) {
		if strings.Contains(file, "/internal/outbound/") || strings.Contains(file, "/internal/pgtest/") { // the latter is of tests alone
			continue
		}
		if found, err := exec.Command("grep", "-nE", `http\.(Client|DefaultClient|Get|Post|Head|Transport)\b|net\.Dial`, file).Output(); err == nil {
			t.Errorf("%s speaks to the network itself: %s", file, found)
		}
	}
}
