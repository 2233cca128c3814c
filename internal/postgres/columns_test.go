package postgres

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
)

// What columns write is, byte for byte, what pgx writes for arrays of the same
// values.
func FuzzColumns(f *testing.F) {
	f.Add("", "a", []byte(nil), int64(0), int64(-1), true, uint8(3))
	f.Add("ü\"{}\\,", "NULL", []byte{0, 255}, int64(1), int64(1767323045123456), false, uint8(1))
	f.Fuzz(func(t *testing.T, s, other string, b []byte, n, micros int64, yes bool, rows uint8) {
		m, plain := pgtype.NewMap(), pgtype.NewMap()
		registerColumns(m)
		if b == nil {
			b = []byte{} // pgx's null
		}
		at := time.UnixMicro(micros % (1 << 52)).UTC()
		id := uuid.NewSHA1(uuid.Nil, b)
		var (
			c     = newColumns(13)
			ids   []pgtype.UUID
			nones []zeronull.UUID
			texts []string
			maybe []zeronull.Text
			raw   [][]byte
			bools []bool
			twos  []int16
			fours []int32
			four0 []zeronull.Int4
			eight []int64
			zeros []zeronull.Int8
			times []time.Time
			never []zeronull.Timestamptz
		)
		for i := range int(rows%8) + 1 {
			if i%2 == 1 {
				s, other, n, id, at = other, s, -n, uuid.Nil, time.Time{}
			}
			c.id(id)
			c.idOrNull(id)
			c.text(s)
			c.textOrNull(other)
			c.bytes(b)
			c.bool(yes)
			c.int2(int(int16(n)))
			c.int4(int(int32(n)))
			c.int4OrNull(int(int32(n)))
			c.int8(n)
			c.int8OrNull(n)
			c.time(time.UnixMicro(micros % (1 << 52)))
			c.timeOrNull(at)
			ids, nones = append(ids, pgtype.UUID{Bytes: id, Valid: true}), append(nones, zeronull.UUID(id))
			texts, maybe = append(texts, s), append(maybe, zeronull.Text(other))
			raw, bools = append(raw, b), append(bools, yes)
			twos, fours, four0 = append(twos, int16(n)), append(fours, int32(n)), append(four0, zeronull.Int4(int32(n)))
			eight, zeros = append(eight, n), append(zeros, zeronull.Int8(n))
			times, never = append(times, time.UnixMicro(micros%(1<<52))), append(never, zeronull.Timestamptz(at))
		}
		for i, column := range []struct {
			oid  uint32
			want any
		}{
			{pgtype.UUIDArrayOID, ids},
			{pgtype.UUIDArrayOID, nones},
			{pgtype.TextArrayOID, texts},
			{pgtype.TextArrayOID, maybe},
			{pgtype.ByteaArrayOID, raw},
			{pgtype.BoolArrayOID, bools},
			{pgtype.Int2ArrayOID, twos},
			{pgtype.Int4ArrayOID, fours},
			{pgtype.Int4ArrayOID, four0},
			{pgtype.Int8ArrayOID, eight},
			{pgtype.Int8ArrayOID, zeros},
			{pgtype.TimestamptzArrayOID, times},
			{pgtype.TimestamptzArrayOID, never},
		} {
			want, err := plain.Encode(column.oid, pgtype.BinaryFormatCode, column.want, []byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Encode(column.oid, pgtype.BinaryFormatCode, c.args()[i], []byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("column %d of %v:\n got %x\nwant %x", i, column.want, got, want)
			}
			if again, err := m.Encode(column.oid, pgtype.BinaryFormatCode, column.want, []byte("before")); err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("column %d: what is no column is written as %x (%v), want %x", i, again, err, want)
			}
		}
	})
}
