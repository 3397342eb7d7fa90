# `make` lists the targets. Every one of them makes the environment first, if it is not there yet.
.DEFAULT_GOAL := help
.PHONY: help test test-fast test-slow torture check format lint types imports bench pins clean ready

ENVIRONMENT := $(or $(PENSTOCK_ENV),.venv)
PYTHON := PYTHONPATH=lib $(ENVIRONMENT)/bin/python
NO_SPARK := tests/test_errors.py tests/test_conf.py tests/test_launch.py tests/test_jvm.py \
	tests/test_versions.py tests/test_setup.py tests/test_parameters.py tests/test_annotations.py \
	tests/test_strict_yaml.py tests/test_documents.py tests/lending/policy/test_reading.py \
	tests/lending/policy/test_in_one.py tests/lending/policy/test_cells.py tests/engine/test_graph.py tests/engine/test_scheduler.py \
	tests/engine/test_fingerprint.py tests/test_select.py tests/test_binding.py \
	tests/test_spark_settings.py tests/test_interrupts.py
TWO_AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder
ARGS ?=
NAME ?=
SIZES ?=

help:  ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | awk -F '|' '{ printf "%-10s %s\n", $$1, $$2 }'

test: ready  ## Run the tests but the slow ones; ARGS="-k name" selects from all
	$(PYTHON) -m pytest $(TWO_AT_ONCE) $(or $(ARGS),-m "not slow")

test-slow: ready  ## Run the slow ones: whole graphs done twice, killed runs, models fitted by the dozen
	$(PYTHON) -m pytest $(TWO_AT_ONCE) -m slow

test-fast: ready  ## Run the tests that start no Spark
	$(PYTHON) -m pytest $(wildcard $(NO_SPARK)) $(ARGS)

torture: ready  ## Kill 30 runs, race 50 publishers, 200 policies x 100,000 applications; PENSTOCK_KILLS=n …
	PENSTOCK_KILLS=$${PENSTOCK_KILLS:-30} $(PYTHON) -m pytest tests/engine/test_kills.py \
		tests/engine/test_concurrency.py \
		--log-cli-level=INFO --log-disable=py4j.clientserver $(ARGS)
	PENSTOCK_POLICIES=$${PENSTOCK_POLICIES:-200} PENSTOCK_APPLICATIONS=$${PENSTOCK_APPLICATIONS:-100000} \
		$(PYTHON) -m pytest tests/lending/policy/test_equal.py $(ARGS)
	PENSTOCK_ROUNDS=$${PENSTOCK_ROUNDS:-50} $(PYTHON) -m pytest tests/store/test_releases.py -k at_once $(ARGS)

check: format lint types imports test test-slow  ## Do what must pass before a commit

format: ready  ## Format the code
	$(PYTHON) -m ruff format lib jobs tests bench

lint: ready  ## Find mistakes of style
	$(PYTHON) -m ruff check lib jobs tests bench
	$(PYTHON) -m ruff format --check lib jobs tests bench

types: ready  ## Check the types, strictly
	$(PYTHON) -m mypy

imports: ready  ## Check who imports whom
	PYTHONPATH=lib $(ENVIRONMENT)/bin/lint-imports

bench: ready  ## Measure: NAME=foundation, or all; of NAME=portfolio SIZES=1e6 alone
	PENSTOCK_BENCH_SIZES=$(SIZES) $(PYTHON) -m bench $(NAME)

pins: ready  ## Resolve the versions of pyproject.toml anew
	$(ENVIRONMENT)/bin/uv lock --upgrade --quiet
	$(ENVIRONMENT)/bin/uv export --frozen --no-emit-project --format requirements-txt --no-header \
		--no-annotate --quiet --output-file conf/pins/requirements.txt

clean:  ## Remove caches; tables, models and the environment stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find lib jobs tests -name __pycache__ -prune -exec rm -rf {} +

ready:
	@./spark-submit.sh --setup
