package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What keeps the engine readable.
const (
	maxMethods   = 30  // of one type
	maxFunction  = 60  // lines
	maxFileLines = 500 // tests too
)

// engine names the packages whose types are held to these. The API's
// server has one method for each operation and the store one for each statement:
// those are tables, and not tangles.
var engine = []string{"dispatch", "limiter", "batch", "live", "cluster"}

// tooLarge has what is larger than it may be, and how large. The list may only get
// shorter, and the numbers smaller.
var tooLarge = map[string]int{}

// TestTypesAndFunctionsStaySmall counts the methods of each type of the engine, and
// the lines of every function that is no test.
func TestTypesAndFunctionsStaySmall(t *testing.T) {
	t.Parallel()
	methods := map[string]int{}
	eachFile(t, func(path, text string) {
		pkg := filepath.Base(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if f.Recv != nil && slices.Contains(engine, pkg) {
				methods[pkg+"."+receiver(f)]++
			}
			lines := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
			within(t, pkg+"."+receiver(f)+"."+f.Name.Name, "lines", lines, maxFunction)
		}
	})
	for _, pkg := range engine {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(methods)), func(name string) bool { return strings.HasPrefix(name, pkg+".") }) {
			t.Errorf("no methods of %s were counted", pkg)
		}
	}
	for name, n := range methods {
		within(t, name, "methods", n, maxMethods)
	}
}

// receiver is the name of the type that a method is of, "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	for {
		switch of := typ.(type) {
		case *ast.StarExpr:
			typ = of.X
		case *ast.IndexExpr: // of a generic type
			typ = of.X
		case *ast.IndexListExpr:
			typ = of.X
		case *ast.Ident:
			return of.Name
		default:
			return "?"
		}
	}
}

// within checks a count against its limit, or against what is known to be too large.
func within(t *testing.T, name, what string, n, limit int) {
	t.Helper()
	known, listed := tooLarge[name]
	switch {
	case n > max(limit, known):
		t.Errorf("%s has %d %s, at most %d may be", name, n, what, max(limit, known))
	case listed && n <= limit:
		t.Errorf("%s has %d %s now: take it off the list", name, n, what)
	}
}

// generated is how a file says that nobody writes it.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// TestFilesStayShort holds all files to a length that is read at one sitting.
func TestFilesStayShort(t *testing.T) {
	t.Parallel()
	eachFile(t, func(path, text string) {
		within(t, filepath.ToSlash(path), "lines", strings.Count(text, "\n"), maxFileLines)
	})
}

// eachFile calls fn for each Go file of the module that somebody writes.
func eachFile(t *testing.T, fn func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "dist"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && !generated.Match(text) {
			fn(path, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
