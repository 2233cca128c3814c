package report

import "testing"

func TestFilesystemOf(t *testing.T) {
	t.Parallel()
	const mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/data xfs rw 0 0\n"
	for dir, want := range map[string]string{
		"/var/lib": "ext4", "/tmp": "tmpfs", "/tmp/x": "tmpfs", "/tmp/data/x": "xfs", "/tmp/database": "tmpfs", "/tmpx": "ext4",
	} {
		if got := filesystemOf(mounts, dir); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
}
