SHELL := /bin/bash
.DEFAULT_GOAL := help

GO      ?= go
# The newer of the Go at hand and the toolchain line of go.mod, whatever the environment says: go.mod names
# the first one without known vulnerabilities. `make GOTOOLCHAIN=local build` keeps to the Go at hand.
export GOTOOLCHAIN := auto
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)$(shell git diff --quiet HEAD 2>/dev/null || echo -dirty)
# The commit's date, so that two builds of a commit are the same.
DATE    ?= $(shell TZ=UTC git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd HEAD 2>/dev/null)
LDFLAGS  = -X main.version=$(VERSION) -X main.buildCommit=$(COMMIT) -X main.buildDate=$(DATE)
GOFILES  = $(shell git ls-files -co --exclude-standard '*.go' | grep -v '\.gen\.go$$')

.PHONY: help run build console test check check-format check-tidy check-vet check-static check-errors check-vulnerabilities check-compose check-generated check-console vulnerabilities-update go-test console-test e2e screens contract-test test-real bench bench-compare bench-go hostile-clients fuzz generate format up clean

help: ## Show every target
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

run: console build ## Build and run everything on this machine, with a private Postgres
	@exec bin/belfry dev

build: ## Build bin/belfry
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/belfry ./cmd/belfry

console: ## Build the web console, if its sources changed; without Node it says so, and the rest works
	@if $(NODE_FITS); then $(MAKE) -s web/dist/index.html; \
	else echo "No Node 20.19 or later here: the web console is not built, and the server serves its API only."; fi

# What the console is made of. Vite writes dist anew each time.
WEB     = $(shell git ls-files -co --exclude-standard web | grep -vE '\.(go|md)$$|/\.gitkeep$$|^web/e2e/')
NPM_CI  = web/node_modules/.package-lock.json
NODE_FITS = command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || +a == 20 && +b >= 19 ? 0 : 1)' 2>/dev/null

web/dist/index.html: $(WEB) $(NPM_CI)
	@cd web && npm run --silent build -- --logLevel warn && touch dist/index.html

# The lock holds what the registry at hand serves; npm ci asks for the packages of other platforms too.
$(NPM_CI): web/package-lock.json
	@cd web && npm install --no-save --no-progress --loglevel error && touch node_modules/.package-lock.json

test: check go-test contract-test console-test e2e ## Run every check and every test

check: check-format check-tidy check-vet check-static check-errors check-vulnerabilities check-compose check-generated check-console ## Run every check that is not a test

check-format: ## Every file is formatted
	@bad="$$($(TOOL) gofumpt -l $(GOFILES))"; test -z "$$bad" || { echo "not formatted (make format):"; echo "$$bad"; exit 1; }

check-tidy: ## go.mod and go.sum hold what is imported, and nothing else
	@$(GO) mod tidy -diff

check-vet: ## go vet
	@$(GO) vet -tags real ./...

check-static: ## staticcheck
	@$(TOOL) staticcheck -tags real ./...

check-errors: ## No error is dropped without a reason (errcheck)
	@tools/lint/errors.sh

check-vulnerabilities: ## No known vulnerability is called, but for those that are explained (govulncheck)
	@tools/lint/vulnerabilities.sh

check-compose: ## Docker Compose can read docker-compose.yml, whatever is set
	@cd tools/compose && $(GO) test ./... >/dev/null || $(GO) test ./...

vulnerabilities-update: ## Take the newest database of known vulnerabilities
	@$(GO) get -modfile=tools/lint/go.mod golang.org/x/vulndb@latest

check-generated: ## What is generated is fresh
	@out=$$(mktemp) && trap 'rm -f $$out' EXIT && \
	$(TOOL) oapi-codegen -config internal/api/oapi-codegen.yaml -o $$out openapi.yaml && \
	cmp -s $$out internal/api/api.gen.go || { echo "internal/api/api.gen.go is stale (make generate)"; exit 1; }

# In CI Node must be there; elsewhere its checks are left out aloud without it.
WITH_NODE = if ! { $(NODE_FITS); }; then echo "No Node 20.19 or later here: $@ is left out."; test -z "$$CI"; else

