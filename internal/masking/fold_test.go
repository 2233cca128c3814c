package masking

import (
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"testing"
	"unicode/utf16"
)

const uuid = "3f9c1d2e-77ab-4c1d-9e0f-5b6a7c8d9e0f"

// inLines breaks s into lines of n characters.
func inLines(s string, n int, with string) string {
	var lines []string
	for ; len(s) > n; s = s[n:] {
		lines = append(lines, s[:n])
	}
	return strings.Join(append(lines, s), with)
}

func utf16Text(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func utf32Text(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, r := range s {
		b = order.AppendUint32(b, uint32(r))
	}
	return string(b)
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func quoted(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.Repeat("-", 60) + s)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func inAscii85(s string) string {
	out := make([]byte, ascii85.MaxEncodedLen(len(s)))
	return string(out[:ascii85.Encode(out, []byte(s))])
}

// However a receiver writes a secret, nothing of it may be left that says more
// than a few characters.
func TestNoWritingHidesASecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{uuid, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "Sk_Live_51HqLyAbCdEfGhIj", "correct-horse-battery-staple"} {
		for name, text := range map[string]string{
			"upper case":             strings.ToUpper(secret),
			"lower case":             strings.ToLower(secret),
			"wrapped":                inLines(secret, 7, "\n"),
			"wrapped and indented":   inLines(secret, 7, "\r\n    "),
			"grouped":                inLines(strings.ReplaceAll(secret, "-", ""), 4, " "),
			"without dashes":         strings.ReplaceAll(secret, "-", ""),
			"other dashes":           strings.ReplaceAll(secret, "-", "_"),
			"UTF-16, little end":     utf16Text("key: "+secret, binary.LittleEndian),
			"UTF-16, big end":        utf16Text("key: "+secret, binary.BigEndian),
			"UTF-32, little end":     utf32Text(secret, binary.LittleEndian),
			"UTF-32, big end":        utf32Text(secret, binary.BigEndian),
			"HTML numbers":           each(secret, "&#%d;"),
			"HTML numbers, open":     each(secret, "&#%d") + " ",
			"HTML hex, open":         each(secret, "&#x%x") + " ",
			"C hex":                  each(secret, `\x%02x`),
			"C octal":                each(secret, `\%03o`),
			"%u":                     each(secret, "%%u%04X"),
			"JSON in JSON":           each(secret, `\\u%04x`),
			"percent, twice":         each(secret, "%%25%02x"),
			"quoted-printable":       quoted(secret),
			"quoted-printable, each": each(secret, "=%02X"),
			"base64, wrapped":        inLines(base64.StdEncoding.EncodeToString([]byte("user:"+secret)), 19, "\r\n"),
			"base32":                 base32.StdEncoding.EncodeToString([]byte(secret)),
			"base32, inside":         base32.HexEncoding.EncodeToString([]byte("ab: " + secret + " :cd")),
			"base32, lower case":     strings.ToLower(base32.StdEncoding.EncodeToString([]byte(secret))),
			"base85":                 inAscii85(secret),
			"base85, inside":         inAscii85("a: " + secret + " :cd"),
			"hex, mixed case":        strings.ToUpper(fmt.Sprintf("%x", secret[:8])) + fmt.Sprintf("%x", secret[8:]),
			"hex with colons":        inLines(fmt.Sprintf("%x", secret), 2, ":"),
		} {
			got := maskText("got "+text+" .", secret)
			if left := folded(strings.TrimPrefix(got, "got ")); len(left) > 16 {
				t.Errorf("%s of %q: %q is left of %q", name, secret, got, text)
			}
		}
	}
}

func TestAPartOfASecretIsMasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, secret, text, want string }{
		{"cut short", uuid, "bad key " + uuid[:20] + "...", "bad key ****..."},
		{"the beginning, eight characters", uuid, "bad key " + uuid[:8], "bad key ****"},
		{"fewer say little", uuid, "bad key 3f9c1", "bad key 3f9c1"},
		{"the end", uuid, "key ends in " + uuid[20:], "key ends in ****"},
		{"the last four say little", uuid, "key ends in 9e0f", "key ends in 9e0f"},
		{"after the user", "alice:" + uuid, "no such key: " + uuid, "no such key: ****"},
		{"item of a list", `Digest username="alice", response="0a1b2c3d4e5f6071"`, "response 0a1b2c3d4e5f6071 is wrong", "response **** is wrong"},
		{"AWS signature", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE123/20261201/eu, SignedHeaders=host, Signature=fe5f80f77d5fa3beca038a248ff027d0", "got fe5f80f77d5fa3beca038a248ff027d0", "got ****"},
		{"AWS access key", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE123/20261201/eu, Signature=fe5f80f7", "unknown AKIAEXAMPLE123", "unknown ****"},
		{"in JSON", `{"user":"alice","key":"hunter22x"}`, "wrong: hunter22x", "wrong: ****"},
		{"quoted token", `Token token="hunter22xyz"`, "wrong: hunter22xyz", "wrong: ****"},
		{"first of two words", "firstword2 second", "got firstword2", "got ****"},
		{"second of two words", "firstword2 secondword", "got secondword", "got ****"},
		{"a name of a parameter stays", `Digest username="alice99x"`, "give a username", "give a username"},
		{"a scheme stays", "Bearer 0123456789abcdef", "use Bearer authentication", "use Bearer authentication"},
		{"a word of a media type stays", "application/vnd.acme.v2+json", `"application/json"`, `"application/json"`},
		{"a host stays", "https://hooks1.example.com/services/0123456789ab", "from hooks1.example.com", "from hooks1.example.com"},
		{"a time is no secret", "123456", "at 12:34:56", "at 12:34:56"},
		{"side by side it is one", "123456", "pin 123456", "pin ****"},
	} {
		if got := maskText(c.text, c.secret); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// The letters of a secret that another charset writes with other bytes, or with
// bytes between them that are letters of ASCII, are those that the charset says.
func TestCharsetsHideNothing(t *testing.T) {
	t.Parallel()
	const secret = "kennwörter-für-日本-x1"
	for _, charset := range []string{"utf-8", "UTF-16", "utf-16be", "Shift_JIS", "gbk", "GB18030", "big5", "euc-jp", "iso-2022-jp", "ibm037", "windows-1252", "no-such"} {
		t.Run(charset, func(t *testing.T) {
			t.Parallel()
			plain := secret
			switch charset {
			case "ibm037", "windows-1252":
				plain = "kennwörter-für-x1y2z3"
			case "Shift_JIS", "gbk", "big5", "euc-jp", "iso-2022-jp":
				plain = "kennwort-日本-x1y2z3"
			case "no-such":
				plain = uuid
			}
			contentType := `text/plain; charset="` + charset + `"`
			body := "the key " + plain + " is wrong"
			if e := charsetOf(contentType); e != nil {
				var err error
				if body, err = e.NewEncoder().String(body); err != nil {
					t.Fatal(err)
				}
			}
			m := New(Sent{Secrets: []string{plain}})
			got := m.Body(Part{Text: []byte(body), ContentType: contentType, Limit: len(body)})
			read := string(got)
			if e := charsetOf(contentType); e != nil {
				read, _ = e.NewDecoder().String(read)
			}
			if left := folded(read); strings.Contains(left, "x1") || strings.Contains(left, "kenn") || !strings.Contains(string(got), Stars) {
				t.Errorf("%q is left of %q", got, body)
			}
		})
	}
}

// Three bytes may be three letters, and a whole secret.
func TestAShortTextInACharset(t *testing.T) {
	t.Parallel()
	m := New(Sent{Secrets: []string{"ｱｲｳ"}})
	p := Part{Text: []byte("\xb1\xb2\xb3"), ContentType: "text/plain; charset=Shift_JIS", Limit: 100}
	if got := string(m.Body(p)); got != Stars[:len(p.Text)] {
		t.Errorf("got %q", got)
	}
}
