# A fresh machine needs Python 3.11 or newer and make; everything else goes into .venv, from hash-pinned locks.
#
#   make demo            the whole line on this machine, from a bank to a targeting tool
#                        INPUT=DIR takes your own files, KEEP=1 leaves the server running
#   make test            every test but the slow ones              WORKERS=2  ARGS="-k repayment"
#   make check           formatting, lint, types, layers
#   make bench           speed against the references, a line per goal
#   make serve           a gateway on this machine (settings: docs/operations.md)
#   make golden ADAPTER=…  write the expected files of an adapter's samples; FORCE=1 overwrites; the diff is the review
#   make docs            rewrite the pages that are made from code: docs/rules.md, adapters.md, record-kinds.md
#   make locks           pin the dependencies of pyproject.toml (needs uv)   UPGRADE=1 moves to the newest

PYTHON  ?= python3
WORKERS ?= 2
RUN     := .venv/bin/python
READY   := .venv/.ready
PIP     := $(RUN) -m pip install --quiet --disable-pip-version-check

# Servers, workers and commands that tests start would each compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check bench serve golden docs locks clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(READY)
	@KEEP="$(KEEP)" $(RUN) -m gateway demo $(if $(INPUT),--input "$(INPUT)")

test: $(READY)
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

check: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	.venv/bin/lint-imports

bench: $(READY)
	$(RUN) -m bench

serve: $(READY)
	$(RUN) -m gateway serve

golden: $(READY)
	$(RUN) -m gateway.testing write $(or $(ADAPTER),$(error name one: make golden ADAPTER=…)) $(if $(FORCE),--force)

docs: $(READY)
	$(RUN) tests/architecture/reference_pages.py

PIN := uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --extra postgres --no-annotate \
	--generate-hashes --no-emit-index-url --custom-compile-command "make locks" --quiet $(if $(UPGRADE),--upgrade)

locks:
	$(PIN) --group dev --output-file requirements/dev.txt
	$(PIN) --constraints requirements/dev.txt --output-file requirements/runtime.txt

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo-data

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/it" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into .venv, once; this takes about a minute."
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(READY)
