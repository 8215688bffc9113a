# Two commands matter: `make run` opens the explorer, `make test` proves it.
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test lint bench screenshots clean
help:
	@echo "make run          set up and start the app (PORT=$(PORT))"
	@echo "make test         set up and run every test, in a real browser too"
	@echo "make lint         ruff and mypy"
	@echo "make bench        the benchmarks, as ratios against peers"
	@echo "make screenshots  take the README's pictures again"

# Debian's Python has no ensurepip without python3-venv, so pip is put into the environment from outside.
$(BIN)/pip:
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check pip

# The stamps make a second call start at once; a change of the requirements installs again.
$(VENV)/.run: requirements.txt | $(BIN)/pip
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(BIN)/pip
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/.run

run: $(VENV)/.run
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/.dev
	$(BIN)/python -m tests.browser.install
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.browser.install
	$(BIN)/python -m tests.browser.screenshots

clean:
	rm -rf $(VENV) build
