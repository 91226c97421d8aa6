# One command each: `make demo` runs the console with sample data, `make test` runs every test.

GO  ?= go
export CGO_ENABLED ?= 0

.PHONY: help demo dev build test test-long check generate vendor fmt

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: ## run the console with a made-up organisation on http://127.0.0.1:8080 (needs only Go)
	$(GO) run ./cmd/qingdang demo

dev: ## the same, rebuilt when a template changes
	$(GO) tool -modfile=tools.mod templ generate --watch --proxy="http://127.0.0.1:8080" --cmd="$(GO) run ./cmd/qingdang demo"

build: ## build ./qingdang and ./qingdang-verify
	$(GO) build -trimpath -o . ./cmd/qingdang ./cmd/qingdang-verify

test: ## install what the tests need and run every test, on SQLite and on a private MariaDB
	@bash .ci/prepare
	$(GO) vet ./...
	$(GO) run ./models/db/dbtest/server $(GO) test -timeout 60m ./...

test-long: ## the same with the fault tests at full size and ten minutes of fuzzing for each target, as before a release: takes hours
	@bash .ci/prepare
	QINGDANG_TEST_TIER=long $(GO) run ./models/db/dbtest/server $(GO) test -p 1 -timeout 12h ./...
	@bash .ci/fuzz 10m

check: ## what CI runs: generated code is fresh, formatting, static analysis, tests
	bash .ci/run

generate: ## write *_templ.go anew
	$(GO) tool -modfile=tools.mod templ generate

fmt: ## format
	git ls-files '*.go' | grep -v _templ.go | xargs $(GO) tool -modfile=tools.mod gofumpt -w
	$(GO) tool -modfile=tools.mod templ fmt templates

vendor: ## fetch the browser assets of static/vendor anew (needs npm)
	bash static/vendor.sh
