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
@pytest.mark.parametrize(
    "thing", [None, 5, np.zeros((12, 5000), np.float32), np.zeros((300, 400, 5)), np.zeros((3, 3), complex)]
)
def test_open_ecg_of_something_else(run, thing):
    """What is neither record nor page is refused in one sentence."""
    with pytest.raises(ecgimg.BadRequest, match="give an EcgRecord") as caught:
        run(thing)
    if isinstance(thing, np.ndarray):
        assert f"{thing.dtype} and shape {thing.shape}" in str(caught.value)


def test_open_ecg_of_signals():
    """An array with its rate and leads is a record; without leads it has the twelve."""
    signals = np.random.default_rng(0).normal(0, 0.2, (12, 5000))
    record = open_ecg(signals, fs_hz=500)
    assert (record.leads, record.fs_hz) == (ecgimg.STANDARD_LEADS, 500.0)
    record = open_ecg(signals[:2].astype(np.float16), fs_hz=np.int32(250), leads=["II", "V5"])
    assert (record.leads, record.duration_s) == (("II", "V5"), 20.0)
    assert open_ecg(signals[:1], fs_hz=250, leads="II").leads == ("II",)


@pytest.mark.parametrize(
    ("thing", "given", "said"),
    [
        (np.zeros((12, 50), complex), {"fs_hz": 500}, "complex128 and shape"),
        (np.zeros((12, 50), object), {"fs_hz": 500}, "object and shape"),
        (np.zeros((12, 50)), {"leads": ecgimg.STANDARD_LEADS}, "give fs_hz"),
        (RECORD, {"fs_hz": 500}, "an EcgRecord cannot be taken for signals"),
        ("a.csv", {"fs_hz": 500}, "a str cannot be taken for signals"),
        (RECORD, {"page": 2}, "leave page out"),
    ],
)
def test_open_ecg_of_signals_that_are_none(thing, given, said):
    """What cannot be signals with that rate is refused."""
    with pytest.raises(ecgimg.BadRequest, match=said):
        open_ecg(thing, **given)


@pytest.mark.parametrize(
    ("shape", "given"),
    [((5000, 12), {"fs_hz": 500}), ((2, 50), {"fs_hz": 0, "leads": ["I", "II"]}), ((0, 0), {"fs_hz": 5})],
)
def test_open_ecg_of_signals_that_do_not_fit(shape, given):
    """Signals whose shape, rate or leads do not fit are no record."""
    with pytest.raises(ecgimg.BadRecord):
        open_ecg(np.zeros(shape), **given)


def test_classify_list(hearts):
    """Several records give a report each; one that is bad says why, and does not end the rest."""
    good = EcgRecord(hearts.signals_mv[0], 100.0)
    reports = ecgimg.classify([good, EcgRecord(np.zeros((12, 1000)), 100.0), None, "missing.csv", good])
    assert [bool(report.findings) for report in reports] == [True, False, False, False, True]
    assert [report.reasons[0].code.value for report in reports[1:4]] == ["no_ecg"] * 3
    texts = [report.reasons[0].text for report in reports[1:4]]
    for text, said in zip(texts, ("flat", "NoneType", "missing.csv does not exist"), strict=True):
        assert said in text
    assert ecgimg.classify(()) == []
    with pytest.raises(ecgimg.BadRequest, match="operating point"):
        ecgimg.classify([], operating_point="none")


def test_leads_of_monitors(hearts):
    """What stands for a standard lead, what is not used and what was left out is said, and the leads used are named."""
    signals = hearts.signals_mv[0][[1, 6, 6]]
    holter = EcgRecord(signals, 100.0, ("II", "V5", "MCL1"), {"II": "MLII"}, ("RESP",))
    classified, measured = ecgimg.classify(holter), ecgimg.measure(holter)
    assert tuple(classified.seen_s) == ("II", "V5")
    texts = [reason.text for reason in classified.reasons]
    assert "Leads with electrodes on the torso are taken for standard leads: MLII as II." in texts
    assert "None of the twelve leads, and not used: MCL1." in texts
    assert "Channels that are no ECG leads were left out: RESP." in texts
    assert [reason.code.value for reason in measured.reasons] == ["leads_recorded_as", "channels_left_out"]
    assert set(measured.leads) == {"II", "V5", "MCL1"}
    assert measured.plot() is not None
    plain = ecgimg.classify(EcgRecord(signals[:2], 100.0, ("II", "V5")))
    assert [f.probability for f in plain.findings] == [f.probability for f in classified.findings]
    with pytest.raises(ecgimg.BadRecord, match="none of the twelve leads"):
        ecgimg.classify(EcgRecord(signals[:1], 100.0, ("ECG1",)))
    assert open_ecg(signals[:2], fs_hz=100, leads=["MLII", "V"]).recorded_as == {"II": "MLII"}


def test_classify_signals(hearts):
    """Signals in an array are classified as the record of them."""
    signals = hearts.signals_mv[0]
    by_array, by_record = ecgimg.classify(signals, fs_hz=100), ecgimg.classify(EcgRecord(signals, 100.0))
    assert [f.probability for f in by_array.findings] == [f.probability for f in by_record.findings]
    assert ecgimg.measure(signals, fs_hz=100).values == ecgimg.measure(EcgRecord(signals, 100.0)).values
