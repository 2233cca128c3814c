package receive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/google/uuid"
)

// Arrival is one request that the receiver got.
type Arrival struct {
	WebhookID uuid.UUID
	AlertID   string
	At        int64 // Unix time in nanoseconds: all of a run happens on one machine
	HTTP      uint8 // major version of the protocol
}

// appendArrival writes an arrival as the receiver hands it to bench run: 16 bytes
// of id, 8 of time, 1 of version, 2 of length, the alertId.
func appendArrival(to []byte, a Arrival) []byte {
	to = append(to, a.WebhookID[:]...)
	to = binary.BigEndian.AppendUint64(to, uint64(a.At))
	to = append(to, a.HTTP)
	to = binary.BigEndian.AppendUint16(to, uint16(len(a.AlertID)))
	return append(to, a.AlertID...)
}

// readArrivals reads what appendArrival wrote, to its end.
func readArrivals(from io.Reader) ([]Arrival, error) {
	var all []Arrival
	for {
		var head [27]byte
		if _, err := io.ReadFull(from, head[:]); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		id := make([]byte, binary.BigEndian.Uint16(head[25:]))
		if _, err := io.ReadFull(from, id); err != nil {
			return nil, err
		}
		a := Arrival{At: int64(binary.BigEndian.Uint64(head[16:])), HTTP: head[24], AlertID: string(id)}
		copy(a.WebhookID[:], head[:])
		all = append(all, a)
	}
}

// AlertIDOf finds the alertId in a payload. Decoding the JSON would cost the
// receiver more than all else it does.
func AlertIDOf(payload []byte) (string, bool) {
	_, rest, ok := bytes.Cut(payload, []byte(`"alertId":"`))
	if !ok {
		return "", false
	}
	id, _, ok := bytes.Cut(rest, []byte{'"'})
	return string(id), ok
}
