//go:build testchat

package main

import _ "belfry/internal/testchat" // a type that only tests have, see docs/developing.md
