# Needs make and Python 3.11 or newer, nothing else; each target installs what it uses into .venv.
# PYTHON=… chooses the interpreter: if .venv has another version of Python, .venv-3.13 or the like is used instead.
# PYTEST=… adds arguments to the tests.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
ifneq ($(origin PYTHON),file)
CHOSEN := $(shell '$(PYTHON)' -c 'import sys; sys.version_info < (3, 11) or print("%d.%d" % sys.version_info[:2])')
$(if $(CHOSEN),,$(error PYTHON=$(PYTHON) is not a Python 3.11 or newer; name another))
PRESENT := $(shell sed -n 's/^version[_a-z]* *= *\([0-9]*\.[0-9]*\).*/\1/p' .venv/pyvenv.cfg 2>/dev/null)
VENV ?= .venv$(if $(filter-out $(CHOSEN),$(PRESENT)),-$(CHOSEN))
endif
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
# UV=uv installs by uv, which is quicker.
PIP := $(if $(UV),$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
DEMO ?= .demo

.DEFAULT_GOAL := help
.PHONY: help venv run demo test test-quick test-lowest soak lint hooks bench clean

help: ## this text
	@sed -n 's/^\([-a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

venv: $(INSTALLED)-agent,test ## .venv with everything that the agent and the tests need

run: $(INSTALLED)-agent ## set up and run the agent on this host
	@$(BIN)/tsmon-agent run

demo: $(INSTALLED)-agent ## five years of data of an ocean observatory, and live ones, on the agent's pages; DEMO=directory
	@$(BIN)/python -m examples.demo '$(DEMO)'

test: $(INSTALLED)-agent,test ## set up and run all tests, on the real InfluxDB where it can be had
	@$(BIN)/python tests/services/install_influxd.py --if-possible
	@$(BIN)/python -m pytest $(PYTEST)

test-quick: $(INSTALLED)-agent,test ## set up and run the tests that need no server and no browser
	@TSMON_TEST_QUICK=1 $(BIN)/python -m pytest $(PYTEST)

test-lowest: ## the quick tests with the lowest versions of the dependencies that pyproject.toml allows
	@$(MAKE) --no-print-directory test-quick VENV=.venv-lowest LOWEST=1

soak: $(INSTALLED)-agent,test ## kill a service fifty times, pause it and its server for a minute: nothing acknowledged is lost
	@$(BIN)/python tests/services/install_influxd.py --if-possible
	@TSMON_TEST_KILLS=50 TSMON_TEST_PAUSE_S=60 $(BIN)/python -m pytest tests/tsmon/monitor/test_kill.py \
		tests/tsmon/monitor/test_monitor.py -k 'kill or pause' $(PYTEST)

lint: $(INSTALLED)-agent,lint,test ## formatting, style, types, and who may import whom
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

hooks: $(INSTALLED)-agent,lint,test ## run the linters before each commit
	@$(BIN)/pre-commit install

bench: $(INSTALLED)-bench ## measure; python -m benchmarks.<name> runs one
	@$(BIN)/python -m benchmarks

clean: ## remove .venv and everything else that was generated
	rm -rf .venv .venv-* .demo dist .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED)-%: pyproject.toml | $(BIN)/python
	@echo "installing tsmon[$*] into $(VENV)"
	@$(if $(LOWEST),$(BIN)/python tests/services/lowest_versions.py >'$(VENV)/lowest.txt')
	@$(PIP) --editable '.[$*]' $(if $(LOWEST),--constraint '$(VENV)/lowest.txt')
	@touch '$@'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "tsmon needs Python 3.11 or newer; install it, or name it: make PYTHON=…" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "python venv failed; on Debian: apt-get install python3-venv" >&2; \
		rm -rf $(VENV); exit 1; }
