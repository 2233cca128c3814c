package spelling

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// mixed returns the first letter that is of another script than those before it,
// where the two could be taken for one another; nil if there is none. What is
// allowed is the level "highly restrictive" of UTS 39, section 5.2: one script, or
// Latin beside Chinese, Japanese or Korean.
func mixed(rs []rune) *CharacterError {
	var shared, before []string // of all so far, and of the last one
	groups := [][]string{
		{"Latin", "Han", "Hiragana", "Katakana"},
		{"Latin", "Han", "Bopomofo"},
		{"Latin", "Han", "Hangul"},
	}
	for i, r := range rs {
		of := scriptsOf(r)
		if of == nil {
			continue
		}
		augmented := augment(of)
		if before == nil {
			shared = augmented
		}
		shared = slices.DeleteFunc(shared, func(s string) bool { return !slices.Contains(augmented, s) })
		groups = slices.DeleteFunc(groups, func(g []string) bool {
			return !slices.ContainsFunc(g, func(s string) bool { return slices.Contains(of, s) })
		})
		if len(shared) == 0 && len(groups) == 0 {
			return &CharacterError{r, i + 1, false, fmt.Sprintf("it is %s, and stands beside %s: letters of different scripts can look the same", anyOf(of), anyOf(before))}
		}
		before = of
	}
	return nil
}

// scriptsOf returns the scripts that a character belongs to; nil for all.
func scriptsOf(r rune) []string {
	i, found := slices.BinarySearchFunc(extensions, r, func(e extension, r rune) int {
		switch {
		case e.to < r:
			return -1
		case e.from > r:
			return 1
		}
		return 0
	})
	if found {
		return strings.Fields(extensions[i].scripts)
	}
	if unicode.In(r, unicode.Common, unicode.Inherited) {
		return nil
	}
	for script, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return []string{script}
		}
	}
	return nil
}

// augment adds the writing systems that use more scripts than one (UTS 39, section
// 5.1): Han with Bopomofo, Japanese, Korean.
func augment(of []string) []string {
	all := slices.Clone(of)
	for _, script := range of {
		switch script {
		case "Han":
			all = append(all, "Hanb", "Jpan", "Kore")
		case "Hiragana", "Katakana":
			all = append(all, "Jpan")
		case "Hangul":
			all = append(all, "Kore")
		case "Bopomofo":
			all = append(all, "Hanb")
		}
	}
	return all
}

func anyOf(scripts []string) string {
	const most = 3
	text := strings.Join(scripts, " or ")
	if len(scripts) > most {
		text = strings.Join(scripts[:most], ", ") + " or another script"
	}
	return strings.ReplaceAll(text, "_", " ")
}
