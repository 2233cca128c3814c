//go:build linux && real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"belfry/internal/devpg"
)

// standby makes a streaming replica of a running Postgres with pg_basebackup, and starts
// it. It copies and follows the primary through a proxy that the test can cut. server must
// be the primary of dir; replicaDir is another directory.
func standby(t *testing.T, server *devpg.Server, dir, replicaDir string, proxy *databaseProxy) *devpg.Server {
	t.Helper()
	data, err := filepath.Glob(filepath.Join(dir, "pg", "pg[0-9]*"))
	if err != nil || len(data) != 1 {
		t.Fatalf("%v %v", data, err)
	}
	info, err := os.Stat(data[0])
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t) // Postgres runs as this user, and so must the copy
	root := filepath.Join(replicaDir, "pg")
	copied := filepath.Join(root, filepath.Base(data[0]))
	if err := os.Mkdir(root, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(copied, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(copied, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(postgresProgram(t, server, "pg_basebackup"), "--pgdata", copied, "--dbname", proxy.url,
		"--checkpoint", "fast", "--wal-method", "stream", "--write-recovery-conf", "--no-sync")
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, said)
	}
	return ownPostgres(t, replicaDir)
}

// postgresProgram finds a program that is of the server's major version, where Debian
// installs it.
func postgresProgram(t *testing.T, server *devpg.Server, name string) string {
	t.Helper()
	major, _, _ := strings.Cut(server.Version(), ".")
	path := filepath.Join("/usr/lib/postgresql", major, "bin", name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("make test-real installs what this test needs: %v", err)
	}
	return path
}

// redirect has new connections go to another database. What was connected ends.
func (p *databaseProxy) redirect(t *testing.T, databaseURL string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.target[0], p.target[1] = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	p.mu.Unlock()
	p.mend()
}
