# One command each: make demo, make test, make test-all, make lint, make docs, make bench. Each installs what it needs into
# .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
STAMP := $(VENV)/.installed
LOWEST := build/lowest/.installed
CORE_TESTS := tests/test_cli.py tests/test_files.py tests/test_package.py tests/test_scale_text_parser.py tests/test_record.py \
	$(addprefix tests/digitization/test_,digitize_files.py pages_scale.py page_views.py pipeline.py result.py vector_page.py) \
	$(addprefix tests/digitization/text/test_,label_detection.py line_detection.py line_recognition.py scale_text.py) \
	tests/digitization/dewarp/test_map_from_grid.py \
	tests/batch/test_source_files.py::test_preview_in_threads tests/formats tests/inference tests/isolation tests/layouts \
	$(addprefix tests/classification/test_,findings.py not_judged.py occlusion.py predict.py trained_classifier.py) \
	$(addprefix tests/synth/test_,page_drawing.py header_footer.py page.py page_geometry.py random_degradation.py random_page_spec.py \
	page_spec.py) tests/synth/labels/test_masks.py

.PHONY: demo test test-slow test-all lowest test-lowest lint docs bench wheel clean

# The package alone is enough for the demo; torch and whatever else the tests need comes on top of it.
$(CORE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check \
		--constraint constraints.txt --editable .
	touch $@

$(STAMP): $(CORE)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(CORE)
	$(BIN)/ecgimg digitize ecgimg/samples/photo.jpg --out demo
	$(BIN)/ecgimg classify ecgimg/samples/photo.jpg --out demo --explain
	@echo "The photo is ecgimg/samples/photo.jpg; what was read off it is drawn in demo/photo.overlay.png, and what the"
	@echo "findings rest on in the other pictures there. Research use only, not a medical device."

# The fast tests, which touch every part. Those that are marked slow are run by `make test-slow`, and all by `make test-all`.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m slow

test-all: test test-slow

# The lowest version of every core dependency.
$(LOWEST): $(STAMP)
	$(PYTHON) -m venv build/lowest
	$(BIN)/python tests/tools/lowest.py > build/lowest/constraints.txt
	build/lowest/bin/python -m pip install --quiet --constraint build/lowest/constraints.txt --editable '.[synth,formats]' \
		pytest pytest-xdist hypothesis
	touch $@

lowest: $(LOWEST)

# The tests of reading pages and records on it.
test-lowest: $(LOWEST)
	build/lowest/bin/python -m pytest -n 2 -o filterwarnings=default -p no:cacheprovider $(CORE_TESTS) \
		--ignore tests/formats/test_damaged_records.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site. A warning is an error, and a reference to a name of ours that is not documented is one, too.
docs: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html docs build/docs
	@echo "The documentation is in build/docs/index.html."

bench: $(STAMP)
	$(BIN)/python tests/tools/bench.py

# The wheel carries all three packages, their layouts, fonts and weights: proven in an empty venv, from another folder.
wheel: $(STAMP)
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m build --quiet --wheel --outdir build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet --constraint constraints.txt "$$(ls build/wheel/*.whl)[synth]"
	cd build/wheel && venv/bin/ecgimg layouts show 3x4+II && venv/bin/ecgimg synth --out pages -n 2 --jobs 2
	cd build/wheel && venv/bin/python -c "import layouts, synth, ecgimg; assert len(layouts.layout_names()) > 20; print(ecgimg.__file__)"

clean:
	rm -rf build dist demo out .mypy_cache .pytest_cache .ruff_cache .hypothesis
