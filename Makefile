# maw's own development. `make` alone lists what there is.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.maw-installed
# Compiling llama.cpp takes up to 2 GiB a job; more jobs than cores do not help.
BUILD_JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Processes that run the tests; each file's tests stay together. The fast ones wait a lot, for git and for runners, so
# there is one more than two cores; the slow ones compute.
TEST_JOBS ?= 3
SLOW_TEST_JOBS ?= 2
# Further arguments: `make test ARGS="tests/cli -k config"`, `make bench ARGS=cli`.
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help env demo test test-all lint docs audit format bench clean distclean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(STAMP)  ## make the environment in .venv (the first time compiles llama.cpp: 8 to 20 minutes)

$(STAMP): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" BUILD_JOBS="$(BUILD_JOBS)" sh scripts/make-env.sh
	@touch $@

demo: $(STAMP)  ## the whole way once: commit, review over SSH by a tiny model, note, history
	@$(BIN)/python -m demo

test: $(STAMP)  ## the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_JOBS) --dist loadfile $(ARGS)

# pytest says 5 when nothing matched.
test-all: test  ## every test, and properties with many more examples
	$(BIN)/python -m pytest -m "slow or fuzz" --hypothesis-profile many --timeout 900 \
		-n $(SLOW_TEST_JOBS) --dist loadfile $(ARGS) || [ $$? -eq 5 ]

lint: $(STAMP)  ## style, types, who imports whom, and whether the docs tell the truth
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_docs.py tests/test_import_hygiene.py

docs: $(STAMP)  ## write what tests know into the docs: the ways to commit, the keys and pictures of the UI
	$(BIN)/python -m tests.hooks.table
	$(BIN)/python -m tests.tui.guide

audit:  ## known weaknesses of the tested set of packages; skipped, with a reason, where their data is out of reach
	@$(PYTHON) scripts/audit.py

format: $(STAMP)  ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## measure, beside the budgets, into benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## remove caches, builds and the demo; .venv stays
	rm -rf .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find maw hooks remote tui tests benchmarks demo scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf "$(VENV)"
