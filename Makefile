# Binnacle's commands. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help run test lint bench definitions openapi errors

export BINNACLE_CACHE ?= $(HOME)/.cache/binnacle
CARGO ?= cargo

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: ## build, fill ./data with the demo record set and serve it on SQLite
	@mkdir -p data
	$(CARGO) build --profile quick --package api --bin binnacle
	exec "$${CARGO_TARGET_DIR:-target}/quick/binnacle" serve --demo

test: ## every test, on SQLite and on a throw-away PostgreSQL
	@exec tests/bin/test

lint: ## formatting, clippy with warnings as errors, licences, bans and advisories
	@exec tests/bin/lint

bench: ## load, read, search and create on both databases, with percentiles; ARGS="--only create --seconds 10"
	@exec tests/bin/bench $(ARGS)

definitions: ## rewrite domain/definitions from the HL7 R4 core package
	$(CARGO) run --package definitions-generator -- "$${BINNACLE_SHARED_DATA:-../shared/data}/r4-definitions" domain/definitions

openapi: ## write the OpenAPI document to target/openapi.json
	@mkdir -p target
	$(CARGO) run --quiet --package api --bin binnacle -- openapi > target/openapi.json
	echo "target/openapi.json: $$(wc -c < target/openapi.json) bytes"

errors: ## rewrite docs/errors.md from the table of errors
	@mkdir -p target
	$(CARGO) run --quiet --package domain --example errors > target/errors.md
	mv target/errors.md docs/errors.md
