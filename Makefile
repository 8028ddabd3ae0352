# `make lab` to learn, `make test` to be sure. Every target sets up what it needs; all of it stays in this folder.
# PYTHON=path chooses the interpreter; otherwise it is the first of these that is 3.11 to 3.14, for which the pinned packages exist.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
UNFIT := not (3, 11) <= sys.version_info < (3, 15)
FIRST := notebooks/01_pictures_as_points.ipynb

# Jupyter, IPython, matplotlib and pip keep their files here too, unless the environment says otherwise.
# In a folder that cannot be written, they go where temporary files go.
CACHE := $(if $(shell test -w . && echo yes),$(CURDIR)/.cache,$(or $(TMPDIR),/tmp)/generative-networks-$(shell id -u))
export JUPYTER_PREFER_ENV_PATH := 1
export JUPYTER_CONFIG_DIR ?= $(CACHE)/jupyter/config
export JUPYTER_DATA_DIR ?= $(CACHE)/jupyter/data
export JUPYTER_RUNTIME_DIR ?= $(CACHE)/jupyter/runtime
export IPYTHONDIR ?= $(CACHE)/ipython
export MPLCONFIGDIR ?= $(CACHE)/matplotlib
export PIP_CACHE_DIR ?= $(CACHE)/pip

.PHONY: help lab setup test test-colab colab-setup test-oldest seeds orders notebooks book address benchmark data evidence clean FORCE
.DEFAULT_GOAL := help

help:  # This list
	@sed -n 's/^\([a-z-]*\):.*  # \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

lab: .venv/ready  # Open JupyterLab on lesson 1 (PORT=9999, BROWSER=none: serve only)
	@mkdir -p "$(CACHE)"
	@echo "JupyterLab opens on lesson 1. Ctrl-C here ends it."
	@.venv/bin/python -m jupyterlab $(FIRST) --ServerApp.root_dir="$(CURDIR)" --ServerApp.ip=127.0.0.1 \
	    $(if $(PORT),--ServerApp.port=$(PORT) --ServerApp.port_retries=0) \
	    $(if $(filter none,$(BROWSER)),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_OPTIONS)

setup: .venv/ready  # Make .venv from requirements.txt

test: .venv/ready  # Run every test (ARGS="-k puppies": some of them)
	@.venv/bin/python -m pytest $(ARGS)

test-colab: colab-setup .venv/ready  # Play Colab: each lesson alone in an empty folder, with Colab's versions
	@COLAB=all .venv/bin/python -m pytest tests/colab $(ARGS)

colab-setup: .colab-venv/ready  # Make .colab-venv for that test; from then on `make test` plays some lessons in it too

test-oldest: .oldest-venv/ready  # Run every test and lesson with the oldest versions (what cells print may differ)
	@.oldest-venv/bin/python -m pytest --nbval-lax $(ARGS)

seeds: .venv/ready  # Run a lesson with 20 other seeds: do its assertions hold? (LESSON=2)
	@.venv/bin/python tests/seeds.py "$(LESSON)"

orders: .venv/ready  # Use the lessons as a restless learner does, out of order, at 50 settings of each figure (LESSON=7)
	@mkdir -p "$(CACHE)"
	@.venv/bin/python -m tests.orders $(LESSON)

notebooks: .venv/ready  # Execute text twins into notebooks (LESSONS="02 03": some of them)
	@mkdir -p "$(CACHE)"
	@.venv/bin/python notebooks/rebuild.py $(LESSONS)

book: .venv/ready  # Write the lessons as pages that need no kernel, into build/book (LESSONS="02 03": some of them)
	@mkdir -p "$(CACHE)"
	@.venv/bin/python notebooks/book.py $(LESSONS)

address: .venv/ready  # Write REPOSITORY=owner/name into badges and bootstrap cells
	@.venv/bin/python notebooks/address.py "$(REPOSITORY)"

benchmark: .venv/ready  # Measure what has to be fast
	@TQDM_DISABLE=1 .venv/bin/python -m tests.benchmarks

data: .venv/ready  # Make the files in data/ again, each by its command (data/README.md)
	@set -e; for command in data/make_*.py; do echo "$$command"; .venv/bin/python $$command; done

evidence: .venv/ready  # Record what takes longer than a lesson may, where it is missing (RECORDINGS="a b": some of it)
	@.venv/bin/python -m data.evidence $(RECORDINGS)

clean:  # Remove everything that these commands made, the environments too
	rm -rf .venv .colab-venv .oldest-venv .cache .pytest_cache .ruff_cache .screenshots build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# The file `ready` is written last, so an interrupted set-up is taken up again by the next call; an environment
# whose Python has gone counts as never made.
.venv/ready: requirements.txt $(if $(wildcard .venv/bin/python),,FORCE)
	@$(call environment,.venv,requirements.txt,about 1.4 GB and two minutes the first time)
	@mkdir -p .venv/etc/jupyter/labconfig
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
	    > .venv/etc/jupyter/labconfig/default_setting_overrides.json
	@touch $@

.colab-venv/ready: tests/colab/requirements.txt $(if $(wildcard .colab-venv/bin/python),,FORCE)
	@$(call environment,.colab-venv,tests/colab/requirements.txt,about 1.2 GB and two minutes the first time)
	@touch $@

# The oldest packages have no builds for the newest Pythons, so this environment has the oldest Python as well. Its
# PyTorch prints other last digits, hence --nbval-lax above: outputs are not compared, but every cell runs and asserts.
# It brings NVIDIA's libraries on Linux; pip's cache would double them.
.oldest-venv/ready: export PIP_NO_CACHE_DIR = 1
.oldest-venv/ready: tests/oldest/requirements.txt $(if $(wildcard .oldest-venv/bin/python),,FORCE)
	@$(call environment,.oldest-venv,tests/oldest/requirements.txt,about 6 GB and ten minutes the first time,$(or \
	    $(PYTHON),python3.11 python3),sys.version_info[:2] != (3, 11),Python 3.11)
	@touch $@

# $(call environment,folder,requirements,how long): a virtual environment with these packages. Three more words choose
# another Python: names to try, what makes one unfit, and what is needed.
define environment
python=; for candidate in $(or $(4),$(PYTHONS)); do \
  if "$$candidate" -c 'import sys; sys.exit($(or $(5),$(UNFIT)))' 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "$(or $(6),Python 3.11 to 3.14) is needed, and none of these is one: $(or $(4),$(PYTHONS)). Install it, or name one: make PYTHON=/path/to/python3.$(if $(6),11,12)" >&2; exit 1; \
fi; \
if ! test -w .; then \
  echo "Nothing can be written into this folder, where $(1) belongs: copy the folder to a place of your own, then call make there." >&2; exit 1; \
fi; \
if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
  echo "$$python lacks the module venv or ensurepip: install it (Debian and Ubuntu: sudo apt install python3-venv), then call make again." >&2; exit 1; \
fi; \
if ! $(1)/bin/python -c 'import sys, pip; sys.exit($(or $(5),$(UNFIT)))' 2>/dev/null; then \
  rm -rf $(1) && "$$python" -m venv $(1) || exit 1; \
fi; \
echo "Installing $(2) into $(1): $(3)."; \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2) || \
  { echo "The installation stopped; call make again to continue where it was." >&2; exit 1; }
endef
