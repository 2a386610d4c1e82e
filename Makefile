# Everything a developer does here is a target below; each one does its own set-up.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

TOOLS    := go tool -modfile=internal/tools/go.mod
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X github.com/orrery-catalog/orrery/internal/build.version=$(VERSION)
BENCH    ?= .
COUNT    ?= 6
BASE     ?= main
FUZZTIME ?= 30s
SOAK     ?= 20m

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Serve the demo company on http://127.0.0.1:7007
	bin/orrery serve --demo

.PHONY: build
build: web ## Build bin/orrery with the UI inside
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/orrery ./cmd/orrery

.PHONY: web
web: web/dist/index.html ## Build the UI bundle (needs Node 20 or newer)

web/node_modules: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js (20 or newer, with npm) is needed to build the UI: install it and run make again" >&2; exit 1; }
	cd web && npm ci --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules $(shell find web -not -path '*/node_modules*' -not -path '*/dist*' -type f \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.json' -o -name '*.graphql' -o -name '*.mjs' -o -name '*.svg' \) 2>/dev/null) $(wildcard schema/*.graphqls)
	cd web && npm run build

.PHONY: test
test: bin/withservers chromium ## Run every test, in Go and in the UI; writes bin/test.json
	$(MAKE) -j2 servers test-ui
	bin/withservers $(TOOLS) gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg --jsonfile bin/test.json -- -timeout 30m ./...

# What the Go tests need of the UI comes with it: the bundle, and a browser.
.PHONY: test-ui
test-ui: web chromium
	cd web && npm test

.PHONY: test-short
test-short: bin/withservers ## Run the quick tests, in under 3 minutes
	bin/withservers -built go test -short ./...

.PHONY: test-race
test-race: bin/withservers ## Run the quick tests under the race detector
	bin/withservers -built go test -race -short -timeout 20m ./...

# A browser for the UI's end-to-end test. Where it cannot be installed, that test is skipped and says so.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || echo "no Chromium: the browser test will be skipped"

# Starts one Neo4j and one Kubernetes for all packages, on free ports, and ends them with the tests.
.PHONY: bin/withservers
bin/withservers: java
	@mkdir -p bin
	@go build -o $@ ./internal/testenv/withservers

.PHONY: servers
servers: bin/withservers ## Fetch and build the servers that tests need: once, for some minutes
	@bin/withservers -prepare

# Java and Maven, for the tests on Neo4j. Where they cannot be installed, those are skipped and say so.
.PHONY: java
java:
	@command -v java >/dev/null && command -v mvn >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless maven >/dev/null; } || echo "no JDK 17 and Maven: the tests on Neo4j will be skipped"

.PHONY: lint
lint: ## Check style, imports and likely mistakes
	$(TOOLS) golangci-lint run ./...
	cd web && npm run lint

.PHONY: generate
generate: web/node_modules ## Write all generated files anew
	go generate ./...
	cd web && npm run generate

.PHONY: check-generated
check-generated: generate ## Fail if a generated file is not current
	@git diff --exit-code -- schema/gen web/src || { echo "generated files are not current: run make generate and commit" >&2; exit 1; }
	@[ -z "$$(git ls-files --others --exclude-standard -- schema/gen web/src)" ] || { echo "generated files are not committed: run make generate and commit" >&2; exit 1; }

.PHONY: bench
bench: java ## Run the benchmarks (BENCH=regexp COUNT=n) and show them by benchstat
	@mkdir -p bin
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 60m ./... | tee bin/bench.txt
	$(TOOLS) benchstat bin/bench.txt

.PHONY: bench-compare
bench-compare: java ## Compare the benchmarks with those of another commit (BASE=main)
	@mkdir -p bin
	rm -rf bin/base && git worktree prune && git worktree add --detach bin/base '$(BASE)'
	cd bin/base && go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 60m ./... > ../base.txt
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 60m ./... > bin/head.txt
	git worktree remove --force bin/base
	$(TOOLS) benchstat bin/base.txt bin/head.txt

.PHONY: fuzz
fuzz: ## Fuzz every parser in turn (FUZZTIME=30s each)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | sed 's/^func //' | while read -r name; do \
	    echo "== $$dir $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' "$$dir"; \
	  done; \
	done

# kube-score comes from its module; kube-linter and polaris are run where they are on PATH.
.PHONY: peers
peers: ## Ask other checkers about the cases of internal/peers; writes what they say and docs/health-compared.md
	ORRERY_PEERS=1 go test -count 1 -run '^TestPeersSay$$' ./internal/peers -update
	go test -count 1 -run '^TestPage$$' ./internal/peers -update
	ORRERY_PEERS=1 go test -count 1 ./internal/peers

.PHONY: peers-traces
peers-traces: ## Compare spans a second with the OpenTelemetry service-graph connector, on the same requests in one run
	cd internal/peers/servicegraph && go run -mod=mod . -rounds $(or $(ROUNDS),5)

.PHONY: soak
soak: ## Run the server under random changes, questions and subscribers (SOAK=20m), every answer checked
	go test -run '^TestSoak$$' -v -count 1 -timeout 120m ./cmd/orrery -soak '$(SOAK)'

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 -not -name .keep -delete 2>/dev/null || true
