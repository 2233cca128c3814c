SHELL := /bin/bash
.DEFAULT_GOAL := help

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFILES  = $(shell git ls-files -co --exclude-standard '*.go' | grep -v '\.gen\.go$$')

.PHONY: help run build test check check-format check-vet check-static check-generated go-test bench bench-go fuzz generate format up clean

help: ## Show every target
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

run: build ## Build and run everything on this machine, with a private Postgres
	@exec bin/belfry dev

build: ## Build bin/belfry
	@$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/belfry ./cmd/belfry

test: check go-test ## Run every check and every test

check: check-format check-vet check-static check-generated ## Run every check that is not a test

check-format: ## Every file is formatted
	@bad="$$($(TOOL) gofumpt -l $(GOFILES))"; test -z "$$bad" || { echo "not formatted (make format):"; echo "$$bad"; exit 1; }

check-vet: ## go vet
	@$(GO) vet ./...

check-static: ## staticcheck
	@$(TOOL) staticcheck ./...

check-generated: ## What is generated is fresh
	@out=$$(mktemp) && trap 'rm -f $$out' EXIT && \
	$(TOOL) oapi-codegen -config internal/api/oapi-codegen.yaml -o $$out openapi.yaml && \
	cmp -s $$out internal/api/api.gen.go || { echo "internal/api/api.gen.go is stale (make generate)"; exit 1; }

go-test: ## Run the tests with the race detector; needs no database: tests start a private Postgres
	@$(GO) test -race -shuffle=on -timeout 15m ./...

bench: build ## Measure rates, CPU, latencies and losses; SCENARIOS=single,crash selects, JSON=FILE keeps all of it
	@$(GO) build -trimpath -o bin/bench ./cmd/bench
	@exec bin/bench run --scenarios='$(SCENARIOS)' $(if $(JSON),--json='$(JSON)') $(BENCHFLAGS)

bench-go: ## Measure accept, work and record by themselves: CPU per alert and per delivery
	@$(GO) test -run '^$$' -bench . -benchtime 3s ./internal/dispatch/

fuzz: ## Fuzz what parses, 20 seconds each
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$pkg; done; done

generate: ## Generate Go types from openapi.yaml
	@$(TOOL) oapi-codegen -config internal/api/oapi-codegen.yaml -o internal/api/api.gen.go openapi.yaml

format: ## Format Go files
	@$(TOOL) gofumpt -w $(GOFILES)

up: ## Run with docker compose
	docker compose up --build

clean: ## Remove what was built; data stays
	rm -rf bin
