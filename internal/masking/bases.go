package masking

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
)

// base is an encoding of so many bytes at a time into so many characters.
type base struct {
	bytes, bits int // of a group; of a character, 0 where a character stands for no whole bits
	encode      func([]byte) string
}

// The digits of base85, as Adobe and btoa, ZeroMQ (RFC 32/Z85), and Git and
// Python's b85encode choose them.
const (
	adobe85 = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu"
	z85     = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
	git85   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
)

var bases = []base{
	{3, 6, base64.RawStdEncoding.EncodeToString},
	{5, 5, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString},
	{5, 5, base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString},
	{1, 4, func(b []byte) string { return fmt.Sprintf("%x", b) }},
	{4, 0, func(b []byte) string { return base85(b, adobe85) }},
	{4, 0, func(b []byte) string { return base85(b, z85) }},
	{4, 0, func(b []byte) string { return base85(b, git85) }},
}

// inBases returns the characters that stand for s and for nothing else in the
// encodings of a text around it. They depend on how many bytes come before it in
// its first group.
func inBases(s string) []string {
	var all []string
	for _, b := range bases {
		for before := range b.bytes {
			if b.bits == 0 { // only whole groups say the same whatever stands around
				skip := (b.bytes - before) % b.bytes
				if whole := (len(s) - skip) / b.bytes * b.bytes; whole > 0 {
					all = append(all, b.encode([]byte(s[skip:skip+whole])))
				}
				continue
			}
			text := append(make([]byte, before), s...)
			all = append(all, b.encode(text)[(before*8+b.bits-1)/b.bits:len(text)*8/b.bits])
		}
	}
	return all
}

// base85 encodes whole groups of four bytes as five digits each.
func base85(b []byte, digits string) string {
	out := make([]byte, 0, len(b)/4*5)
	for ; len(b) >= 4; b = b[4:] {
		n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		var group [5]byte
		for i := 4; i >= 0; i-- {
			group[i] = digits[n%85]
			n /= 85
		}
		out = append(out, group[:]...)
	}
	return string(out)
}
