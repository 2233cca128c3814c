package postgres_test

import (
	"regexp"
	"slices"
	"testing"

	"belfry/internal/delivery"
)

// The database takes of each status the reasons that there are, and no other ones.
func TestReasonsCanBeStored(t *testing.T) {
	t.Parallel()
	db := openAs(t, false)
	var check string
	err := db.Pool().QueryRow(t.Context(), "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'deliveries_reason'").Scan(&check)
	if err != nil {
		t.Fatal(err)
	}
	all := []delivery.Reason{""}
	for _, s := range delivery.Statuses() {
		all = append(all, delivery.Reasons(s)...)
	}
	for _, word := range regexp.MustCompile(`'(\w+)'::text`).FindAllStringSubmatch(check, -1) {
		if r := delivery.Reason(word[1]); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, s := range delivery.Statuses() {
		for _, r := range all {
			var takes bool
			query := "SELECT " + check + " FROM (SELECT $1::text, nullif($2::text, '')) AS d (status, reason)"
			if err := db.Pool().QueryRow(t.Context(), query, s, r).Scan(&takes); err != nil {
				t.Fatal(err)
			}
			want := r.Status() == s || r == "" && len(delivery.Reasons(s)) == 0
			if takes != want {
				t.Errorf("a delivery that is %s with the reason %q: taken %v, want %v", s, r, takes, want)
			}
		}
	}
}
