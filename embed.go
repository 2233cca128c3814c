// Package belfry holds the API contract, so that the server can serve it.
package belfry

import _ "embed" // for the contract

// OpenAPI is openapi.yaml, the contract of the REST API.
//
//go:embed openapi.yaml
var OpenAPI []byte
