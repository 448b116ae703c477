# The habits of this project. make demo and make test need nothing but Python 3.11+, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := scripts local_aws tests/python tests/athena tests/infra benchmarks

export LOGS VARS
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: demo test lint report docs bench athena-local test-athena test-infra athena-cost clean help

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(VENV)/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV) ..."
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$(command -v $(PYTHON))" $(VENV) && uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
		$(PYTHON) -m venv --clear $(VENV) && $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@touch $@

# What stands in for Athena (local_aws/README.md): only the targets that need it install it.
$(VENV)/.installed-local-aws: local_aws/requirements.lock local_aws/pyproject.toml $(VENV)/.installed
	@echo "Installing local_aws into $(VENV) ..."
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r local_aws/requirements.lock \
		&& uv pip install --quiet --python $(BIN)/python --no-deps -e local_aws; \
	else \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r local_aws/requirements.lock \
		&& $(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e local_aws; \
	fi
	@touch $@

# What checks the infrastructure needs other versions of much, so it has an environment of its own. Node evaluates the policies.
.venv-infra/.installed: infra/requirements.lock tests/infra/package-lock.json
	@command -v npm >/dev/null || { echo "Node 18 or newer with npm is needed: make test-infra evaluates the IAM policies with it."; exit 1; }
	@echo "Installing into .venv-infra ..."
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv-infra && uv pip install --quiet --python .venv-infra/bin/python --require-hashes -r infra/requirements.lock; \
	else \
		$(PYTHON) -m venv --clear .venv-infra && .venv-infra/bin/pip install --quiet --disable-pip-version-check --require-hashes -r infra/requirements.lock; \
	fi
	@npm ci --silent --no-audit --no-fund --prefix tests/infra
	@touch $@

profiles.yml:
	@cp profiles.example.yml $@

demo: $(VENV)/.installed profiles.yml  ## tables, report and docs site from sample logs, or: make demo LOGS=DIR [VARS='{...}']
	@$(BIN)/python scripts/bootstrap.py demo

test: $(VENV)/.installed profiles.yml  ## Python tests, dbt unit and data tests
	@$(BIN)/python -m pytest

lint: $(VENV)/.installed profiles.yml  ## ruff and sqlfluff: SQL as it is written, and as both engines get it
	@$(BIN)/ruff check $(SOURCES) && $(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/python scripts/lint_sql.py

report: $(VENV)/.installed  ## the report, from the tables of the last build
	@$(BIN)/python scripts/bootstrap.py report

docs: $(VENV)/.installed profiles.yml  ## dbt's docs site of the tables of the last build, one file
	@$(BIN)/dbt --quiet docs generate --static && mkdir -p site && cp target/static_index.html site/docs.html && echo "Docs site  $(CURDIR)/site/docs.html"

bench: $(VENV)/.installed profiles.yml  ## time and memory, as ratios to references measured in the same run
	@$(BIN)/python benchmarks/run.py

athena-local: $(VENV)/.installed-local-aws  ## an Athena on this machine, with no AWS account, until Ctrl-C
	@echo "export ANALYTICS_TARGET=athena ATHENA_WORKGROUP=primary ATHENA_RESULTS=s3://athena-results/ ATHENA_DATA=s3://athena-data/"
	@$(BIN)/local-aws

test-athena: $(VENV)/.installed-local-aws profiles.yml  ## the project on that Athena: tests, and the same tables as on DuckDB
	@$(BIN)/python -m pytest local_aws/tests tests/athena

test-infra: .venv-infra/.installed  ## the stack: linted, deployed to an emulator, its policies evaluated
	@.venv-infra/bin/python -m pytest tests/infra

athena-cost: $(VENV)/.installed-local-aws profiles.yml  ## bytes that a first and a daily run scan there, node by node, and their price
	@$(BIN)/python benchmarks/athena_cost.py

clean:  ## all that was made, but not the virtual environment
	@rm -rf target logs site lake analytics.duckdb analytics.duckdb.wal
