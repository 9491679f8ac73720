# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
# node 24 comes with `npm ci`; everything below runs under it.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
LAB := node test/e2e/lab/main.ts
PACKAGE_LISTS := bpf/packages.txt cli/packages.txt agent/kernel/native/packages.txt build/packages.txt test/e2e/lab/packages.txt

.PHONY: help unit guest setup packages compile build check generate test fuzz demo bench bypasses verified lab-build lab-up lab-down clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: build ## install what is missing, build, link `npx guardbee`
	@echo "setup: done; try: npx guardbee --help"

packages:
	@missing=$$(sed 's/#.*//' $(PACKAGE_LISTS) | xargs -n1 | sort -u | while read -r name; do \
	  dpkg-query -W -f '$${Status}' "$$name" 2>/dev/null | grep -q '^install ok installed' || echo "$$name"; done); \
	if [ -n "$$missing" ]; then \
	  [ "$$(id -u)" = 0 ] || { echo "setup: these Debian packages are missing; install them, or run make as root:" $$missing >&2; exit 1; }; \
	  echo "setup: installing" $$missing; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@bash test/e2e/lab/apt.sh

node_modules: package-lock.json
	@command -v npm >/dev/null || { echo "setup: npm is missing; install Node.js 20 or later" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build: compile ## BPF objects, addon, Rego module
	@node agent/layout/generate.ts --check

# Apart from `build`, which wants the generated layout to be that of bpf/: `generate` writes it.
compile: packages node_modules
	$(MAKE) -C bpf
	$(MAKE) -C agent/kernel/native
	$(MAKE) -C rego OPA="$$(node build/tools.ts --json opa | jq -r .opa)"

generate: compile ## CRDs, layouts and reference pages from their sources
	node agent/layout/generate.ts
	node agent/wire/generate.ts
	node policy/schema/generate.ts
	node policy/generate-compatibility.ts
	node policy/generate-policy-fields.ts
	node operator/metrics/generate.ts
	node agent/metrics/generate.ts
	node cli/generate-flags.ts
	node test/e2e/bypass/generate.ts
	node test/verifier/generate.ts

check: build ## types, style, layers, generated files
	node test/run.ts static

test: build lab-build ## the last line says how many passed and failed; ALL=1: the long ones, too
	OPA="$$(node build/tools.ts --json opa | jq -r .opa)" node test/run.ts $(if $(ALL),--all)

fuzz: node_modules ## what nobody would send to each server of ours; broken files, records and policies; 10 minutes each; MINUTES=10
	GUARDBEE_FUZZ_MINUTES=$(or $(MINUTES),10) node --test --test-concurrency=1 --test-reporter=spec '**/*.fuzz.test.ts'

unit: build ## one unit test file, without a cluster: F=policy/parse.test.ts, T=a pattern of test names
	OPA="$$(node build/tools.ts --json opa | jq -r .opa)" GUARDBEE_TESTS=all \
	  node --test $(if $(T),--test-name-pattern='$(T)') $(F)

guest: build ## one test file in a virtual machine: F=agent/kernel/engine.guest.test.ts, T=a pattern, K=debian-6.12
	node test/e2e/lab/guest.ts --kernel $(or $(K),lab) -- \
	  node --test --test-reporter=spec $(if $(T),--test-name-pattern='$(T)') $(CURDIR)/$(F)

demo: build ## a cluster of two nodes, both seed policies, the scenes; KEEP=1 leaves it up
	node test/e2e/demo.ts $(if $(KEEP),--keep)

bench: build ## count instructions in a guest, rewrite bench/results.json and docs/benchmarks.md
	node bench/run.ts

bypasses: build ## try to get around policies on each kernel, rewrite docs/reference/bypasses.md
	node test/e2e/bypass/main.ts

verified: build ## load every program on each kernel, rewrite docs/reference/verifier.md
	node test/verifier/main.ts

lab-build: node_modules
	node test/e2e/lab/build.ts

lab-up: build ## a real cluster; NODES=2
	$(LAB) up --nodes $(or $(NODES),2)

lab-down: ## remove it
	$(LAB) down

clean: ## remove what was built here; caches outside the repository stay
	$(MAKE) -C bpf clean
	$(MAKE) -C agent/kernel/native clean
	$(MAKE) -C rego clean
	rm -rf node_modules
