# Make targets for the common tasks; `make` lists them. They work with GNU make 3.81, the version in macOS.

PORT ?= 8000
PYTHON = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup environment model packs page offline run serve lambda package test test-all unit check advisories facts lint-dashboards format bench warm spike preview docs image deploy

# The list is in the order of this file.
help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

run: setup ## run the app and its stores on http://127.0.0.1:8000 (PORT=8001 for another port)
	@exec $(PYTHON) -m local.run --port $(PORT) --with-parent

serve: setup ## run the app alone, with the stores of DATABASE_URL and REDIS_URL (PORT=8001; HOST=0.0.0.0 for all addresses)
	@exec $(PYTHON) -m faunalens.web --port $(PORT)$(if $(filter command,$(origin HOST)), --host $(HOST))

warm: setup ## run the cache warming once, with the stores of `make run`, or of DATABASE_URL and REDIS_URL
	@if [ -f .local/run-$(PORT)/environment ]; then . .local/run-$(PORT)/environment; fi; exec $(PYTHON) -m local.warm

preview: environment ## show the dashboards of a simulated day on http://127.0.0.1:8010 (PORT=8011; FILE=… for your own metrics)
	@exec $(PYTHON) -m dashboards preview $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(if $(FILE),--file $(FILE))

setup: environment model packs page offline ## install everything into .venv, build the model and the packs; the page too, if it has changed

environment:
	@sh local/bootstrap

model: environment
	@sh local/build_model

packs: environment ## get the weights of the packs and build them; FAUNALENS_WEIGHTS=FOLDER has the files
	@sh local/build_packs

page: ## bundle faunalens/web/page into chalicelib/web if it has changed; needs npm
	@sh local/build_page

offline: environment model packs ## write what the page needs without signal into model/offline if it has changed; needs npm
	@sh local/build_offline

unit: environment ## run the fast tests, which need no servers; takes half a minute on two cores
	@$(PYTHON) -m pytest -n auto tests/unit

test: setup ## run the tests that guard every change, four at a time; they start their own servers
	@$(PYTHON) -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not alone"

test-all: test ## run all tests: then those that need the whole machine, or take long, one at a time
	@$(PYTHON) -m pytest -m alone

check: setup ## check style, types, dashboards, ranges, and the security of templates, policies and workflows
	@$(MAKE) --no-print-directory -j 2 check-code check-files

# The halves of `check`, which run at the same time; not commands of their own. The slow parts are mypy and the scan.
check-code:
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m faunalens.data check
	@$(PYTHON) -m mypy

check-files:
	@$(PYTHON) -m dashboards lint
	@$(PYTHON) -m tests.scan

advisories: ## ask an index of advisories about every pinned package; needs pipx
	@pipx run pip-audit==2.10.1 --strict --disable-pip --require-hashes $(foreach file,$(wildcard requirements*.txt faunalens/web/requirements/*.txt),-r $(file))

facts: environment ## count how many known facts about where animals live the ranges get right
	@$(PYTHON) -m faunalens.data facts

lint-dashboards: environment ## check dashboards, alarms and queries against CloudWatch's rules and the code
	@$(PYTHON) -m dashboards lint

format: environment ## format the code as `make check` expects
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

docs: environment ## generate the reference pages from the code, then all of docs/ as a searchable site in build/site
	@$(PYTHON) -m docs.generate
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet
	@echo "wrote build/site; to read it: $(PYTHON) -m http.server --directory build/site 8020"

lambda: setup ## run the deployable package as Lambda does, on http://127.0.0.1:8000 (PORT=8001, CONTAINERS=3, STAGE=prod)
	@exec $(PYTHON) -m local.lambda_sim --port $(PORT) $(if $(CONTAINERS),--containers $(CONTAINERS)) $(if $(STAGE),--stage $(STAGE)) --with-parent

package: setup ## build the deployable package into build/package and print its sizes (STAGE=prod; HEIC=no without HEIC, OFFLINE=yes for use without signal)
	@exec $(PYTHON) -m infra.package $(if $(STAGE),--stage $(STAGE))

image: setup ## build the image of the web tier into build/image; print digest and sizes (INFERENCE=local with the model, BASE=image)
	@exec $(PYTHON) -m infra.image $(if $(INFERENCE),--inference $(INFERENCE)) $(if $(BASE),--base $(BASE))

deploy: setup ## create or update a stage on AWS (STAGE=dev); see docs/how-to/deploy.md
	@exec $(PYTHON) -m infra up --stage $(or $(STAGE),dev)

bench: setup ## compare the app with the same work without the app (all parts, or MODULES="request start features")
	@for each in $(or $(MODULES),request start features); do $(PYTHON) -m benchmarks.$$each || exit 1; done

spike: environment ## measure a load spike on a cold cache, and check what the docs claim of it
	@exec $(PYTHON) -m benchmarks.spike
