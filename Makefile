# What people do with this checkout. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
INSTALLED := .venv/.installed
PACKAGES := shared/contracts shared/runtime shared/sky \
	services/core services/upload services/cpcs services/harvester services/web \
	deploy/local
CODE := $(foreach package,$(PACKAGES),$(wildcard $(package)/bhtom_*))

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort \
		| awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock $(wildcard $(addsuffix /pyproject.toml,$(PACKAGES)))
	@scripts/install $(PACKAGES)

.PHONY: setup
setup: $(INSTALLED) ## Install everything into .venv (other targets do it by themselves)

# --- the suite on this machine -------------------------------------------------------

.PHONY: demo up status logs down fresh
demo: $(INSTALLED) ## Start the suite, load a small sky, show a light curve
	@$(BIN)/bhtom-local demo

up: $(INSTALLED) ## Start the suite; returns when all is ready
	@$(BIN)/bhtom-local up

status: $(INSTALLED) ## Show every part: state, pid, memory, address, health
	@$(BIN)/bhtom-local status

logs: $(INSTALLED) ## Show the logs; PART=core for one part, FOLLOW=1 to go on
	@$(BIN)/bhtom-local logs $(PART) $(if $(FOLLOW),--follow)

down: $(INSTALLED) ## Stop everything that was started
	@$(BIN)/bhtom-local down

fresh: $(INSTALLED) ## Stop and remove all local data (asks; YES=1 does not)
	@$(BIN)/bhtom-local fresh $(if $(YES),--yes)

# --- tests -----------------------------------------------------------------------------

.PHONY: test test-unit test-integration test-e2e chaos bench lint types
test: lint types test-unit test-integration test-e2e chaos-short ## Everything that must pass

test-unit: $(INSTALLED) ## Pure tests, contracts and architecture
	$(BIN)/pytest -m unit

test-integration: $(INSTALLED) ## Tests on a real PostgreSQL and a real Kafka
	$(BIN)/pytest -m integration

test-e2e: $(INSTALLED) ## The whole suite over HTTP and in a browser (needs chromium)
	@scripts/system-packages chromium
	$(BIN)/pytest -m e2e

.PHONY: chaos-short
chaos-short: $(INSTALLED)
	$(BIN)/pytest -m chaos

chaos: $(INSTALLED) ## Kill processes at random for a long time; nothing may be lost
	CHAOS=long $(BIN)/pytest -m chaos -s

bench: $(INSTALLED) ## Measure, and rewrite docs/measured.md (needs source-extractor)
	@scripts/system-packages source-extractor
	$(BIN)/python -m tests.bench $(ONLY)

lint: $(INSTALLED) ## Check format and lint rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED) ## Check types
	$(BIN)/mypy $(CODE)

# --- files that are made from others ------------------------------------------------------

.PHONY: lock docs
lock: $(INSTALLED) ## Write requirements.lock anew (UPGRADE=1 takes newer versions)
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade) $(PACKAGES)

docs: $(INSTALLED) ## Write the event catalogue (JSON Schema, AsyncAPI) anew
	@$(BIN)/bhtom-contracts
