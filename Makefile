# Everything a maintainer or an instructor types. `make` alone lists the targets.
#
# The environment is made in .venv on first use and again when pyproject.toml changes; after that nothing
# here needs the internet.

PYTHON ?= python3
# PyTorch without CUDA comes from PyTorch's own index; the ordinary index would bring gigabytes of CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH_VERSION ?= 2.13.0
# Arguments for pytest, such as `make test ARGS="-k bundle"`.
ARGS ?=

# The tests of a file share what they set up (a graded class, a bundle), so they stay in one process; files are taken
# in order, since the longest of them hold few tests and would otherwise come last, alone.
WORKERS := -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input
TORCH := torch==$(TORCH_VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo test notebooks misconceptions mutations attacks lint prove clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for file in $(wildcard bench/*.py); do \
		printf "make %-16s run %s\n" "bench-$$(basename $$file .py)" "$$file"; \
	done

demo: $(BIN)/.instructor  ## build a release, grade a sample class, show the scores
	@$(BIN)/autograder demo build/demo

test: $(BIN)/.test  ## run the tests; says at the end what was left out
	@$(BIN)/python -m pytest $(WORKERS) -q $(ARGS)

notebooks: $(BIN)/.instructor  ## generate notebooks/ from solutions/
	@$(BIN)/python -m autograder.source

misconceptions: $(BIN)/.test  ## write docs/misconceptions.md: which known mistake fails which cases
	@$(BIN)/python -m tests.exercises.table

mutations: $(BIN)/.test  ## write docs/mutations.md: which small changes of the solutions go unnoticed
	@$(BIN)/python -m tests.prove.mutations

attacks: $(BIN)/.test  ## write docs/attacks.md: what hostile submissions try, and what becomes of them
	@$(BIN)/python -m tests.attacks.table

lint: $(BIN)/.test  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

prove: $(BIN)/.test  ## the long proofs: mutation runs, kill trials
	@$(BIN)/python -m pytest $(WORKERS) -m prove $(ARGS)

bench-%: $(BIN)/.test
	@$(BIN)/python bench/$*.py

clean:  ## remove what was built, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# --- the environment ---------------------------------------------------------------------------------------

$(BIN)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is missing or older than 3.11; name another: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv."; \
		  echo "Without root, name another Python: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@touch $@

$(BIN)/.torch: $(BIN)/.python
	@echo "Installing PyTorch $(TORCH_VERSION) ..."
	@if nvidia-smi -L >/dev/null 2>&1; then \
		$(PIP) -q "$(TORCH)"; \
	else \
		$(PIP) -q --index-url "$(TORCH_INDEX)" --timeout 10 --retries 0 "$(TORCH)" 2>/dev/null || \
		{ echo "$(TORCH_INDEX) cannot be reached; taking the ordinary package index"; $(PIP) -q "$(TORCH)"; }; \
	fi
	@touch $@

# An editable install; with setuptools already there it can be repeated without the internet.
$(BIN)/.instructor $(BIN)/.test: $(BIN)/.%: pyproject.toml $(BIN)/.torch
	@echo "Installing what the course needs [$*]; a few minutes the first time ..."
	@$(PIP) -q "setuptools>=77"
	@$(PIP) -q --no-build-isolation -e ".[$*]"
	@touch $@
