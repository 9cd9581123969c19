# The same targets on a laptop and in CI. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install run test lint types format bench docs pins clean

BIN := .venv/bin
QUESTION := A bakery sells 47 trays of 88 rolls and 35 bags of 27 rolls. How many rolls is that?

help: ## List the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

install: ## Make .venv ready; does nothing when nothing changed
	@scripts/setup.sh

run: install ## Plan a question with the embedded model, think it through in threads, and vote
	@$(BIN)/forkjoin run --planner scale "$(QUESTION)"

test: install lint types ## Lint, check types, run every test
	@scripts/test.sh

lint: install ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install ## Check types
	$(BIN)/mypy

format: install ## Rewrite files to the style that lint checks
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install ## Run the benchmarks
	$(BIN)/python -m benchmarks

docs: install ## Build the site of docs/ into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

pins: ## Rebuild .venv with the newest versions that fit and write requirements/constraints.txt
	@scripts/setup.sh --pins

clean: ## Remove .venv, caches and build products
	rm -rf .venv build dist site *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.gpu/*' -prune -exec rm -rf {} +
