# Fermata: everything that people and CI do here. Needs git, make and Python 3.11, 3.12 or 3.13; the rest is
# installed into .venv, from the lock files only.

.DEFAULT_GOAL := help
SHELL := /bin/sh
# What a shell may carry that would lead Python or pip astray inside .venv.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX

BIN := .venv/bin
UV := $(BIN)/uv
# .venv is current while these names are: they change with the lock files, with the Python that is asked for, and
# with the place of the checkout, which the scripts in .venv hold.
PLACE := $(shell { pwd; echo '$(PYTHON)'; cat requirements-build.txt; } | cksum | tr ' ' -)
KEY := $(shell { pwd; echo '$(PYTHON)'; cat requirements*.txt pyproject.toml; } | cksum | tr ' ' -)
BASE := .venv/.base-$(PLACE)
RUNTIME := .venv/.runtime-$(KEY)
DEVELOPMENT := .venv/.development-$(KEY)

INSTALL := $(UV) pip install --quiet --python $(BIN)/python

# uv does not read pip's settings: pass on the index, and the machine's certificate authorities where it has them.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(wildcard /etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS ?= 1
endif

.NOTPARALLEL:
.PHONY: help demo image test test-long bench check lint format lock lock-check clean

help: ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s%s\n", $$1, $$2}'

demo: $(RUNTIME) ## Show the whole story on a real Airflow on this machine (KEEP=1, AIRFLOW=2.11.2)
	@$(BIN)/fermata demo $(if $(AIRFLOW),--airflow $(AIRFLOW)) $(if $(KEEP),--keep)

test: $(DEVELOPMENT) ## Run the tests, also those on a real Airflow (AIRFLOW=2.11.2, ARGS="-k drain")
	@$(BIN)/pytest $(ARGS)

test-long: $(DEVELOPMENT) ## Run the tests that take minutes each
	@$(BIN)/pytest -m long $(ARGS)

bench: $(DEVELOPMENT) ## Measure start-up, render, diff, hold, release, verify and the provider against their budgets, and the watch's calls
	@$(BIN)/python tests/bench/start_up.py
	@$(BIN)/python tests/bench/render.py
	@$(BIN)/python tests/bench/diff.py
	@$(BIN)/python tests/bench/watch_calls.py
	@$(BIN)/python tests/bench/hold_and_release.py
	@$(BIN)/python tests/bench/verify_memory.py
	@$(BIN)/python tests/bench/provider.py

check: lint test ## Run all that CI runs: lint and test

lint: $(DEVELOPMENT) lock-check ## Check format, rules, words, types, imports and lock files
	@echo "==> format and rules" && $(BIN)/ruff format --quiet --check . && $(BIN)/ruff check --quiet .
	@echo "==> words" && $(BIN)/codespell
	@echo "==> types" && $(BIN)/mypy plugin hooks tests
	@echo "==> imports" && $(BIN)/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }

format: $(DEVELOPMENT) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

# Pinned versions stay where the requirements allow them; `make lock UPGRADE=1` takes the newest.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(if $(UPGRADE),--upgrade)
lock: $(DEVELOPMENT) ## Write the lock files from pyproject.toml (UPGRADE=1 for the newest versions)
	@$(MAKE) --no-print-directory locks-in FOLDER=.

lock-check: $(DEVELOPMENT)
	@echo "==> lock files"
	@rm -rf .venv/locks && mkdir .venv/locks && cp requirements*.txt .venv/locks
	@$(MAKE) --no-print-directory locks-in FOLDER=.venv/locks
	@for file in requirements*.txt; do \
	  diff -u $$file .venv/locks/$$file || { echo "$$file is not current: run make lock" >&2; exit 1; }; \
	done

.PHONY: locks-in
locks-in:
	@$(COMPILE) --group build -o $(FOLDER)/requirements-build.txt > /dev/null
	@$(COMPILE) --group sbom -o $(FOLDER)/requirements-sbom.txt > /dev/null
	@$(COMPILE) pyproject.toml --extra hooks --extra plugin -o $(FOLDER)/requirements.txt > /dev/null
	@$(COMPILE) pyproject.toml --extra hooks --extra plugin --group build --group lint --group test \
	  -o $(FOLDER)/requirements-dev.txt > /dev/null

IMAGE ?= airflow-fermata
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' plugin/fermata_spec/__init__.py)
image: ## Build the image, that for rollbacks, and dist/sbom.cdx.json (IMAGE=registry.example/airflow-fermata)
	@docker build --quiet --tag $(IMAGE):$(VERSION) . > /dev/null && echo "$(IMAGE):$(VERSION)"
	@docker build --quiet --target rollback --tag $(IMAGE):$(VERSION)-rollback . > /dev/null && echo "$(IMAGE):$(VERSION)-rollback"
	@docker build --quiet --target sbom --tag $(IMAGE):$(VERSION)-sbom . > /dev/null
	@mkdir -p dist && docker run --rm $(IMAGE):$(VERSION)-sbom cat /opt/sbom.cdx.json > dist/sbom.cdx.json
	@docker image rm $(IMAGE):$(VERSION)-sbom > /dev/null && echo dist/sbom.cdx.json

clean: ## Remove what was made here (Airflow's own environments are in the cache folder)
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The newest Python that works: a name on PATH may be an empty shim, and Debian splits venv from python3.
PROBE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
$(BASE):
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c '$(PROBE)' 2> /dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "$(or $(PYTHON),PATH): no Python 3.11 to 3.13 with venv (Debian: apt install python3-venv)" >&2; exit 2; \
	fi; \
	echo "==> .venv: a virtual environment of $$("$$found" -V) ($$found)"; \
	"$$found" -m venv --clear .venv
	@echo "==> .venv: uv and the build backend, from requirements-build.txt"
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-build.txt
	@touch $@

$(RUNTIME): | $(BASE)
	@echo "==> .venv: what fermata needs, from requirements.txt"
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

$(DEVELOPMENT): | $(BASE)
	@echo "==> .venv: what fermata and its tests need, from requirements-dev.txt"
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@ $(RUNTIME)

# Its Python is gone (an upgrade of the machine's): make it again.
ifeq ($(realpath $(BIN)/python),)
.PHONY: $(BASE) $(RUNTIME) $(DEVELOPMENT)
endif
