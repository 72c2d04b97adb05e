# make reproduce | test | test-full | test-portable | docs | lint | bench | clean: each makes the virtual environment if it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: reproduce test test-full test-portable docs lint bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "clipbounds needs Python 3.11 or newer, but this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev,data,rigor,docs,cluster,io]'
	touch $(READY)

# every operation rounds by itself, so that all processors find the same digits (docs/numerics.md)
reproduce: export CLIPBOUNDS_FUSE = 0
reproduce: $(READY)
	$(BIN)/clipbounds warm
	$(BIN)/clipbounds run --budget standard
	$(BIN)/clipbounds report
	$(BIN)/clipbounds check

test: $(READY)
	$(BIN)/clipbounds warm
	$(BIN)/python -m pytest -m 'not full' -n 2 --dist worksteal

test-full: $(READY)
	$(BIN)/clipbounds warm
	$(BIN)/python -m pytest -n 2 --dist worksteal

# as on three machines: this one, one without vector units beyond the least, and one between; three times as long
test-portable: $(READY)
	$(BIN)/python scripts/cpu_paths.py -m 'not full' -n 2 --dist worksteal

docs: $(READY)
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .clipbounds build dist docs/_build
