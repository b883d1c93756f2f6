# Every target builds what it needs: the tools live in .venv, made by uv, which is fetched with pip when it is absent.
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin

.PHONY: help run test test-lowest lint format check explore proof proof-quick mutants bench clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.ready: pyproject.toml uv.lock scripts/make-environment
	@PYTHON="$(PYTHON)" scripts/make-environment

run: .venv/.ready ## make the embedded vault and ledger, then serve on 127.0.0.1:8000
	@$(BIN)/journal-keys init --quiet
	@exec $(BIN)/journal-keys serve --host $(HOST) --port $(PORT)

test: .venv/.ready ## run every test, in random order, with branch coverage
	@scripts/run-tests

test-lowest: .venv/.ready ## run every test on the lowest versions that pyproject.toml allows
	@scripts/test-lowest

lint: .venv/.ready ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: .venv/.ready ## let the formatter and the linter repair what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: lint test ## lint, then test

explore: .venv/.ready ## search every interleaving, fault and crash of small casts (short form)
	@$(BIN)/python -m tests.proof explore

proof-quick: .venv/.ready ## every proof in its short form within two minutes, with its figures
	@$(BIN)/python -m tests.proof --quick

proof: .venv/.ready ## every proof in its long form (hours), with its figures
	@$(BIN)/python -m tests.proof --nightly

mutants: .venv/.ready ## change the code in thousands of places and see which changes no test notices; can be resumed
	@scripts/find-mutants

bench: .venv/.ready ## measure beside peers in one run, as ratios
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and the caches, never .journal-keys
	rm -rf .venv .venv-lowest mutants .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.*
