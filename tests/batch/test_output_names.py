"""Names of outputs: any name of a page gives names that formats and disks take, and no two pages share one."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fsspec", reason="the batch extra is not installed")

from ecgimg.batch.output_names import output_paths, overlay_path, record_path

NAMES = [
    "a.png", "a.jpg", "a.png-p2", "a_png", "a b.png", "a_b.png", "a(b.png", "a.b.png", "ä.png", "心.png", "x/a.png",
    "../a.png", "Ü" * 120 + ".png", "Ü" * 119 + "X.png", "--.png",
]  # fmt: skip


def test_record_paths():
    """Record names are of letters that WFDB takes, short, inside the outputs, and different."""
    paths = [record_path(name, "wfdb") for name in NAMES]
    assert all(re.fullmatch(r"wfdb/((x|_)/)?[-A-Za-z0-9_]{1,200}\.hea", path) for path in paths)
    assert len(set(paths)) == len(NAMES)
    assert paths[:3] == ["wfdb/a_png.hea", "wfdb/a_jpg.hea", "wfdb/a_png-p2.hea"]


def test_overlay_paths():
    """Overlays have the names of their pages, but for what a disk does not take."""
    assert overlay_path("x/HB(1).jpg") == "overlays/x/HB(1).jpg.jpg"
    assert overlay_path("../a.png") == "overlays/_/a.png.jpg"
    long = [overlay_path(f"{'Ü' * 125}{letter}.png") for letter in "ab"]
    assert long[0] != long[1]
    assert all(len(path.encode()) < 220 for path in long)


def test_output_paths():
    """The files that a run may have written for a page are known from its settings."""
    assert list(output_paths("a.png", True, ("edf", "wfdb"))) == [
        "overlays/a.png.jpg", "edf/a_png.edf", "edf/a_png.mask.csv", "wfdb/a_png.hea", "wfdb/a_png.dat",
    ]  # fmt: skip
