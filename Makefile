# Commands for people and for CI. `make demo` and `make test` work on a fresh clone: Python 3.11 or newer, make, git.

PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_DISABLE_TELEMETRY := 1
TIMES ?= 1
ifndef SEED
SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
endif

.PHONY: install install-dev demo dev test fuzz check format reference lock clean help

help:            ## What there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

install: .venv/installed            ## The environment with the evenhand command
demo: .venv/installed               ## Make up a small organisation, run the real pipeline on it, say where the packets are
	$(BIN)/evenhand demo --out demo

dev: .venv/installed                ## Open Dagster on this checkout
	mkdir -p var/dagster && ln -sf $(CURDIR)/dagster.yaml var/dagster/dagster.yaml
	DAGSTER_HOME=$(CURDIR)/var/dagster $(BIN)/dagster dev -m pipelines.dagster_definitions

test: .venv/installed-dev           ## All tests
	$(BIN)/python -m pytest -q --numprocesses auto --dist worksteal

fuzz: .venv/installed-dev           ## Property tests with fresh examples; TIMES=20 for so many times as many
	@echo "The same once more: make fuzz SEED=$(SEED) TIMES=$(TIMES)"
	EVENHAND_FUZZ_TIMES=$(TIMES) $(BIN)/python -m pytest -q -m hypothesis --hypothesis-seed=$(SEED) \
		--numprocesses auto --dist worksteal

check: .venv/installed-dev          ## Formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev         ## Put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: .venv/installed          ## The pages of docs/ that come from the catalogue and columns.toml
	$(BIN)/python -m pipelines.reference

lock:                               ## Renew the hashed locks (needs uv on the PATH)
	uv pip compile requirements.in requirements-build.in $(LOCK) -o requirements.txt
	uv pip compile requirements-dev.in -c requirements.txt $(LOCK) -o requirements-dev.txt

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-annotate --no-header --no-strip-extras --upgrade

clean:                              ## Remove the environment, the demo and caches
	rm -rf .venv demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; found: $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
