// Package compose reads docker-compose.yml as Docker Compose does, with the
// loader that it is made of: a file that the loader refuses never comes up.
package compose

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join("..", "..", "docker-compose.yml")},
		cli.WithEnv(env), cli.WithInterpolation(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestWhatCanBeSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                             string
		env                              []string
		port, publicURL, image, receiver string
	}{
		{"nothing", nil, "8080", "http://localhost:8080", "belfry:local", "10.213.81.10"},
		{"another port", []string{"BELFRY_PORT=9090"}, "9090", "http://localhost:9090", "belfry:local", "10.213.81.10"},
		{"two replicas", []string{"BELFRY_PORTS=8080-8081"}, "8080-8081", "http://localhost:8080", "belfry:local", "10.213.81.10"},
		{"a second copy", []string{"BELFRY_PORT=8090", "BELFRY_SUBNET=10.213.82"}, "8090", "http://localhost:8090", "belfry:local", "10.213.82.10"},
		{"a version, under a name", []string{"BELFRY_VERSION=1.2.3", "BELFRY_PUBLIC_URL=https://belfry.test"}, "8080", "https://belfry.test", "belfry:1.2.3", "10.213.81.10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := load(t, c.env...)
			belfry, receiver := p.Services["belfry"], p.Services["receiver"]
			got := []string{
				belfry.Ports[0].Published, *belfry.Environment["BELFRY_PUBLIC_URL"], belfry.Image, receiver.Networks["default"].Ipv4Address,
				*belfry.Environment["BELFRY_EGRESS_ALLOW"],
			}
			if want := []string{c.port, c.publicURL, c.image, c.receiver, c.receiver + "/32"}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if subnet := p.Networks["default"].Ipam.Config[0].Subnet; !strings.HasPrefix(c.receiver, strings.TrimSuffix(subnet, "0/24")) {
				t.Errorf("the receiver's address %s is not in %s", c.receiver, subnet)
			}
			if belfry.Ports[0].HostIP != "127.0.0.1" {
				t.Errorf("reachable on %q, want this machine only", belfry.Ports[0].HostIP)
			}
		})
	}
}

func TestEveryServiceIsBounded(t *testing.T) {
	t.Parallel()
	for name, s := range load(t).Services {
		if s.MemLimit == 0 || s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("%s has no limit of memory or of its log", name)
		}
	}
}

// What comes of the image runs as nobody in particular and writes nothing of its own
// but init, which makes the secrets; only then Belfry starts. Its name is free, so
// that there may be two, and it may finish what it is doing before it is killed.
func TestEveryServiceIsConfined(t *testing.T) {
	t.Parallel()
	p := load(t)
	for _, name := range []string{"init", "belfry", "receiver"} {
		s := p.Services[name]
		if s.User != "65532:65532" || !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
			t.Errorf("%s runs as %q, read-only %t, without %v, with %v", name, s.User, s.ReadOnly, s.CapDrop, s.SecurityOpt)
		}
		for _, v := range s.Volumes {
			if v.ReadOnly == (name == "init") {
				t.Errorf("%s has %s read-only: %t", name, v.Source, v.ReadOnly)
			}
		}
	}
	belfry := p.Services["belfry"]
	if belfry.DependsOn["init"].Condition != types.ServiceConditionCompletedSuccessfully || belfry.DependsOn["postgres"].Condition != types.ServiceConditionHealthy {
		t.Errorf("Belfry starts after %v", belfry.DependsOn)
	}
	if belfry.ContainerName != "" {
		t.Errorf("Belfry's container has the name %q", belfry.ContainerName)
	}
	const drain = 20 * time.Second // BELFRY_DRAIN_TIMEOUT
	if grace := belfry.StopGracePeriod; grace == nil || time.Duration(*grace) <= drain {
		t.Errorf("Belfry is killed after %v, while it may drain for %v", grace, drain)
	}
	if given := p.Networks["default"].Ipam.Config[0].IPRange; given != "10.213.81.128/25" {
		t.Errorf("others get addresses from %q, and may get the receiver's", given)
	}
}

// A variable that the file reads and the head of the file does not explain is a
// setting that nobody finds.
func TestEveryVariableIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(text), "\nname: ")
	for part := range strings.SplitSeq(body, "${") {
		name, _, ok := strings.Cut(part, ":-")
		build := name == "BELFRY_COMMIT" || name == "BELFRY_BUILD_DATE" // `make up` sets them
		if ok && !build && !strings.Contains(head, name) {
			t.Errorf("%s is not explained at the head of the file", name)
		}
	}
}
