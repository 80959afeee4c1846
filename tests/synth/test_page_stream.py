"""Pages in number: reproducible, resumable, and refused before anything is written."""

from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest

import synth
from ecgimg import BadOutput, BadRecord, BadRequest, UnknownLayout
from synth.labels.truth import load_truth
from synth.page_folder import write_pages


def digests(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_write_pages_by_eight_processes(drawn, tmp_path):
    """The same seed gives the same bytes in one process or eight."""
    write_pages(tmp_path, n=8, seed=11, masks=True, jobs=8)
    assert digests(tmp_path) == digests(drawn)


def test_write_pages_with_other_seed(drawn, tmp_path):
    """Another seed gives another page."""
    write_pages(tmp_path, n=1, seed=12)
    assert digests(tmp_path)["page-000000.json"] != digests(drawn)["page-000000.json"]


def test_pages_as_iterator(drawn):
    """The iterator gives the pages of the folder."""
    for index, page in enumerate(synth.pages(n=3, seed=11)):
        on_disk = load_truth(drawn / f"page-{index:06d}")
        assert on_disk.parameters == json.loads(json.dumps(page.truth.parameters))
        file = next(path for path in drawn.glob(f"page-{index:06d}.*") if path.suffix in (".png", ".jpg"))
        assert np.array_equal(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), page.image)


def test_write_pages_after_a_stop(drawn, tmp_path):
    """A stopped run goes on where it was."""
    write_pages(tmp_path, n=4, seed=11, masks=True)
    kept = (tmp_path / "page-000001.npz").stat().st_mtime_ns
    for path in tmp_path.glob("page-000002*"):
        path.unlink()
    done = []
    write_pages(tmp_path, n=8, seed=11, masks=True, on_page=done.append)
    assert digests(tmp_path) == digests(drawn)
    assert (tmp_path / "page-000001.npz").stat().st_mtime_ns == kept
    assert sorted(done) == [f"page-{index:06d}" for index in range(8)]


def test_write_pages_into_folder_of_other_run(drawn, tmp_path):
    """Another run in the same folder is refused."""
    with pytest.raises(BadOutput, match="another run"):
        write_pages(drawn, n=8, seed=99)
    (tmp_path / "page-000000.png").write_bytes(b"mine")
    with pytest.raises(BadOutput, match="already holds pages"):
        write_pages(tmp_path, n=1)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"layouts": "3x9"}, UnknownLayout),
        ({"layouts": ""}, UnknownLayout),
        ({"degradation": "flood"}, BadRequest),
        ({"seed": -1}, BadRequest),
        ({"n": 0}, BadRequest),
        ({"jobs": 0}, BadRequest),
        ({"records": "nowhere.npz"}, BadRecord),
        ({"records": []}, BadRecord),
    ],
)
def test_write_pages_refusals(tmp_path, wrong, error):
    """A wrong request is refused, and no folder is left."""
    out = tmp_path / "out"
    with pytest.raises(error):
        write_pages(out, **{"n": 1, **wrong})
    assert not out.exists()
