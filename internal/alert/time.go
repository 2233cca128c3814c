package alert

import (
	"errors"
	"strings"
	"time"
)

// maxOffset is that of java.time.ZoneOffset, on which AWS AppSync stands.
const maxOffset = 18 * time.Hour

var (
	errTimeForm   = errors.New("must be a time like 2020-10-13T03:35:24Z, 2020-10-13T03:35:24.123456789Z or 2020-10-13T05:35+02:00")
	errTimeOffset = errors.New("must end with a time zone offset: Z, ±hh:mm, ±hhmm, ±hh or ±hh:mm:ss, at most 18:00:00")
	errTimeDate   = errors.New("must be a date that exists")
	errTimeOfDay  = errors.New("must have hours from 00 to 23, minutes and seconds from 00 to 59")
	errTimeLeap   = errors.New("must have seconds from 00 to 59: a leap second cannot be stored")
	errTimeRange  = errors.New("must lie in the years 0001 to 9999 in UTC")
)

// ParseTime reads an AWSDateTime and returns it in UTC: YYYY-MM-DDThh:mm, then
// optionally :ss and after that a dot and one to nine digits, then Z, ±hh:mm
// or ±hh:mm:ss. The form is that of the AWS AppSync scalar, which the seeds
// name. Its unambiguous kin, which strftime, Suricata and Wazuh write, is read
// too: ±hhmm, ±hh, and t and z in lower case. The error is written for whoever sent the time and does not repeat it.
//
// time.Parse would not do: it takes a comma for the dot and a one-digit hour,
// and knows no seconds in an offset.
func ParseTime(s string) (time.Time, error) {
	c := clockText{rest: s}
	year, month, day := c.number(4), c.after('-'), c.after('-')
	if !c.take('t') {
		c.must('T')
	}
	hour, minute := c.number(2), c.after(':')
	second, nanos := 0, 0
	if c.take(':') {
		second = c.number(2)
		if c.take('.') {
			nanos = c.fraction()
		}
	}
	if c.broken || strings.Trim(c.rest, "Zz+-0123456789:") != "" {
		return time.Time{}, errTimeForm
	}
	offset, ok := parseOffset(c.rest)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC).Add(-offset)
	switch {
	case !ok:
		return time.Time{}, errTimeOffset
	case date.Month() != time.Month(month): // a day that does not exist is one of another month
		return time.Time{}, errTimeDate
	case second == 60:
		return time.Time{}, errTimeLeap
	case hour > 23 || minute > 59 || second > 59:
		return time.Time{}, errTimeOfDay
	case t.Year() < 1 || t.Year() > 9999:
		return time.Time{}, errTimeRange
	}
	return t, nil
}

func parseOffset(s string) (offset time.Duration, ok bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	c := clockText{rest: s}
	sign := time.Duration(1)
	if !c.take('+') {
		sign = -1
		c.must('-')
	}
	hours, minutes, seconds := c.number(2), 0, 0
	switch {
	case c.take(':'):
		minutes = c.number(2)
		if c.take(':') {
			seconds = c.number(2)
		}
	case c.rest != "":
		minutes = c.number(2)
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
	ok = !c.broken && c.rest == "" && minutes <= 59 && seconds <= 59 && offset <= maxOffset
	return sign * offset, ok
}

// clockText is read from the front. Once broken it stays so, and numbers are 0.
type clockText struct {
	rest   string
	broken bool
}

func (c *clockText) take(separator byte) bool {
	if c.broken || c.rest == "" || c.rest[0] != separator {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

func (c *clockText) must(separator byte) {
	if !c.take(separator) {
		c.broken = true
	}
}

// after reads the two digits that follow a separator.
func (c *clockText) after(separator byte) int {
	c.must(separator)
	return c.number(2)
}

func (c *clockText) number(digits int) int {
	if c.broken || c.leadingDigits() < digits {
		c.broken = true
		return 0
	}
	n := 0
	for i := range digits {
		n = n*10 + int(c.rest[i]-'0')
	}
	c.rest = c.rest[digits:]
	return n
}

// fraction reads one to nine digits as nanoseconds.
func (c *clockText) fraction() int {
	digits := c.leadingDigits()
	if digits < 1 || digits > 9 {
		c.broken = true
		return 0
	}
	nanos := c.number(digits)
	for range 9 - digits {
		nanos *= 10
	}
	return nanos
}

func (c *clockText) leadingDigits() int {
	return len(c.rest) - len(strings.TrimLeft(c.rest, "0123456789"))
}
