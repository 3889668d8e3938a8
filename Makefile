# smartgate: every command a developer, a technician's bench or CI needs. `make` alone prints this list.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

# Three processes, though most machines that run this have two processors; tests/conftest.py says why.
SHARED_OUT := -n 3 --dist loadscope --no-loadscope-reorder

# Hundreds of processes are started here: none compiles the sources anew, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

SITE ?= hil/sites/two_lanes.toml

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long check mutants format gen upy mpy bench clean

help: ## print this list
	@printf 'smartgate: the edge layer of a smart land-border gate\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## build .venv/ with the locked dependencies

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

run: $(READY) ## run the two-lane gate with simulated field, real MicroPython devices, hub and broker
	@$(VENV)/bin/gate run $(SITE)

test: $(READY) ## run every test but the long sweeps (MicroPython VM included)
	@echo "smartgate: running the tests (about 7 minutes on 2 cores)"
	@$(PY) -m pytest $(SHARED_OUT) -m "not long"

test-long: $(READY) ## run every test, long sweeps included
	@echo "smartgate: running all tests, long sweeps included"
	@$(PY) -m pytest $(SHARED_OUT)

check: $(READY) ## format, lint, types, layers, generated files
	@echo "smartgate: format and lint"
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@echo "smartgate: types"
	@$(PY) -m mypy
	@for board in unix rp2 esp32; do $(PY) -m mypy --config-file firmware/mypy/$$board.ini || exit 1; done
	@$(PY) -m mypy --explicit-package-bases tests/tidy tests/tools
	@echo "smartgate: generated files"
	@$(PY) -m tools.generate --check
	@echo "smartgate: layers, banned constructs, function length, deployed sets"
	@$(PY) -m pytest tests/tidy
	@$(PY) -m tools.deploy

mutants: $(READY) ## change firmware/control/ in every small way and see whether a test notices (long)
	@$(PY) -m tools.mutants

format: $(READY) ## rewrite the sources in the project's format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

gen: $(READY) ## regenerate every derived file
	@$(PY) -m tools.generate

upy: $(READY) ## run the dual-run tests on the MicroPython VM
	@$(PY) tests/upy/run.py

mpy: $(READY) ## compile the deployed file sets and print their sizes
	@$(PY) -m tools.deploy

bench: $(READY) ## run the benchmarks, one JSON line each
	@for b in bench/*.py; do $(PY) $$b || exit 1; done

clean: ## remove what make built
	@rm -rf $(VENV) build run *.egg-info
