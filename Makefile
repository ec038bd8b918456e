# Everything that is done with Faunalens, one line each; `make` lists them. Works with GNU make 3.81, which macOS has.

PORT ?= 8000
PYTHON = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup environment model run lambda package test unit check lint-dashboards format bench warm spike growth preview docs deploy

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

setup: environment model ## the environment (.venv) and the model, nothing else

environment:
	@sh local/bootstrap

model: environment
	@sh local/build_model

run: setup ## everything up and served on http://127.0.0.1:8000 (another port: PORT=8001)
	@exec $(PYTHON) -m local.stack.run --port $(PORT) --with-parent

lambda: setup ## the package as Lambda runs it, served on http://127.0.0.1:8000 (PORT=8001, CONTAINERS=3, STAGE=prod)
	@exec $(PYTHON) -m local.lambda_sim.run --port $(PORT) $(if $(CONTAINERS),--containers $(CONTAINERS)) $(if $(STAGE),--stage $(STAGE)) --with-parent

package: setup ## what Chalice uploads, into build/package, with tables of its sizes (STAGE=prod)
	@exec $(PYTHON) -m infra.package $(if $(STAGE),--stage $(STAGE))

test: setup ## the whole test suite; it starts its own servers
	@$(PYTHON) -m pytest

unit: environment ## the fast part of the tests: no servers, half a minute on two cores
	@$(PYTHON) -m pytest -n auto tests/unit

check: environment ## linters and types, dashboards included
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy
	@$(PYTHON) -m dashboards lint

lint-dashboards: environment ## dashboards, alarms and queries against CloudWatch's rules and against the code
	@$(PYTHON) -m dashboards lint

format: environment ## lay out the code as `make check` wants it
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

bench: setup ## tables of ratios: ours against the bare work (MODULES="request start features" for some of them)
	@exec $(PYTHON) -m benchmarks $(MODULES)

warm: setup ## the scheduled warming once, on what `make run` runs, or on DATABASE_URL and REDIS_URL
	@if [ -f .local/run-$(PORT)/environment ]; then . .local/run-$(PORT)/environment; fi; exec $(PYTHON) -m local.stack.warm

spike: environment ## a spike on a cold cache: naive cache-aside against ours, with a picture in docs/images
	@exec $(PYTHON) -m benchmarks.spike

growth: environment ## how the cost of features grows with animals and cells (a few minutes)
	@exec $(PYTHON) -m benchmarks.growth

preview: environment ## the dashboards over a simulated day, on http://127.0.0.1:8010 (PORT=8011; over your lines: FILE=…)
	@exec $(PYTHON) -m dashboards preview $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(if $(FILE),--file $(FILE))

docs: environment ## the pages of docs/ that are made from the code
	@$(PYTHON) -m docs.generate

deploy: setup ## a stage on AWS, all of it (STAGE=dev); again to bring it up to this checkout; docs/how-to/deploy.md
	@exec $(PYTHON) -m infra up --stage $(or $(STAGE),dev)
