# `make demo` and `make test` do all of their own set-up: they need Python 3.11 or newer with venv, gcc, g++ and make.
# What is done is not done again: the stamps in .venv are newer than the files that they depend on.

PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory

# Both names, since pip reads the first for packages and, from 25.3, the second for what they are built with.
# A compiler per processor: llama-cpp-python's build reads the third.
PIP_INSTALL = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	CMAKE_BUILD_PARALLEL_LEVEL=$${CMAKE_BUILD_PARALLEL_LEVEL:-$$(nproc 2>/dev/null || echo 2)} \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test check docs clean

help:
	@echo "make demo   install, pull the models, index examples/ and ask three questions"
	@echo "make test   install, pull the test models, run every check and every test"
	@echo "make check  the checks and tests alone, without the models"
	@echo "make docs   write docs/cli.md again from the command line's own help"
	@echo "make clean  delete .venv and what the tools left; models and indexes stay"

demo: .venv/installed
	@$(BIN)/python benchmarks/demo.py

test: .venv/installed-dev
	$(BIN)/agentkit models pull smollm2-135m all-minilm-l6-v2
	@$(MAKE) check

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

docs: .venv/installed-dev
	$(BIN)/python -m tests.architecture.test_docs

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "agentkit needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip show --quiet llama-cpp-python 2>/dev/null || { \
		for tool in gcc g++; do command -v $$tool >/dev/null \
			|| { echo "$$tool is missing: apt-get install build-essential"; exit 1; }; done; \
		echo "Installing PyTorch and 100 other packages, and compiling llama-cpp-python for this machine:" \
			"about 6 minutes on two cores, 3 to 5 of them for the compiler."; }
	@started=$$(date +%s); $(PIP_INSTALL) --editable . \
		&& echo "Installed in $$(($$(date +%s) - started)) s."
	@touch $@

.venv/installed-dev: .venv/installed
	@started=$$(date +%s); $(PIP_INSTALL) --editable '.[dev]' \
		&& echo "Installed what the tests need in $$(($$(date +%s) - started)) s."
	@touch $@
