package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// columns are rows on their way to an unnest, which takes them as one array for
// each column. They are written value by value, row by row, each into its
// column's array as the database reads it: through pgx's own arrays each value
// would be a piece of garbage, and they were a quarter of all we made.
type columns struct {
	of   []column
	next int
}

// column is an array in the binary form of the wire.
type column struct {
	values  []byte
	n       int32
	nulls   bool
	element uint32 // its type; 0 before the first value
}

func newColumns(n int) *columns { return &columns{of: make([]column, n)} }

// args returns the columns as arguments of a statement, which they remain good
// for until the next value is written.
func (c *columns) args() []any {
	args := make([]any, len(c.of))
	for i := range c.of {
		args[i] = &c.of[i]
	}
	return args
}

// turn returns the column whose turn it is, with room for a value.
func (c *columns) turn(element uint32) *column {
	col := &c.of[c.next]
	c.next = (c.next + 1) % len(c.of)
	col.n++
	col.element = element
	return col
}

func (col *column) null() {
	col.nulls = true
	col.size(-1)
}

// size makes room for a value of n bytes, in steps of double the size: what append
// takes beyond a few hundred bytes would be copied five times over. It writes how
// many there are, -1 for a null.
func (col *column) size(n int) {
	if need := 4 + max(n, 0); cap(col.values)-len(col.values) < need {
		col.values = slices.Grow(col.values, max(need, len(col.values), 64))
	}
	col.values = binary.BigEndian.AppendUint32(col.values, uint32(int32(n)))
}

func (c *columns) id(id uuid.UUID) {
	col := c.turn(pgtype.UUIDOID)
	col.size(len(id))
	col.values = append(col.values, id[:]...)
}

func (c *columns) idOrNull(id uuid.UUID) {
	if id == uuid.Nil {
		c.turn(pgtype.UUIDOID).null()
		return
	}
	c.id(id)
}

func (c *columns) text(s string) {
	col := c.turn(pgtype.TextOID)
	col.size(len(s))
	col.values = append(col.values, s...)
}

func (c *columns) textOrNull(s string) {
	if s == "" {
		c.turn(pgtype.TextOID).null()
		return
	}
	c.text(s)
}

func (c *columns) bytes(b []byte) {
	col := c.turn(pgtype.ByteaOID)
	col.size(len(b))
	col.values = append(col.values, b...)
}

func (c *columns) bytesOrNull(b []byte) {
	if b == nil {
		c.turn(pgtype.ByteaOID).null()
		return
	}
	c.bytes(b)
}

func (c *columns) bool(v bool) {
	col := c.turn(pgtype.BoolOID)
	col.size(1)
	if v {
		col.values = append(col.values, 1)
		return
	}
	col.values = append(col.values, 0)
}

func (c *columns) int2(n int) {
	col := c.turn(pgtype.Int2OID)
	col.size(2)
	col.values = binary.BigEndian.AppendUint16(col.values, uint16(int16(n)))
}

func (c *columns) int2OrNull(n int) {
	if n == 0 {
		c.turn(pgtype.Int2OID).null()
		return
	}
	c.int2(n)
}

func (c *columns) int4(n int) {
	col := c.turn(pgtype.Int4OID)
	col.size(4)
	col.values = binary.BigEndian.AppendUint32(col.values, uint32(int32(n)))
}

func (c *columns) int4OrNull(n int) {
	if n == 0 {
		c.turn(pgtype.Int4OID).null()
		return
	}
	c.int4(n)
}

func (c *columns) int8(n int64) {
	col := c.turn(pgtype.Int8OID)
	col.size(8)
	col.values = binary.BigEndian.AppendUint64(col.values, uint64(n))
}

func (c *columns) int8OrNull(n int64) {
	if n == 0 {
		c.turn(pgtype.Int8OID).null()
		return
	}
	c.int8(n)
}

// epoch is where the database's time begins, in µs of ours.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func (c *columns) time(t time.Time) {
	col := c.turn(pgtype.TimestamptzOID)
	col.size(8)
	col.values = binary.BigEndian.AppendUint64(col.values, uint64(t.UnixMicro()-epoch))
}

func (c *columns) timeOrNull(t time.Time) {
	if t.IsZero() {
		c.turn(pgtype.TimestamptzOID).null()
		return
	}
	c.time(t)
}

// registerColumns lets columns go where arrays of their values go.
func registerColumns(m *pgtype.Map) {
	for _, oid := range []uint32{
		pgtype.UUIDArrayOID, pgtype.TextArrayOID, pgtype.ByteaArrayOID, pgtype.BoolArrayOID, pgtype.Int2ArrayOID,
		pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.TimestamptzArrayOID,
	} {
		t, _ := m.TypeForOID(oid)
		m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: columnCodec{t.Codec}})
	}
}

// columnCodec is what pgx has for an array, and knows columns too.
type columnCodec struct{ pgtype.Codec }

// PlanEncode is asked once for each type of Go.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*column); !ok {
		return c.Codec.PlanEncode(m, oid, format, value)
	}
	if format != pgtype.BinaryFormatCode {
		return nil
	}
	return columnPlan{}
}

type columnPlan struct{}

// Encode writes the array's head and its values. The database refuses elements of
// another type than it expects.
func (columnPlan) Encode(value any, buf []byte) ([]byte, error) {
	col := value.(*column)
	if need := 20 + len(col.values); cap(buf)-len(buf) < need {
		buf = slices.Grow(buf, max(need, len(buf)))
	}
	nulls := uint32(0)
	if col.nulls {
		nulls = 1
	}
	for _, n := range []uint32{1, nulls, col.element, uint32(col.n), 1} { // dimensions, nulls, type, length, lower bound
		buf = binary.BigEndian.AppendUint32(buf, n)
	}
	return append(buf, col.values...), nil
}
