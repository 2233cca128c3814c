package masking

import (
	"mime"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// charsetOf returns how an answer of this Content-Type says that its body is written,
// nil where the body can be read as it is: in UTF-8, or in no charset that we know.
func charsetOf(contentType string) encoding.Encoding {
	if !strings.Contains(contentType, ";") {
		return nil
	}
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil
	}
	name := strings.ToLower(strings.TrimSpace(parameters["charset"]))
	if name == "" || name == "utf-8" || name == "utf8" || name == "us-ascii" {
		return nil
	}
	if e, err := htmlindex.Get(name); err == nil { // what browsers know, by all its names
		return e
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil {
		return e // nil where the library only knows the name
	}
	return nil
}

// decode returns a text as it reads in its charset. Bytes that stand for nothing
// there are left out.
func decode(src []byte, charset encoding.Encoding) view {
	v := view{text: make([]byte, 0, len(src)), at: make([]int32, 0, len(src)), size: len(src)}
	d := charset.NewDecoder()
	var dst [16]byte
	for i := 0; i < len(src); {
		took := 1
		for n := 1; n <= 8 && i+n <= len(src); n++ { // one character, and what switches to its set
			wrote, read, _ := d.Transform(dst[:], src[i:i+n], false)
			if read == 0 {
				continue
			}
			for _, b := range dst[:wrote] {
				v.text, v.at = append(v.text, b), append(v.at, int32(i))
			}
			took = read
			break
		}
		i += took
	}
	v.open = len(v.text)
	return v
}
