package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/delivery"
)

// The contract names the reasons that there are, and says of each which status it is for.
func TestContractHasEveryReason(t *testing.T) {
	t.Parallel()
	schema := loadContract(t).Components.Schemas["DeliveryReason"].Value
	var want []string
	for _, status := range delivery.Statuses() {
		for _, reason := range delivery.Reasons(status) {
			want = append(want, string(reason))
			if line := fmt.Sprintf("- `%s` (%s): ", reason, status); !strings.Contains(schema.Description, line) {
				t.Errorf("DeliveryReason does not say what %s means: its description lacks %q", reason, line)
			}
		}
	}
	var got []string
	for _, v := range schema.Enum {
		got = append(got, fmt.Sprint(v))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the contract has other reasons than internal/delivery (-delivery +contract):\n%s", diff)
	}
}
