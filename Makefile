# Each target installs what it needs with `python3 -m venv` and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-$(shell cksum requirements/run.txt 2>/dev/null | cut -d' ' -f1)
DEV := $(VENV)/.dev-$(shell cksum requirements/dev.txt 2>/dev/null | cut -d' ' -f1)
PEERS := .venv-peers/.installed-$(shell cksum requirements/peers.txt 2>/dev/null | cut -d' ' -f1)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --prefer-binary

.DEFAULT_GOAL := help
.PHONY: help install up demo backup restore test test-clients soak check bench bench-identity bench-growth bench-memory bench-peers cluster openapi settings histories pictures pictures-monitoring lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' Makefile

install: $(RUN) ## install the runtime environment into .venv

up: $(RUN) ## run the whole system on this machine; data in .data/
	@$(BIN)/python -m sandbox up

demo: $(RUN) ## replay one day of a real shop, or a file of invoices (DEMO_ARGS), on a new stack and audit the result
	@$(BIN)/python -m sandbox demo $(DEMO_ARGS)

backup: $(RUN) ## write the data of `make up` into a new folder (DIR), also while it runs
	@$(BIN)/python -m sandbox backup $(or $(DIR),$(error DIR is not set: make backup DIR=FOLDER))

restore: $(RUN) ## put a backup (DIR) into the data of `make up`, which must not run (RESTORE_ARGS="--force" replaces data)
	@$(BIN)/python -m sandbox restore $(RESTORE_ARGS) $(or $(DIR),$(error DIR is not set: make restore DIR=FOLDER))

test: $(DEV) ## run all tests, with real PostgreSQL, Temporal and HTTP
	@$(BIN)/python -m pytest -q --no-header -n 3 --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

test-clients: $(DEV) ## generate four clients of docs/openapi.json, type-check them, place an order with each (needs Node 20, npm)
	@TEST_CLIENTS=1 $(BIN)/python -m pytest -q --no-header tests/clients $(TEST_ARGS)

soak: $(DEV) ## run orders while processes are killed, stopped and cut off and an operator acts, and check the result (SOAK_ARGS)
	@$(BIN)/python -m tests.soak $(SOAK_ARGS)

check: $(DEV) ## check formatting, lint, types, import contracts and the project contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.contracts

bench: $(DEV) ## measure orders per second and latencies, relative to a minimal workflow
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-identity: $(DEV) ## measure the cost of signing in, its effect on other requests, and timing differences
	@$(BIN)/python -m benchmarks identity $(BENCH_ARGS)

bench-growth: $(DEV) ## measure the cost of an order with up to a million old orders, plans and sizes (takes a while)
	@$(BIN)/python -m benchmarks growth $(BENCH_ARGS)

bench-memory: $(DEV) ## measure the memory of the application with open orders and event streams
	@$(BIN)/python -m benchmarks memory $(BENCH_ARGS)

bench-peers: $(DEV) $(PEERS) ## compare the saga with the same steps on DBOS and on five regular Temporal activities
	@$(BIN)/python -m benchmarks peers $(BENCH_ARGS)

cluster: $(DEV) ## run Temporal's real server and several processes of each part here (for maintainers; needs Go, haproxy; CLUSTER_ARGS)
	@$(BIN)/python -m benchmarks cluster $(or $(CLUSTER_ARGS),up)

openapi: $(DEV) ## regenerate docs/openapi.json after a change of the API
	@$(BIN)/python -m tests.contracts.openapi

settings: $(DEV) ## write the tables of docs/settings.md and .env.example after a change of a setting
	@$(BIN)/python -m tests.contracts.settings_pages

histories: $(DEV) ## record histories and commands of workflows after a change of a workflow
	@$(BIN)/python -m tests.workflows.record

pictures: $(DEV) ## make the pictures of the pages in docs/pictures (needs Chromium: Debian's package chromium)
	@$(BIN)/python -m tests.web.browser.pictures

pictures-monitoring: $(DEV) ## make the pictures of the dashboards in docs/pictures (needs Debian's chromium and prometheus)
	@$(BIN)/python -m tests.monitoring.pictures

lock: ## regenerate requirements/*.txt from pyproject.toml (needs uv; for maintainers)
	@for set in run dev; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate $$([ $$set = dev ] && echo --extra dev) pyproject.toml -o requirements/$$set.txt; done; \
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate requirements/peers.in -o requirements/peers.txt

clean: ## remove the environment, the caches and the data
	@rm -rf $(VENV) .venv-peers .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' not found: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is required, this is $$($(PYTHON) -V): set PYTHON, for example PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "make: this Python has no ensurepip: install the package python3-venv (Debian, Ubuntu) or python3-pip and run make again" >&2; exit 1; }
	@echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV)

$(RUN): $(VENV)/bin/python
	@echo "installing requirements/run.txt into $(VENV) (once)"; $(PIP) -r requirements/run.txt && touch $@

$(DEV): $(VENV)/bin/python
	@echo "installing requirements/dev.txt into $(VENV) (once)"; $(PIP) -r requirements/dev.txt && touch $@

$(PEERS): $(VENV)/bin/python
	@echo "installing requirements/peers.txt into .venv-peers (once)"; $(PYTHON) -m venv .venv-peers
	@$(subst $(BIN),.venv-peers/bin,$(PIP)) -r requirements/peers.txt && touch $@
