# The door of the house. `make` alone tells what there is.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
TARGET := $(or $(CARGO_TARGET_DIR),target)
WASM := $(TARGET)/wasm32-unknown-unknown/wasm-release/frontend.wasm
SITE := $(TARGET)/site
LISTEN ?= 127.0.0.1:3000
DATA ?= ./data
BUNDLE_FLAGS ?=
say = @printf '\n== %s\n'

.PHONY: help run test site server journeys clients screenshots million dev chaos fuzz goaway bench bench-console nodes format setup-run setup-test clean-data

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: setup-run ## install what is missing, build, start the demo on http://127.0.0.1:3000 (data in ./data)
	@$(MAKE) --no-print-directory site server
	$(say) "starting: data in $(DATA), stop with Ctrl-C"
	@CARILLON_SITE_DIR=$(SITE) CARILLON_LISTEN=$(LISTEN) CARILLON_DATA_DIR=$(DATA) exec $(TARGET)/release/carillon demo

test: setup-test ## everything: format, lints, tests, dependency rules, budgets, journeys in Chromium
	@node scripts/test.mjs

site: ## the browser's part: wasm, glue, styles, in target/site
	$(say) "building the browser's part (some minutes the first time)"
	@cargo build --locked -p frontend --lib --target wasm32-unknown-unknown --profile wasm-release
	$(say) "making the site folder"
	@cargo run --locked --release -q -p bundle -- $(WASM) --site $(SITE) $(BUNDLE_FLAGS)

server: ## the release server, target/release/carillon
	$(say) "building the server (some minutes the first time)"
	@cargo build --locked --release -p server

journeys: ## the journeys of end2end against the release build (needs: make site server)
	@cd end2end && CARILLON_BIN=$(abspath $(TARGET)/release/carillon) CARILLON_SITE_DIR=$(abspath $(SITE)) npx --no-install playwright test $(JOURNEY)

clients: ## other people's APNs clients against the simulator (needs: make server)
	@CARILLON_BIN=$(abspath $(TARGET)/release/carillon) node end2end/clients/run.mjs

screenshots: setup-test site server ## take the pictures of README and of every page (docs/screens) again
	@SCREENSHOTS=$(abspath docs/images) SCREENS=$(abspath docs/screens) $(MAKE) --no-print-directory journeys JOURNEY="--project sqlite pictures routes"

million: setup-test site server ## a campaign over all lanes from the browser with an outage and a quota cut (DEVICES=1000000, OUTAGE_S=300)
	@cd end2end && CARILLON_BIN=$(abspath $(TARGET)/release/carillon) CARILLON_SITE_DIR=$(abspath $(SITE)) \
		DEVICES=$(or $(DEVICES),1000000) OUTAGE_S=$(or $(OUTAGE_S),300) npx --no-install playwright test --config measure.config.mjs

dev: setup-run ## the demo from a debug build of the server, for working on it
	@$(MAKE) --no-print-directory site
	@CARILLON_SITE_DIR=$(SITE) CARILLON_LISTEN=$(LISTEN) CARILLON_DATA_DIR=$(DATA) cargo run --locked -p server -- demo

chaos: setup-run ## the long form of the kill -9 rounds (30 rounds, 100,000 devices)
	@CARILLON_CHAOS_ROUNDS=$(or $(ROUNDS),30) CARILLON_CHAOS_DEVICES=$(or $(DEVICES),100000) \
		cargo test --locked --release --test chaos -- --nocapture

fuzz: setup-run ## a million bent answers and receipts to every dialect (CASES=, SEED=)
	@CARILLON_FUZZ_CASES=$(or $(CASES),1000000) CARILLON_FUZZ_SEED=$(or $(SEED),$(shell date +%s)) \
		cargo test --locked --release --lib vendors::fuzz -- --nocapture

goaway: setup-run ## 500 GOAWAYs and 100 collapses of the stream limit during a million APNs notifications
	@CARILLON_GOAWAY_DEVICES=$(or $(DEVICES),1000000) CARILLON_GOAWAYS=$(or $(GOAWAYS),500) CARILLON_COLLAPSES=$(or $(COLLAPSES),100) \
		cargo test --locked --release --test journeys goaway -- --nocapture

bench: setup-run server ## what a device message, a call and a crowd row cost; kept in docs/benchmarks.md
	@cargo bench --locked --bench bench -- --page $(abspath docs/benchmarks.md)

nodes: setup-test ## one, two and four nodes at one PostgreSQL and Redis over all lanes, one killed; kept in docs/benchmarks.md
	@cargo bench --locked --bench bench -- nodes1 nodes2 nodes4 killed $(SHORT) --page $(abspath docs/benchmarks.md)

bench-console: setup-run ## what the console's pages ask of a store with ten million device messages
	@cargo bench --locked --bench bench -- console

format: ## write everything in the house's format
	@cargo fmt --all

setup-run:
	@scripts/setup run

setup-test:
	@scripts/setup test

clean-data: ## forget the demo's data (asks first)
	@read -r -p "remove $(DATA)? [y/N] " yes && [ "$$yes" = y ] && rm -rf -- $(DATA)
