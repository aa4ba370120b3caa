# Thin verbs over tools/. Each sets up what it needs by itself; doing it again costs a second.
#
#   ARGS=...          words for `cocoon up`:        make up ARGS='--once --prompt Hello --json'
#   JOBS=n            compilers at once (default: what cores and memory allow)
#   SANITIZERS=0|1    `make test` with ASan/UBSan and TSan builds of the unit tests (default: 1 where CI is set)
#   ONLY='unit e2e'    `make test` with these suites of tests/suites.txt only
#   SECONDS_EACH=n    how long `make fuzz` gives each target (default 20)
#   MINUTES=n SEED=n  how long `make crash` kills nodes (default 1), and in which order; how long `make soak` asks, and what
#   SEEDS=n STEPS=n    how many networks `make sim` simulates, for how long; SEED=n replays one
#   PRESET=name       what `make build` builds (default release)
ARGS ?=
PRESET ?= release
SECONDS_EACH ?= 20
export JOBS SANITIZERS ONLY SECONDS_EACH MINUTES SEED SEEDS STEPS

.DEFAULT_GOAL := help
.PHONY: help up test build bench crash soak lint format contracts fuzz sim sim-mutations asan tsan fresh-check clean
MAKEFLAGS += --no-print-directory

help: ## prints this
	@grep -hE '^[a-z-]+: ## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+): ## /  make \1\t/' | expand -t 22

up: ## a whole network on this machine: chain, proxy, worker, model, client on 127.0.0.1:10000; Ctrl-C stops it
	@tools/verb build
	@exec build/release/bin/cocoon up $(ARGS)

test: ## everything: format, arrows, contracts, unit tests, tests of the whole; ends with "N passed, N failed"
	@tools/verb test

build: ## build/release/bin/cocoon, and no more
	@tools/verb build $(PRESET)

bench: ## speed and memory against the backend alone, in one run
	@tools/verb bench

crash: ## kills nodes under load for MINUTES (1), then follows every nanoTON; SEED=n does it again in the same order
	@tools/verb crash

soak: ## mixed load and failing engines for MINUTES (1): no memory, stream or reservation is left over, the books agree
	@tools/verb soak

lint: ## format, arrows between rooms, clang-tidy
	@tools/verb lint

format: ## lays out the source with clang-format
	@tools/verb format

contracts: ## build/contracts/{root,proxy,client,worker,wallet}.boc from the Tolk sources
	@tools/verb contracts

fuzz: ## feeds every decoder hostile bytes, SECONDS_EACH (20) seconds each
	@tools/verb fuzz

sim: ## simulates SEEDS (100) networks with faults for STEPS (4000) steps each and audits the money; SEED=n replays one
	@tools/verb sim

sim-mutations: ## breaks the line that keeps each invariant, and shows that the simulator notices
	@tools/verb sim-mutations

asan: ## the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/verb asan

tsan: ## the unit tests with ThreadSanitizer
	@tools/verb tsan

fresh-check: ## proves `make up` and `make test` in a bare Debian 12 tree, where nothing is installed (root)
	@tools/fresh-check

clean: ## removes build/ (but keeps the downloads) and node_modules/
	@tools/verb clean
