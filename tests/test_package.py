"""What the package promises: its public names, what importing it costs, and the errors' family."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ecgimg
import layouts
import synth
from ecgimg import (
    errors,
)
from ecgimg.comparison import compare
from ecgimg.digitization import digitize
from ecgimg.measurement import measure
from ecgimg.reporting import report
from synth.page_drawing import load_font

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "scipy", "cv2", "skimage", "onnxruntime", "pandas", "wfdb", "pyedflib", "pydicom", "pyarrow", "PIL")


def test_import_ecgimg_without_optional_packages() -> None:
    """Importing ecgimg loads no optional package and no heavy one."""
    heavy = ["wfdb", "pyedflib", "pydicom", "pyarrow", "pandas", "torch", "cv2", "scipy"]
    code = f"import sys, ecgimg; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout.strip() == "[]"


def test_public_names():
    """The public names are exactly these, and every name of __all__ exists."""
    assert ecgimg.__all__ == [
        "STANDARD_LEADS", "BadOutput", "BadRecord", "BadRequest", "BadWeights", "EcgImgError", "EcgRecord",
        "MissingExtra", "UnknownLayout", "UnreadablePage", "__version__", "classify", "compare", "digitize",
        "iter_records", "measure", "pages", "read_record", "write_record",
    ]  # fmt: skip
    for module in (ecgimg, layouts, synth):
        assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(
    ("verb", "run"),
    [("digitize", digitize), ("classify", report), ("measure", measure), ("compare", compare)],
)
def test_verbs_are_functions(verb, run):
    """The verbs are plain functions with the parameters of what they call, and a docstring."""
    function = getattr(ecgimg, verb)
    assert inspect.isfunction(function)
    own, called = (inspect.signature(each).parameters.values() for each in (function, run))
    assert [(p.name, p.kind, p.default) for p in own] == [(p.name, p.kind, p.default) for p in called]
    assert "Raises" in function.__doc__
    assert ecgimg.digitize(np.full((200, 300, 3), 255, np.uint8)).status == "refused"


def test_import_ecgimg_loads_nothing_heavy():
    """Importing ecgimg loads none of the heavy packages."""
    code = f"import sys, ecgimg; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_synth_without_torch():
    """Drawing a page does not load torch."""
    code = "import sys, synth; next(synth.pages(n=1, layouts='1x1')); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_errors_are_one_family():
    """Every error is an EcgImgError."""
    family = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, errors.EcgImgError) for error in family)


def test_fonts_have_licences():
    """Every font is loaded, and named in the file of licences."""
    folder = ROOT / "synth" / "fonts"
    told = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    fonts = [path for path in folder.iterdir() if path.suffix in (".ttf", ".otf")]
    assert len(fonts) >= 8
    for font in fonts:
        assert font.name in told
        assert load_font(font.name, 20).getlength("aVR V1 25 mm/s") > 0


def test_no_library_sends_telemetry(tmp_path):
    """Digitizing and classifying leaves no state of a library's telemetry."""
    words = "import ecgimg; ecgimg.classify(ecgimg.digitize('ecgimg/samples/photo.jpg'))"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    root = Path(ecgimg.__file__).parents[1]
    subprocess.run([sys.executable, "-c", words], cwd=root, env={**environment, "TMPDIR": str(tmp_path)}, check=True)
    assert not list(tmp_path.iterdir())  # onnxruntime keeps the state of its telemetry there
