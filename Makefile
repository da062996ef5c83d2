# Two commands do everything on a fresh machine: `make run` and `make test`.
# Both need only Python 3.11 to 3.13 and make; they set up .venv from requirements.lock themselves.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint lock spark images notebooks clean help

run: $(READY)  ## the whole workshop on this machine, from data to playlist
	$(BIN)/workshop run

# The tests of the flow engine take most of the time, on one core: they run beside all others.
test: $(READY) lint  ## every test: no account, no network
	@log=$$(mktemp); $(BIN)/python -m pytest tests/flow >$$log 2>&1 & flow=$$!; \
	$(BIN)/python -m pytest tests --ignore tests/flow; rest=$$?; \
	wait $$flow; code=$$?; cat $$log; rm -f $$log; exit $$((rest | code))

lint: $(READY)  ## style, types and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

images: $(READY)  ## redraw the pictures of img/ from a real run
	$(BIN)/python img/draw.py

notebooks: $(READY)  ## run the notebooks with their defaults and commit-ready outputs
	$(BIN)/workshop run --in-place

spark: $(READY)  ## add PySpark to .venv, for `workshop flow run --engine spark` and its tests (needs a JDK 17)
	$(BIN)/uv pip install --quiet --require-hashes --python $(BIN)/python -r requirements-spark.lock

lock: $(READY)  ## resolve pyproject.toml again into requirements.lock and requirements-spark.lock
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --group test pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --extra spark -c requirements.lock pyproject.toml -o requirements-spark.lock

$(READY): requirements.lock pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	  for python in "$${PYTHON:-python3}" python3.12 python3.13 python3.11; do \
	    if command -v "$$python" >/dev/null 2>&1 && "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	      "$$python" -m venv $(VENV) && break; \
	    fi; \
	  done; \
	  test -x $(BIN)/python || { echo "This workshop needs Python 3.11, 3.12 or 3.13 with its venv module: install one, or name it: make PYTHON=/path/to/python run" >&2; exit 1; }; \
	fi
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $(READY)

clean:  ## remove the environment and everything that runs leave behind
	rm -rf $(VENV) .workshop runs data notebooks/analyses

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/\t/'