check-console: ## The console: its generated types are fresh, it type-checks, lints and is formatted
	@$(WITH_NODE) $(MAKE) -s $(NPM_CI) && cd web && \
	{ npm run --silent generate -- --check >/dev/null 2>&1 || { echo "web/src/api/schema.gen.ts is stale (make generate)"; exit 1; }; } && \
	npm run --silent check; fi

console-test: ## Run the console's tests, and build it
	@$(WITH_NODE) $(MAKE) -s $(NPM_CI) && (cd web && npm run --silent test) && $(MAKE) -s web/dist/index.html; fi

e2e: ## Drive the console in a real Chromium, which is installed if there is none; ARGS selects, as in ARGS=keys
	@$(WITH_NODE) web/e2e/chromium.sh >/dev/null && $(MAKE) -s console && $(MAKE) -s build && \
	$(GO) build -tags testchat -o bin/belfry-testchat ./cmd/belfry && cd web && npm run --silent e2e -- $(ARGS); fi

screens: console build ## Write the pictures of the console anew, docs/screens; needs psql
	@cd web && E2E_SCREENS=1 npm run --silent e2e

# Many tests wait more than they compute.
PARALLEL = $(shell n=$$(nproc 2>/dev/null || echo 4); echo $$((n > 4 ? n : 4)))

go-test: ## Run the tests with the race detector; needs no database: tests start a private Postgres
	@$(GO) test -race -shuffle=on -parallel $(PARALLEL) -timeout 15m ./...

contract-test: build ## Drive Belfry with a client that another generator makes of openapi.yaml
	@tools/contract/check.sh

# Their tests are built on Linux only: elsewhere `go test` would find none, and pass.
ON_LINUX = test "$$($(GO) env GOOS)" = linux || { echo "make $@ needs Linux: its tests are built there only." >&2; exit 1; }

test-real: ## Run the tests that need programs of others (backup, failover), which it installs as root on Debian
	@$(ON_LINUX); tools/real/install.sh && $(GO) test -tags real -count 1 -timeout 15m -run '^TestReal' ./cmd/belfry

bench: build ## Measure rates, CPU, latencies and losses in 30 minutes; QUICK=1 in five, SCENARIOS=single,fanout10 selects, JSON=FILE keeps all
	@$(GO) build -trimpath -o bin/bench ./cmd/bench
	@exec bin/bench run $(if $(SCENARIOS),--scenarios='$(SCENARIOS)') $(if $(QUICK),--quick) $(if $(JSON),--json='$(JSON)') $(BENCHFLAGS)

hostile-clients: ## What slow, large and many clients do to a server: answers of a producer, and memory
	@$(ON_LINUX); set -o pipefail; $(GO) test -count 1 -v -run TestE2EHostileClients ./cmd/belfry -answered-within 2s | grep -E 'clients in|ok|FAIL|wrong'

bench-compare: build ## Measure in turns with another program, BEFORE=FILE: what a delivery costs more
	@$(GO) build -trimpath -o bin/bench ./cmd/bench
	@exec bin/bench compare $(if $(SCENARIOS),--scenarios='$(SCENARIOS)') $(BENCHFLAGS) '$(BEFORE)'

bench-go: ## Measure accept, work and record by themselves: CPU per alert and per delivery
	@$(GO) test -run '^$$' -bench . -benchtime 3s ./internal/dispatch/

fuzz: ## Fuzz what parses, 20 seconds each
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$pkg; done; done

generate: ## Generate Go and TypeScript types from openapi.yaml
	@$(TOOL) oapi-codegen -config internal/api/oapi-codegen.yaml -o internal/api/api.gen.go openapi.yaml
	@$(WITH_NODE) $(MAKE) -s $(NPM_CI) && cd web && npm run --silent generate; fi

format: ## Format Go files, and the console's
	@$(TOOL) gofumpt -w $(GOFILES)
	@$(WITH_NODE) $(MAKE) -s $(NPM_CI) && cd web && npm run --silent format; fi

COMPOSE = BELFRY_COMMIT=$(COMMIT) BELFRY_BUILD_DATE=$(DATE) docker compose

up: ## Build and run with docker compose; init ends before a running Belfry is touched
	$(COMPOSE) build && $(COMPOSE) run --rm init && $(COMPOSE) up

clean: ## Remove what was built; data stays
	rm -rf bin web/node_modules && find web/dist -mindepth 1 ! -name .gitkeep -delete
