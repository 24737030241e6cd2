# Everything a developer runs. Each target sets up what it needs; a second run starts at once.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BIN := $(VENV)/bin
PIP := $(PY) -m pip --quiet --disable-pip-version-check
PYTEST_ARGS ?=
# Files are played side by side; most of a test's time is waiting for kernels, servers and walls.
PYTEST_JOBS ?= 2
INSTALLED := $(VENV)/.installed
NODE_MODULES := widgets/node_modules/.installed
# Where it is set, each of the hundreds of kernels that the tests start would compile the package anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-all faults check bench widgets clean chromium

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## run the quickstart notebook without a key and print its board
	@$(PY) notebooks/demo.py

lab: $(INSTALLED) ## open the quickstart notebook in JupyterLab
	@$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) notebooks/quickstart.ipynb

test: $(INSTALLED) chromium ## all tests but the slow ones, the browser included (under 10 minutes)
	@$(PY) -m pytest -q -n $(PYTEST_JOBS) --dist loadfile -m "not slow" $(PYTEST_ARGS)

test-all: $(INSTALLED) chromium ## all tests, the slow ones too
	@$(PY) -m pytest -q $(PYTEST_ARGS)

faults: $(INSTALLED) ## what goes wrong on purpose: a run killed again and again, and all else in tests/faults
	@$(PY) -m pytest -q -rP $(PYTEST_ARGS) tests/faults

check: $(INSTALLED) $(NODE_MODULES) ## format, lint, layers and types of both languages; the committed bundle is the built one
	@mkdir -p build
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo > build/imports.txt 2>&1 || { cat build/imports.txt; exit 1; }
	@$(BIN)/basedpyright --pythonpath $(PY)
	@cd widgets && npm run --silent check && npm run --silent test
	@cd widgets && node build.mjs ../build/board.js
	@cmp build/board.js conductor_magic/static/board.js || { echo "The committed bundle is stale: run make widgets"; exit 1; }

bench: $(INSTALLED) chromium ## measure the engine beside a plain asyncio program; a long journal, walls, search, files, variables, language servers, the board
	@for part in bench bench.journal bench.walls bench.search bench.files bench.variables bench.lsp bench.board bench.reload bench.closing; do \
		echo "== $$part"; $(PY) -m $$part || exit 1; done

widgets: $(NODE_MODULES) ## rebuild the board's front end into conductor_magic/static
	@cd widgets && npm run --silent build

clean: ## remove everything that the other targets made
	@rm -rf $(VENV) .venv-kernels build dist widgets/node_modules
	@rm -rf .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

chromium:
	@sh tests/support/chromium.sh

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once, a minute or two) …"
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv here; on Debian: apt-get install python3-venv"; exit 1; }
	@$(PIP) install --editable '.[dev]'
	@touch $@

$(NODE_MODULES): widgets/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2> /dev/null \
		|| { echo "The front end is built with Node.js 20 or newer and npm: install them first."; exit 1; }
	@cd widgets && npm ci --loglevel=error --no-progress
	@touch $@
