# Two commands matter: `make run` shows the product, `make test` checks it. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
RUN_TESTS := $(BIN)/python -m pytest -q
RUN_GROUP := $(RUN_TESTS) -p no:cacheprovider
# The tests in groups of about one length, the longest first, and one more at a time than there are cores: each waits
# for sockets and quiet periods now and then.
GROUPS := full chaos points sync integration connect parts e2e
FULL := tests/integration/full
CONNECT := tests/integration/connect
SYNC := tests/integration/sync tests/integration/alerts
POINTS := tests/chaos/test_kill_points.py
# These measure times, so they have the machine to themselves, in the end.
ALONE := tests/e2e/test_serve.py tests/e2e/test_demo.py
LANES ?= $$(( $$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 1 ))
# A service is started hundreds of times: what was compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE
CHROMIUM := command -v chromium chromium-browser >/dev/null
DATABASE_SERVER := PATH="$$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec" command -v mariadbd mysqld >/dev/null
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0
IS_DEBIAN_ROOT := [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null

.PHONY: help run serve test lint types layers schemas tests $(addprefix tests-,$(GROUPS) types checks) checks programs mariadb chromium bench test-live pictures lock docker install install-dev clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Play the demo: sandbox shops and the service, on this machine, with nothing to set up
	@$(BIN)/bridge demo

serve: install ## Run the service itself, with settings from BRIDGE_… variables
	@$(BIN)/bridge serve

test: $(VENV)/bin/pip ## Check everything: lint, types, layers, schemas, all tests
	@$(MAKE) -j2 install-dev programs
	@$(MAKE) tests GROUPS="$(GROUPS) types checks"

checks: lint layers schemas
programs:
	@$(MAKE) mariadb
	@$(MAKE) chromium

lint: install-dev ## Check the style and the format
	@echo "lint: ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: install-dev ## Check the types
	@echo "types: mypy"
	@$(BIN)/mypy

layers: install-dev ## Check which part imports which
	@echo "layers: import-linter"
	@$(BIN)/lint-imports

schemas: install-dev ## Check that the plugin contract's JSON Schemas are what the code says
	@$(BIN)/python -m plugin_contract.schemas --check

tests: install-dev mariadb chromium ## Run all tests, in groups beside each other; PYTEST="-k refund" chooses
	@if [ -n "$(PYTEST)" ]; then exec $(RUN_TESTS) $(PYTEST); fi; \
	logs=$$(mktemp -d); trap 'rm -rf "$$logs"' EXIT; failed=0; began=$$SECONDS; lanes=$(LANES); \
	echo "tests: $(GROUPS); $$lanes at a time; what each says comes when all are through"; \
	printf '%s\n' $(GROUPS) | xargs -P $$lanes -I @ bash -c \
		'echo "tests: @ begins"; $(MAKE) tests-@ >"$$0/@" 2>&1; code=$$?; echo "tests: @ ended with $$code after $$SECONDS s"; exit $$code' "$$logs" \
		|| failed=1; \
	for group in $(GROUPS); do echo "tests: $$group"; cat "$$logs/$$group"; done; \
	echo "tests: $(ALONE), alone"; \
	$(RUN_GROUP) $(ALONE) || failed=1; \
	echo "tests: all took $$((SECONDS - began)) s"; \
	exit $$failed

tests-full:
	@$(RUN_GROUP) $(FULL)
tests-connect:
	@$(RUN_GROUP) $(CONNECT)
tests-points:
	@$(RUN_GROUP) $(POINTS)
tests-chaos:
	@$(RUN_GROUP) tests/chaos --ignore=$(POINTS)
tests-sync:
	@$(RUN_GROUP) $(SYNC)
tests-integration:
	@$(RUN_GROUP) tests/integration $(patsubst %,--ignore=%,$(FULL) $(CONNECT) $(SYNC))
tests-e2e:
	@$(RUN_GROUP) tests/e2e $(patsubst %,--ignore=%,$(ALONE))
tests-parts:
	@$(RUN_GROUP) tests $(patsubst %,--ignore=%,tests/integration tests/chaos tests/e2e)
tests-types: types
tests-checks: checks

mariadb: ## See that a MariaDB server can be started by the tests; root on Debian and Ubuntu installs it
	@if $(DATABASE_SERVER); then exit 0; fi; \
	if $(IS_DEBIAN_ROOT); then \
		echo "mariadb: installing the server's programs; no system service is started"; \
		$(APT) update >/dev/null; \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ]; then \
			printf '#!/bin/sh\nexit 101\n' > $$policy; chmod 755 $$policy; trap "rm -f $$policy" EXIT; \
		fi; \
		$(APT) install --no-install-recommends mariadb-server >/dev/null; \
	fi; \
	if ! $(DATABASE_SERVER); then \
		echo "The tests start a MariaDB server of their own. Install one: apt-get install mariadb-server" >&2; exit 1; \
	fi

chromium: ## See that the tests of the pages find a browser; root on Debian installs it, elsewhere they are left out
	@if $(CHROMIUM); then exit 0; fi; \
	if $(IS_DEBIAN_ROOT); then \
		echo "chromium: installing a browser for the tests of the pages"; \
		$(APT) update >/dev/null; $(APT) install --no-install-recommends chromium >/dev/null || true; \
	fi; \
	if ! $(CHROMIUM); then \
		echo "No Chromium: the tests that need a browser are left out, and say so. Install one: apt-get install chromium" >&2; \
	fi

bench: install-dev mariadb ## Measure: deliveries, settling, pages on a large database (tests/bench)
	@for bench in tests/bench/bench_*.py; do echo "$$bench"; $(BIN)/python "$$bench"; done

test-live: install-dev ## Run the contract tests against a real Magento: make test-live MAGENTO_URL=https://…
	@[ -n "$(MAGENTO_URL)" ] || { echo "Say which store: make test-live MAGENTO_URL=https://magento.example.com" >&2; exit 2; }
	@MAGENTO_URL="$(MAGENTO_URL)" $(RUN_TESTS) -m live $(PYTEST)

pictures: install-dev chromium ## Take the pictures of the pages in docs/pictures anew, from a day played on the sandboxes
	@$(BIN)/python -m tests.pictures 2>&1 | grep -v '^[0-9-]* [0-9:]* \[\|^$$'

lock: ## Renew requirements/*.txt from pyproject.toml (needs uv)
	@uv=$$(PATH="$(CURDIR)/$(BIN):$$PATH" command -v uv) || { echo "Install uv first: https://docs.astral.sh/uv" >&2; exit 1; }; \
	lock="$$uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate"; \
	$$lock --group build -o requirements/runtime.txt; \
	$$lock --group build --group dev -o requirements/dev.txt

docker: ## Build the container image
	docker build -t bridge .

install: $(RUNTIME) ## Make .venv with what the service needs
install-dev: $(DEV) ## Make .venv with what the checks need

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed, as python3 or named: make run PYTHON=python3.12" >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if $(IS_DEBIAN_ROOT); then \
			echo "install: python3-venv"; $(APT) update >/dev/null; $(APT) install --no-install-recommends python3-venv >/dev/null; \
		else \
			echo "Python's venv module is missing. Install it: sudo apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(VENV)/bin/pip
	@echo "install: what the service needs, with checked hashes, into $(VENV) (once)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# These hold all of the service's too, at the same versions. What is never used is never compiled.
$(DEV): requirements/dev.txt requirements/runtime.txt pyproject.toml | $(VENV)/bin/pip
	@echo "install: what the checks need, with checked hashes, into $(VENV) (once)"
	@$(PIP) install --no-compile --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@

clean: ## Remove what was installed and built here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
