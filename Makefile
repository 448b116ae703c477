# The habits of this project. make demo and make test need nothing but Python 3.11+, make and git.

PYTHON ?= python3
BASE ?= origin/main
BIN := .venv/bin
SOURCES := scripts local_aws tests benchmarks

export LOGS VARS BASE
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: install demo test lint report docs diff summary daily dist release-notes lock bench athena-local test-athena test-wheel test-infra athena-cost clean help

install: .venv/.installed profiles.yml  ## install the command pal into .venv
	@echo "Installed. Now: . .venv/bin/activate    then: pal --help"

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

# $(call venv,FOLDER) makes a virtual environment, $(call pip,FOLDER,WHAT) installs into it: with uv where there is one.
venv = if command -v uv >/dev/null; then uv venv --quiet --clear --python "$$(command -v $(PYTHON))" $(1); else $(PYTHON) -m venv --clear $(1); fi
pip = if command -v uv >/dev/null; then uv pip install --quiet --python $(1)/bin/python $(2); \
	else $(1)/bin/pip install --quiet --disable-pip-version-check $(2); fi

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into .venv ..."
	@$(call venv,.venv)
	@$(call pip,.venv,--require-hashes -r requirements.lock)
	@$(call pip,.venv,--no-deps --no-build-isolation --editable .)
	@touch $@

# What tests and lints, and what stands in for Athena (local_aws/README.md).
.venv/.installed-dev: requirements-dev.lock local_aws/pyproject.toml .venv/.installed
	@echo "Installing tools into .venv ..."
	@$(call pip,.venv,--require-hashes -r requirements-dev.lock)
	@$(call pip,.venv,--no-deps --no-build-isolation --editable ./local_aws)
	@touch $@

# checkov pins much, so it has an environment of its own. Node evaluates the policies.
.venv-checkov/.installed: infra/checkov.lock tests/infra/package-lock.json
	@command -v npm >/dev/null || { echo "Node 18 or newer with npm is needed: make test-infra evaluates the IAM policies with it."; exit 1; }
	@echo "Installing into .venv-checkov ..."
	@$(call venv,.venv-checkov)
	@$(call pip,.venv-checkov,--require-hashes -r infra/checkov.lock)
	@npm ci --silent --no-audit --no-fund --prefix tests/infra
	@touch $@

profiles.yml:
	@cp profiles.example.yml $@

demo: .venv/.installed profiles.yml  ## tables, report and docs site from sample logs, or: make demo LOGS=DIR [VARS='{...}']
	@$(BIN)/pal demo

report: .venv/.installed  ## the report, from the tables of the last build
	@$(BIN)/pal report

docs: .venv/.installed profiles.yml  ## dbt's docs site of the tables of the last build, one file
	@$(BIN)/dbt --quiet docs generate --static && mkdir -p site && cp target/static_index.html site/docs.html && echo "Docs site  $(CURDIR)/site/docs.html"

test: .venv/.installed-dev profiles.yml  ## Python tests, dbt unit and data tests
	@$(BIN)/pytest tests/python

lint: .venv/.installed-dev profiles.yml  ## Python, SQL as written and as both engines get it, dbt's conventions, YAML, workflows, secrets
	@$(BIN)/ruff check $(SOURCES) && $(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy && cd local_aws && ../$(BIN)/mypy
	@$(BIN)/yamllint --strict .
	@$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	@if command -v go >/dev/null; then go -C .github/actionlint tool actionlint; else echo "actionlint is left out: it needs Go."; fi
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline
	@ANALYTICS_TARGET=local DBT_TARGET_PATH=target/lint $(BIN)/dbt --quiet parse && $(BIN)/dbt-bouncer run
	@$(BIN)/python scripts/lint_sql.py

diff: .venv/.installed profiles.yml  ## what the working tree's models do to the tables of BASE (origin/main), as Markdown
	@mkdir -p site && $(BIN)/pal diff --base-ref "$$BASE" --out site/diff.md && echo "Differences  $(CURDIR)/site/diff.md"

summary:  ## print what make diff wrote
	@cat site/diff.md

daily: .venv/.installed profiles.yml  ## what runs every day on Athena
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash infra/daily.sh

dist: .venv/.installed-dev  ## the package as wheel and sdist; fails where TAG is given and is not its version
	@version=v$$($(BIN)/python -c 'import private_analytics; print(private_analytics.__version__)'); \
		if [ "$${TAG:-$$version}" != "$$version" ]; then echo "TAG is $$TAG and the version is $$version: change one of them."; exit 1; fi
	@rm -rf build dist && $(BIN)/python -m build --no-isolation . >/dev/null && ls dist/*

release-notes:  ## what CHANGELOG.md says of TAG
	@awk -v title="## [$${TAG#v}]" 'index($$0, "## ") == 1 { found = index($$0, title) == 1; any = any || found; next } found' CHANGELOG.md \
		| grep . || { echo "CHANGELOG.md has no section for TAG=$$TAG." >&2; exit 1; }

lock:  ## pin what pyproject.toml asks for (needs uv)
	@$(PYTHON) scripts/lock.py

bench: .venv/.installed-dev profiles.yml  ## time and memory, as ratios to references measured in the same run
	@$(BIN)/python benchmarks/run.py

athena-local: .venv/.installed-dev  ## an Athena on this machine, with no AWS account, until Ctrl-C
	@echo "export ANALYTICS_TARGET=athena ATHENA_WORKGROUP=primary ATHENA_RESULTS=s3://athena-results/ ATHENA_DATA=s3://athena-data/"
	@$(BIN)/local-aws

test-athena: .venv/.installed-dev profiles.yml  ## the project on that Athena: tests, and the same tables as on DuckDB
	@$(BIN)/pytest local_aws/tests tests/athena

test-wheel: .venv/.installed-dev  ## the wheel of local_aws, alone in a new environment: a dbt project builds on it
	@PYTHON="$(PYTHON)" local_aws/smoke_test.sh

test-infra: .venv/.installed-dev .venv-checkov/.installed profiles.yml  ## the stack: linted, deployed to an emulator, its policies evaluated
	@$(BIN)/pytest tests/infra

athena-cost: .venv/.installed-dev profiles.yml  ## bytes that a first and a daily run scan there, node by node, and their price
	@$(BIN)/python benchmarks/athena_cost.py

clean:  ## all that was made, but not the virtual environments
	@rm -rf target logs site lake build dist analytics.duckdb* dev.duckdb*
