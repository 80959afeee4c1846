"""Tests of opening what is measured or classified."""

from __future__ import annotations

import numpy as np
import pytest

import ecgimg
from ecgimg.digitization import Digitization
from ecgimg.formats.input_files import InputFile
from ecgimg.open_ecg import iter_ecgs, open_ecg
from ecgimg.record import EcgRecord

RECORD = EcgRecord(np.zeros((2, 500)), 100.0, ("I", "II"))


def test_open_ecg_of_what_is_open():
    """Records and digitizations are returned as they are."""
    page = Digitization("refused")
    assert open_ecg(RECORD) is RECORD
    assert open_ecg(page) is page


def test_open_ecg_of_a_record_file(tmp_path):
    """The file of a record is read, under its name as text and as a path."""
    path = ecgimg.write_record(RECORD, tmp_path / "r.csv") or tmp_path / "r.csv"
    for name in (path, str(path)):
        assert open_ecg(name).leads == ("I", "II")
    ((stem, record, picture),) = iter_ecgs(InputFile(path, "r"))
    assert (stem, record.leads, picture) == ("r", ("I", "II"), None)


def test_open_ecg_of_a_picture():
    """A picture is digitized; a blank one shows nothing."""
    assert open_ecg(np.full((300, 400, 3), 255, np.uint8)).status == "refused"


@pytest.mark.parametrize("run", [ecgimg.measure, ecgimg.classify])
@pytest.mark.parametrize("thing", [None, 5, np.zeros((12, 5000), np.float32), np.zeros((300, 400, 3))])
def test_open_ecg_of_something_else(run, thing):
    """What is neither record nor page is refused in one sentence."""
    with pytest.raises(ecgimg.BadRequest, match="give an EcgRecord"):
        run(thing)
