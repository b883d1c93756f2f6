# Every target builds what it needs: the tools live in .venv, made by uv, which is fetched with pip when it is absent.
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin

.PHONY: help run test test-lowest lint format check reference explore proof proof-quick mutants flakes bench clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 25

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

reference: .venv/.ready ## write docs/reference anew from the code
	@$(BIN)/python -m scripts.reference

explore: .venv/.ready ## search every interleaving, fault and crash of small casts (short form)
	@$(BIN)/python -m tests.proof explore

proof-quick: .venv/.ready ## every proof in its short form, with its figures
	@$(BIN)/python -m tests.proof --quick

proof: .venv/.ready ## every proof in its long form (hours), with its figures
	@$(BIN)/python -m tests.proof --nightly

mutants: .venv/.ready ## change the code in thousands of places and see which changes no test notices; can be resumed
	@scripts/find-mutants

flakes: .venv/.ready ## run every test twenty times, in other orders, and name each that failed (hours); can be resumed
	@scripts/find-flakes

bench: .venv/.ready ## measure beside peers in one run, as ratios
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and the caches, never .journal-keys
	rm -rf .venv .venv-lowest mutants flakes .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.*

.PHONY: infisical-dev-setup infisical-health infisical-secrets-list infisical-secrets-get infisical-secrets-set \
	infisical-migrate infisical-rotate-jwt infisical-rotate-aes infisical-rotate-all infisical-cache-clear test-infisical infisical-workflow-test

infisical-dev-setup: .venv/.ready ## look at everything that Infisical needs, then make the first keys there
	@$(BIN)/journal-keys doctor
	@$(BIN)/journal-keys init

infisical-health: .venv/.ready ## say whether keys can be used and changed
	@$(BIN)/journal-keys health

infisical-secrets-list: .venv/.ready ## name the secrets of all known folders
	@$(BIN)/journal-keys secrets list

infisical-secrets-get: .venv/.ready ## show the secret SECRET_NAME
	@$(BIN)/journal-keys secrets get --show -- "$$SECRET_NAME"

infisical-secrets-set: .venv/.ready ## set SECRET_NAME to SECRET_VALUE of the environment, or to what a prompt is given
	@if [ -n "$${SECRET_VALUE-}" ]; then printf %s "$$SECRET_VALUE" | env -u SECRET_VALUE $(BIN)/journal-keys secrets set -- "$$SECRET_NAME"; \
	else $(BIN)/journal-keys secrets set -- "$$SECRET_NAME"; fi

infisical-migrate: .venv/.ready ## move secrets and keys in from the environment
	@$(BIN)/journal-keys migration migrate

infisical-rotate-jwt: .venv/.ready ## rotate the signing keys, due or not
	@$(BIN)/journal-keys rotate jwt --force

infisical-rotate-aes: .venv/.ready ## rotate the token-encryption keys, due or not
	@$(BIN)/journal-keys rotate aes --force

infisical-rotate-all: .venv/.ready ## rotate both rings, due or not
	@$(BIN)/journal-keys rotate both --force

infisical-cache-clear: ## let the service on HOST:PORT forget its cached secrets
	@printf %s "$${JOURNAL_ADMIN_TOKEN:+header = \"Authorization: Bearer $$JOURNAL_ADMIN_TOKEN\"}" | \
	curl --config - --silent --show-error --fail -X POST "http://$(HOST):$(PORT)/api/v1/infisical/cache/invalidate"; echo

test-infisical: .venv/.ready ## run every test of the store in Infisical
	@scripts/run-tests --no-cov -k "infisical or transcript or secret_store"

infisical-workflow-test: .venv/.ready ## make, rotate, restart and recover keys over the CLI and a stand-in server
	@scripts/run-tests --no-cov tests/integration/test_infisical_workflow.py
