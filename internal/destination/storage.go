package destination

import (
	"slices"

	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

// ResponseStorage says what of a destination's answers is stored. The status
// code, the class and the size of an answer always are.
type ResponseStorage string

// How much is stored of an answer.
const (
	StoreFull    ResponseStorage = "full"
	StoreHeaders ResponseStorage = "headers"
	StoreNone    ResponseStorage = "none"
)

// ResponseStorages returns every value, the one that stores most first.
func ResponseStorages() []ResponseStorage {
	return []ResponseStorage{StoreFull, StoreHeaders, StoreNone}
}

// Keep returns a result without what is not to be stored.
func (s ResponseStorage) Keep(r outbound.Result) outbound.Result {
	if s == StoreHeaders || s == StoreNone {
		r.Body = nil
	}
	if s == StoreNone {
		r.ResponseHeaders = nil
	}
	return r
}

// readStorage replaces what the request gives; null stands for the default.
func (d *Destination) readStorage(f *invalid.Reader) {
	if !f.Has("responseStorage") {
		return
	}
	d.ResponseStorage = StoreFull
	if f.IsNull("responseStorage") {
		return
	}
	d.ResponseStorage = ResponseStorage(f.Text("responseStorage"))
	if !f.IsWrong("responseStorage") && !slices.Contains(ResponseStorages(), d.ResponseStorage) {
		f.Wrong("responseStorage", invalid.CodeEnum, "must be one of "+join(ResponseStorages()))
	}
}
