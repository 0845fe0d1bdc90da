# Two commands set everything up by themselves, on a fresh machine too:
#
#   make demo    build, start a server, train a network through it, draw what it learned
#   make test    the whole test suite
#
# They need Python 3.11 or newer with its headers, a C++17 compiler and make.
# The rest: build | check | bench | docs | clean.

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python
PIP    := $(RUN) -m pip install --quiet --disable-pip-version-check
TOOLS  := "setuptools>=77" "cython>=3.1" "numpy>=2.0"

.PHONY: demo test build check bench docs clean
.DEFAULT_GOAL := demo

demo: build
	@$(RUN) -m respnet.cli demo circles

test: build $(VENV)/.extra-test
	@$(RUN) -m pytest $(ARGS)

# Nothing to do takes under a second; only what changed is compiled again.
build: $(VENV)/.installed
	@echo "building respnet"
	@$(RUN) setup.py -q build_ext --inplace

check: $(VENV)/.extra-dev
	@$(VENV)/bin/ruff check engine redisproto pyapi tests bench examples setup.py

bench: build $(VENV)/.extra-test
	@$(RUN) -m bench $(or $(ARGS),all)

docs: build
	@$(RUN) -m respnet.redisproto.docgen

clean:
	rm -rf build dist *.egg-info
	find engine redisproto pyapi -name '*.so' -delete

# --- the virtual environment ---------------------------------------------------------------

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
		sys.version_info >= (3, 11) or sys.exit(f"respnet needs Python 3.11 or newer, {sys.executable} is {v}")'
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# Build tools live in the environment, so that an incremental build needs no network.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "installing dependencies and compiling (one to three minutes, once)"
	@$(PIP) $(TOOLS)
	@$(PIP) --no-build-isolation --editable ".[client]"
	@touch $@

$(VENV)/.extra-%: $(VENV)/.installed
	@echo "installing what \"$*\" needs"
	@$(PIP) --no-build-isolation --editable ".[$*]"
	@touch $@
