package devpg

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

type entry struct {
	name, content, link string
	kind                byte
	mode                int64
}

func tarball(t *testing.T, entries ...entry) *bytes.Buffer {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	archive := tar.NewWriter(zip)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: e.mode, Typeflag: e.kind, Linkname: e.link}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func file(name, content string) entry {
	return entry{name: name, content: content, kind: tar.TypeReg, mode: 0o644}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	program := file("package/native/bin/postgres", "program")
	program.mode = 0o744
	err := unpack(tarball(t, program,
		file("package/native/lib/libx.so.1.2", "library"),
		file("package/native/pg-symlinks.json",
			`[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]`)), dir)
	if err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "native/lib/libx.so.1")); err != nil || to != "libx.so.1.2" {
		t.Errorf("link to %q, %v; want libx.so.1.2", to, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "native/lib/libx.so.1")); err != nil || string(got) != "library" {
		t.Errorf("through the link: got %q, %v", got, err)
	}
	for name, want := range map[string]os.FileMode{"native/bin/postgres": 0o755, "native/lib/libx.so.1.2": 0o644, "native/bin": 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got mode %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestUnpackRefusesToLeaveTheDirectory(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]entry{
		"up":             {file("package/../../escaped", "x")},
		"absolute":       {file("/escaped", "x")},
		"absolute below": {file("package//escaped", "x"), file("package//../../escaped", "x")},
		"beside":         {file("escaped", "x")},
		"symbolic link":  {{name: "package/a", link: "/", kind: tar.TypeSymlink}},
		"hard link":      {{name: "package/a", link: "/etc/passwd", kind: tar.TypeLink}},
		"twice":          {file("package/a", "x"), file("package/a", "y")},
		"listed link away": {
			file("package/a", "x"),
			file("package/native/pg-symlinks.json", `[{"source":"a","target":"../escaped"}]`),
		},
		"listed link to elsewhere": {
			file("package/native/pg-symlinks.json", `[{"source":"../../escaped","target":"a"}]`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			if err := unpack(tarball(t, entries...), filepath.Join(base, "in", "..", "out")); err == nil {
				t.Error("got no error")
			}
			escaped, err := filepath.Glob(filepath.Join(base, "*escaped*"))
			if err != nil || escaped != nil {
				t.Errorf("written outside: %q, %v", escaped, err)
			}
		})
	}
}
