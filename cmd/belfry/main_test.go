package main

import (
	"testing"

	"belfry/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
