# `make demo` and `make test` do all of their own set-up: they need Python 3.11 or newer with venv, gcc, g++ and make.
# What is done is not done again: the stamps in .venv are newer than the files that they depend on.

PYTHON ?= python3
BIN := .venv/bin
# A compiler per processor; llama-cpp-python's build reads it.
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check docs clean help

help:
	@echo "make demo   install, pull the models, index examples/ and ask three questions"
	@echo "make test   install, pull the test models, run every check and every test"
	@echo "make check  the checks and tests alone, without set-up"

demo: .venv/installed
	@$(BIN)/python benchmarks/demo.py

test: .venv/installed-dev
	$(BIN)/agentkit models pull smollm2-135m all-minilm-l6-v2
	$(MAKE) check

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

docs: .venv/installed-dev
	$(BIN)/python -m tests.architecture.test_docs

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "agentkit needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@for tool in gcc g++; do command -v $$tool >/dev/null \
		|| { echo "$$tool is missing: apt-get install build-essential"; exit 1; }; done
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null \
		|| echo "Installing. llama-cpp-python is compiled for this machine: 3 to 5 minutes on two cores."
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
