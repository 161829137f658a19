# make run | test | check | format | bench | test-jetpack6        (what is missing is said in one line)
SHELL := /bin/sh
BIN := .venv/bin
SETUP = python=$$(sh scripts/find_python.sh $(2)) && "$$python" scripts/setup.py $(1)

.PHONY: run test check format bench test-jetpack6 setup-test

run:
	@$(call SETUP,run)
	@exec $(BIN)/python -m dashboard

# In the order of the files: the slow ones come first.
WORKERS = -n 3 --dist loadfile --no-loadscope-reorder
# What says the same under every Python.
OF_THE_CHECKOUT = --ignore=tests/unit/test_project.py --ignore=tests/unit/test_setup.py

test: check
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

check: setup-test
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run make format."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/hadolint Dockerfile.l4t
	@sh scripts/prove_jetpack6.sh

format: setup-test
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup-test
	@$(BIN)/python -m tests.bench $(ARGS)

test-jetpack6: setup-test
	@$(call SETUP,jetpack6,3.10)
	@.venv-jetpack6/bin/python -m pytest $(WORKERS) -m "not torch and not browser" $(OF_THE_CHECKOUT) $(ARGS)

setup-test:
	@$(call SETUP,test)
