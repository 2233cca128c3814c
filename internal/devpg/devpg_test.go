package devpg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := mustStart(t, dir)
	if got := query(t, s, "SELECT lo_from_bytea(4711, 'kept')::text"); got != "4711" {
		t.Fatalf("stored large object %s", got)
	}
	mustStop(t, s)
	select {
	case <-s.Exited():
	default:
		t.Error("Stop returned before the server had ended")
	}
	mustStop(t, s) // again, which changes nothing

	s = mustStart(t, dir)
	if got := query(t, s, "SELECT convert_from(lo_get(4711), 'UTF8')"); got != "kept" {
		t.Errorf("after a restart: got %q, want %q", got, "kept")
	}
}

// The parts share a server, as each would otherwise make a cluster of its own.
func TestRunningServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := mustStart(t, dir)
	t.Run("runs as asked", func(t *testing.T) { checkSettings(t, s) })
	t.Run("keeps others out of its directory", func(t *testing.T) {
		_, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
		if !errors.Is(err, errInUse) || !strings.Contains(err.Error(), dir) {
			t.Errorf("got error %v, want %v naming %s", err, errInUse, dir)
		}
		query(t, s, "SELECT 'the first still answers'")
	})
	t.Run("is seen to work in its directory", func(t *testing.T) {
		if !serves(s.process.cmd.Process.Pid, s.cluster.data) {
			t.Error("got a server that does not serve its data")
		}
		if abandoned(s.cluster.data) {
			t.Error("got data that no server works in")
		}
	})
}

func checkSettings(t *testing.T, s *Server) {
	for setting, want := range map[string]string{
		"server_version":   s.Version(),
		"listen_addresses": "",
		"timezone":         "UTC",
		"fsync":            "off",
		"server_encoding":  "UTF8",
		"lc_messages":      "C",
		"shared_buffers":   "128MB",
	} {
		got := query(t, s, "SHOW "+setting)
		if setting == "server_version" {
			got, _, _ = strings.Cut(got, " ") // Debian adds its own to it
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", setting, got, want)
		}
	}
	const sql = `
		SELECT current_user || ' ' || datcollate
		FROM pg_database
		WHERE datname = current_database()`
	if got, want := query(t, s, sql), "belfry C"; got != want {
		t.Errorf("user and collation: got %q, want %q", got, want)
	}
}

func TestDataOfAnotherVersionIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	data := filepath.Join(dir, "pg9999")
	version := filepath.Join(data, "PG_VERSION")
	write(t, version, "9999\n")
	_, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
	if err == nil || !strings.Contains(err.Error(), data+" needs PostgreSQL 9999") {
		t.Errorf("got error %v, want one that says what %s needs", err, data)
	}
	if got, err := os.ReadFile(version); err != nil || string(got) != "9999\n" {
		t.Errorf("PG_VERSION is %q, %v", got, err)
	}
	others, err := filepath.Glob(filepath.Join(dir, "pg*"))
	if err != nil || len(others) != 1 {
		t.Errorf("the directory holds %q, %v; want only %s", others, err, data)
	}
}

func TestHalfMadeDataDirectoryIsReplaced(t *testing.T) {
	t.Parallel()
	bin, err := testFinder(t, "").find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What a crash in initdb leaves: some of the files, under the other name.
	dir := newDir(t)
	half := filepath.Join(dir, "pg"+bin.major+".init")
	write(t, filepath.Join(half, "PG_VERSION"), bin.major+"\n")
	write(t, filepath.Join(half, "global", "1262"), "")
	query(t, mustStart(t, dir), "SELECT 'answers'")
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made directory is still there: %v", err)
	}
}

func TestDirectoryThatHoldsSomethingElseIsKept(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	kept := filepath.Join(dir, "pg9001", "letters.txt")
	write(t, kept, "dear")
	_, err := Start(t.Context(), Options{Dir: dir, Bin: fakeBinaries(t, "postgres (PostgreSQL) 9001.1")})
	if err == nil || !strings.Contains(err.Error(), "it was left alone") {
		t.Errorf("got error %v, want one that says the directory was left alone", err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

func TestFailedStartShowsTheLog(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	write(t, filepath.Join(dir, "pg9001", "PG_VERSION"), "9001\n")
	const said = "postgres (PostgreSQL) 9001.1" // to everything, and then it ends
	_, err := Start(t.Context(), Options{Dir: dir, Bin: fakeBinaries(t, said)})
	if err == nil || !strings.Contains(err.Error(), "postgres.log:\n"+said) {
		t.Errorf("got error %v, want what postgres wrote in it", err)
	}
	second, err := Start(t.Context(), Options{Dir: dir, Bin: "/nowhere"})
	if err == nil || errors.Is(err, errInUse) {
		t.Errorf("got %v, %v; want a failed start to have released the directory", second, err)
	}
}

func TestAwkwardDirectories(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"too long for a socket": strings.Repeat("long/", 60),
		"quoting":               `it's 50%\x of a klöppel `,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustStart(t, filepath.Join(newDir(t), dir))
			query(t, s, "SELECT 'answers'")
			mustStop(t, s)
			_, err := os.Stat(s.cluster.socket)
			if outside := filepath.Dir(s.cluster.socket) != s.cluster.root; outside && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left behind: %v", s.cluster.socket, err)
			}
		})
	}
}
