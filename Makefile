# neurocomp: everything runs in .venv, which `make env` makes.

# The first Python that is new enough; another one: make env PYTHON=python3.13 (after make clean)
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
MADE := .venv/.made
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help env test format demo slow clean

help: ## show this list
	@echo "usage: make <what>"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r what does; do \
		printf '%-10s %s\n' "$$what" "$$does"; done

env: $(MADE) ## make .venv, with neurocomp and its tools in it (again only if what it is made from changed)

$(MADE): pyproject.toml hatch_build.py $(wildcard neurocomp/engine/native/*)
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer was found (make env PYTHON=/path/to/python)" >&2; exit 2; }
	test -e $@ || $(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

test: env ## check format, lint, types, and run the tests: the gate of CI
	$(BIN)/neurocomp setup lava
	$(BIN)/neurocomp setup sanafe
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict neurocomp
	$(BIN)/pytest -W error -n $(WORKERS)

format: env ## rewrite the source in the project's format, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: env ## compile a trained LeNet for loihi1, run it in Brian2 and Lava, check both
	$(BIN)/python examples/mnist/demo.py

slow: env ## run the tests that take minutes
	$(BIN)/neurocomp setup lava
	$(BIN)/neurocomp setup sanafe
	$(BIN)/pytest -W error -n $(WORKERS) -m slow

clean: ## remove .venv, caches and what was built
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
