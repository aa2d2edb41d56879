# Every target brings what it needs: plain `python3 -m venv` and pip, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-$(shell cksum requirements/run.txt 2>/dev/null | cut -d' ' -f1)
DEV := $(VENV)/.dev-$(shell cksum requirements/dev.txt 2>/dev/null | cut -d' ' -f1)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --prefer-binary

.DEFAULT_GOAL := help
.PHONY: help install up demo test test-clients check bench bench-identity openapi lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

install: $(RUN) ## the environment for running, in .venv

up: $(RUN) ## the whole system on this machine, data kept in .data/
	@$(BIN)/python -m sandbox up

demo: $(RUN) ## a day of a real shop's orders on a fresh stack, then the reconciler's verdict
	@$(BIN)/python -m sandbox demo

test: $(DEV) ## every test, against real PostgreSQL, Temporal and HTTP
	@$(BIN)/python -m pytest -q --no-header -n 2 --dist loadfile $(TEST_ARGS)

test-clients: $(DEV) ## clients generated from docs/openapi.json compile and place an order (needs Node 20, npm, PyPI)
	@TEST_CLIENTS=1 $(BIN)/python -m pytest -q --no-header tests/clients $(TEST_ARGS)

check: $(DEV) ## formatting, lint, types, who may import whom, migrations, containers, docs/openapi.json
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.contracts

bench: $(DEV) ## orders per second and latencies, as ratios to the bare floor in the same run
	@$(BIN)/python -m benchmarks

bench-identity: $(DEV) ## what signing in costs, whom a login storm disturbs, what times give away
	@$(BIN)/python -m benchmarks identity

openapi: $(DEV) ## docs/openapi.json anew, after the api has changed
	@$(BIN)/python -m tests.contracts.openapi

lock: ## requirements/*.txt anew from pyproject.toml (needs uv, for maintainers only)
	@for set in run dev; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate $$([ $$set = dev ] && echo --extra dev) pyproject.toml -o requirements/$$set.txt; done

clean: ## removes the environment, the caches and the data
	@rm -rf $(VENV) .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' is missing: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed, this is $$($(PYTHON) -V): set PYTHON=python3.12, say" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "make: this Python has no ensurepip: install the package python3-venv (Debian, Ubuntu) or python3-pip and try again" >&2; exit 1; }
	@echo "making $(VENV)"; $(PYTHON) -m venv $(VENV)

$(RUN): $(VENV)/bin/python
	@echo "installing requirements/run.txt into $(VENV) (once)"; $(PIP) -r requirements/run.txt && touch $@

$(DEV): $(VENV)/bin/python
	@echo "installing requirements/dev.txt into $(VENV) (once)"; $(PIP) -r requirements/dev.txt && touch $@
