package spelling_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"belfry/internal/spelling"
)

func TestCheckAllows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "SOAR", "a  b", "Über-Größe Nr. 1 (alt) €", "Cafe\u0301", "SOC: 24/7, №1 – “on call”", "C++ & C#",
		"Отдел ИБ 2", "Служба «Охрана»", "Ομάδα Άμεσης", "צוות אבטחה", "فريق الأمن ١٢", "ทีมความปลอดภัย", "सुरक्षा दल २", "보안팀", "安全团队",
		"アラート 🚨", "セキュリティチーム", "SOC チーム", "SOC東京ー２号", "安全 SOC", "ㄅㄆ注音 SOC", "보안 SOC 팀", "漢字とかな", "한글 漢字",
		"🚨", "⚠️ Pager", "⚠ Pager", "👩‍🚒 on call", "👩🏽‍🚒", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 team", "SOC 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿🏴󠁧󠁢󠁷󠁬󠁳󠁿", "1️⃣ first", "#️⃣", "ℹ️ info", "‼️", "↔️", "👨‍👩‍👧‍👦", "🇩🇪 SOC",
		"A\u00a0B", "A\u3000B", "ＳＯＡＲ", "√2 ≠ 1", "O'Brien", "co-op", "हिन्दी",
	} {
		if wrong := spelling.Check(name); wrong != nil {
			t.Errorf("%q %v", name, wrong)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	const (
		unseen = "is not shown"
		turns  = "turns the direction"
		other  = "stands beside"
	)
	for _, tt := range []struct {
		name  string
		r     rune
		place int
		why   string
	}{
		{"Pager\u200bDuty", 0x200b, 6, unseen},
		{"PagerDuty\u202e", 0x202e, 10, turns},
		{"\u2066a", 0x2066, 1, turns},
		{"a\u061c", 0x61c, 2, turns},
		{"a\u200f", 0x200f, 2, turns},
		{"a\u200cb", 0x200c, 2, unseen},
		{"a\u200db", 0x200d, 2, unseen},
		{"\u200da", 0x200d, 1, unseen},
		{"🚨\u200d", 0x200d, 2, unseen},
		{"🚨\u200da", 0x200d, 2, unseen},
		{"a\u2060b", 0x2060, 2, unseen},
		{"\ufeffa", 0xfeff, 1, unseen},
		{"a\u00adb", 0xad, 2, unseen},
		{"a\ufe0f", 0xfe0f, 2, unseen},
		{"1\ufe0f", 0xfe0f, 2, unseen},
		{"a\ufe0f\u20e3", 0xfe0f, 2, unseen},
		{"🚨\ufe0e", 0xfe0e, 2, unseen},
		{"🚨\ufe0f\ufe0f", 0xfe0f, 3, unseen},
		{"a\U000e0101", 0xe0101, 2, unseen},
		{"🏴\U000e0067\U000e007f", 0xe0067, 2, unseen},
		{"a\U000e0061", 0xe0061, 2, unseen},
		{"a\U000e0061bcdefghijk", 0xe0061, 2, unseen}, // long enough for a flag
		{"🏴󠁧󠁢󠁥󠁮󠁧󠁿\U000e0067", 0xe0067, 8, unseen},
		{strings.Repeat("a", 60) + "🏴\U000e0067", 0xe0067, 62, unseen},
		{"🏽\u200d🚒", 0x200d, 2, unseen}, // a colour of nothing
		{"a\u034fb", 0x34f, 2, unseen},
		{"\u3164", 0x3164, 1, unseen},
		{"a\u115fb", 0x115f, 2, unseen},
		{"a\u2800b", 0x2800, 2, unseen},
		{"a\ufffcb", 0xfffc, 2, unseen},
		{"a\u180eb", 0x180e, 2, unseen},
		{"a\nb", '\n', 2, "control characters"},
		{"a\x7fb", 0x7f, 2, "control characters"},
		{"a\u2028b", 0x2028, 2, "breaks the line"},
		{"a\ue000", 0xe000, 2, "private use"},
		{"a\U0010fffd", 0x10fffd, 2, "private use"},
		{"a\u0378", 0x378, 2, "has no such character"},
		{"a\ufdd0", 0xfdd0, 2, "has no such character"},
		{"a\ufffd", 0xfffd, 2, "could not be read"},
		{"P\u0430gerDuty", 0x430, 2, "it is Cyrillic, and stands beside Latin"},
		{"\u0420ager", 'a', 2, "it is Latin, and stands beside Cyrillic"},
		{"S\u039fC", 0x39f, 2, other},  // Greek
		{"S\u0585AR", 0x585, 2, other}, // Armenian
		{"SO\u13df", 0x13df, 3, other}, // Cherokee
		{"Отдел Ομάδα", 0x39f, 7, other},
		{"SOC 1 \u0661", 0x661, 7, other}, // an Arabic digit
		{"SOC\u0967", 0x967, 4, other},    // a Devanagari digit
		{"Отдел 東京", 0x6771, 7, other},
		{"アラート 보안", 0xbcf4, 6, other},
		{"ㄅ ア", 0x30a2, 3, other},
		{"ㄅ SOC 보", 0xbcf4, 7, other},
		{"SOC \u30fc ΑΒ", 0x391, 7, other},
		{"Отдел\u30fc", 0x30fc, 6, "it is Hiragana or Katakana, and stands beside Cyrillic"},
		{"Ал\u0342", 0x342, 3, "it is Greek"}, // a mark
	} {
		wrong := spelling.Check(tt.name)
		if wrong == nil {
			t.Errorf("%+q is allowed", tt.name)
			continue
		}
		if wrong.Rune != tt.r || wrong.Place != tt.place || !strings.Contains(wrong.Error(), tt.why) || wrong.Control != unicode.IsControl(tt.r) {
			t.Errorf("%+q: %U at %d, %v; want %U at %d, %q", tt.name, wrong.Rune, wrong.Place, wrong, tt.r, tt.place, tt.why)
		}
	}
}

// What is said names the character, shows it only if it can be seen, and says where.
func TestCharacterError(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"PagerDuty\u202e":   "must not have U+202E RIGHT-TO-LEFT OVERRIDE (10th character): it turns the direction in which text is shown",
		"P\u0430ger":        `must not have "а" U+0430 CYRILLIC SMALL LETTER A (2nd character): it is Cyrillic, and stands beside Latin: letters of different scripts can look the same`,
		"\u3164":            "must not have U+3164 HANGUL FILLER (1st character): it is not shown, so that two names would look the same",
		"ab\x00":            "must not have U+0000 <control> (3rd character): control characters are not shown",
		"abcdefghijk\u0378": "must not have U+0378 (12th character): Unicode 15.0.0 has no such character",
	} {
		if got := spelling.Check(name).Error(); got != want {
			t.Errorf("%+q\n got %s\nwant %s", name, got, want)
		}
	}
}

