# One command a job. The first run of any of them makes .venv and installs what constraints.txt pins.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
DEMO_SERVE ?= 1
ONLY ?=

# Threaded BLAS is several times slower on the small problems of statistics, and workers compute with one thread each.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo serve test lint bench bench-peers clean

demo: .venv/installed
	$(MANAGE) demo $(if $(filter 0,$(DEMO_SERVE)),--no-serve,)

serve: .venv/installed
	$(MANAGE) up

test: .venv/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile
	@if $(BIN)/python -m tests.backends; then $(BIN)/python -m tests.backends --run; fi

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run

bench: .venv/installed-test
	$(BIN)/python -m bench $(ONLY)

# What others do it with, measured in the same run: oTree in an environment of its own, R's mixed models, statsmodels.
# R with lme4 and ordinal are Debian's, a few hundred megabytes; installed where they are missing, by root.
PEERS := r-base-core r-cran-lme4 r-cran-ordinal
bench-peers: .venv/installed-test .peers/otree/installed
	@if ! Rscript -e 'library(lme4); library(ordinal)' >/dev/null 2>&1; then \
		echo "Installing R with its mixed models: apt-get install --no-install-recommends $(PEERS)"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $(PEERS) >/dev/null || \
		{ echo "That needs root on Debian or Ubuntu. Elsewhere install R, then its packages lme4 and ordinal."; exit 1; }; \
	fi
	$(BIN)/python -m bench survey
	$(BIN)/python -m bench._mixed_models

clean:
	rm -rf .venv .peers var *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-test: pyproject.toml constraints.txt | .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[pdf,production,s3,test]"
	touch $@

.peers/otree/installed:
	$(PYTHON) -m venv .peers/otree
	.peers/otree/bin/python -m pip install --quiet otree==6.0.15
	touch $@