// Places are told as people say them.
func TestCharacterErrorOrdinal(t *testing.T) {
	t.Parallel()
	for place, want := range map[int]string{
		1: "(1st ", 2: "(2nd ", 3: "(3rd ", 4: "(4th ", 10: "(10th ", 11: "(11th ", 12: "(12th ", 13: "(13th ", 14: "(14th ",
		20: "(20th ", 21: "(21st ", 22: "(22nd ", 23: "(23rd ", 24: "(24th ", 111: "(111th ", 112: "(112th ", 113: "(113th ", 121: "(121st ",
	} {
		if got := spelling.Check(strings.Repeat("a", place-1) + "\x00").Error(); !strings.Contains(got, want) {
			t.Errorf("%d: %s", place, got)
		}
	}
}

// No character that is not shown is allowed by itself, whichever it is.
func TestEveryUnseen(t *testing.T) {
	t.Parallel()
	for _, table := range []*unicode.RangeTable{
		unicode.Cc, unicode.Co, unicode.Bidi_Control, unicode.Join_Control, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point,
	} {
		for _, r16 := range table.R16 {
			for r := rune(r16.Lo); r <= rune(r16.Hi); r += rune(r16.Stride) {
				wantRefused(t, r)
			}
		}
		for _, r32 := range table.R32 {
			for r := rune(r32.Lo); r <= min(rune(r32.Hi), 0xf0100); r += rune(r32.Stride) {
				wantRefused(t, r)
			}
		}
	}
}

func wantRefused(t *testing.T, r rune) {
	t.Helper()
	if wrong := spelling.Check("ab" + string(r) + "c"); wrong == nil || wrong.Place != 3 {
		t.Errorf("%U: %v", r, wrong)
	}
}

// Whatever the name: the wrong character is where the error says it is, and a name of letters that mix
// is allowed up to the first that does.
func TestCharacterErrorPlace(t *testing.T) {
	t.Parallel()
	letters := []rune("aбα1 漢かカ한ㄅ.🚨\u200d\ufe0f\u0301\u202e\u0661ー")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom(letters), 0, 12, -1).Draw(t, "name")
		wrong := spelling.Check(name)
		if wrong == nil {
			return
		}
		rs := []rune(name)
		if rs[wrong.Place-1] != wrong.Rune {
			t.Fatalf("%+q: %U is not at %d", name, wrong.Rune, wrong.Place)
		}
		// A joiner at the end of what is left joins nothing any more.
		before := spelling.Check(strings.TrimRight(string(rs[:wrong.Place-1]), "\u200d"))
		if strings.Contains(wrong.Error(), "stands beside") && before != nil {
			t.Fatalf("%+q: there is one before, %v", name, before)
		}
	})
}

func TestAlike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"СОС", "COC", true}, // Cyrillic and Latin
		{"сос", "COC", true},
		{"раураl", "paypal", true},
		{"P\u0251gerDuty", "PagerDuty", true}, // a Latin alpha
		{"⚠️ Pager", "⚠ pager", true},
		{"Pager\u200bDuty", "PagerDuty", true},
		{"Заря", "3аря", true},
		{"SOC", "SOC 2", false},
		{"Site 1", "Site l", false},
		{"Zone 0", "Zone O", false},
		{"Café 1", "Café l", false},
		{"modern", "modem", false},
		{"Cafe", "Café", false},
		{"東京", "大阪", false},
		{"🚨", "🔥", false},
		{"Отдел 1", "Отдел 2", false},
		{"", "x", false},
	} {
		if got := spelling.Alike(tt.a, tt.b); got != tt.want {
			t.Errorf("%+q and %+q: %t", tt.a, tt.b, got)
		}
		if got := spelling.Alike(tt.b, tt.a); got != tt.want {
			t.Errorf("%+q and %+q the other way: %t", tt.a, tt.b, got)
		}
	}
}
