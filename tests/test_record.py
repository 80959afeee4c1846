"""The record: what it keeps, what it refuses, and the spellings of lead names."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS, BadRecord, EcgRecord
from ecgimg.record import KNOWN_LEADS, canonical_lead


def record(**changes: object) -> EcgRecord:
    values: dict[str, object] = {"signals": np.zeros((2, 4)), "fs_hz": 500, "leads": ("I", "II")}
    return EcgRecord(**(values | changes))  # type: ignore[arg-type]


def test_record_types() -> None:
    """A record keeps millivolt as float32 and the rate as a float."""
    ecg = record(signals=[[0, 1, 2, np.nan], [4, 5, 6, 7]])
    assert ecg.signals.dtype == np.float32
    assert isinstance(ecg.fs_hz, float)
    assert ecg.n_samples == 4
    assert ecg.duration_s == 4 / 500
    assert ecg.known.tolist() == [[True, True, True, False], [True] * 4]


def test_record_is_immutable() -> None:
    """A record does not change with the array it was made of, and cannot be written to."""
    source = np.zeros((2, 4), np.float32)
    ecg = record(signals=source)
    source[0, 0] = 9
    assert ecg.signals[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        ecg.signals[0, 0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals": np.zeros(4)}, "needs an array"),
        ({"signals": np.zeros((3, 4))}, "needs an array"),
        ({"signals": np.zeros((2, 0))}, "one sample"),
        ({"signals": np.zeros((0, 4)), "leads": ()}, "one lead"),
        ({"signals": [[1, 2], [3]]}, "numbers"),
        ({"signals": [["a"], ["b"]]}, "numbers"),
        ({"signals": np.full((2, 4), np.inf)}, "infinite"),
        ({"signals": np.full((2, 4), 1e300)}, "infinite"),
        ({"leads": ("I", "Q7")}, "unknown lead names 'Q7'"),
        ({"leads": ("I", "I")}, "once"),
        ({"fs_hz": 0}, "between 1 and 100000 Hz"),
        ({"fs_hz": float("nan")}, "between 1 and 100000 Hz"),
        ({"fs_hz": -250}, "between 1 and 100000 Hz"),
        ({"fs_hz": 0.99}, "between 1 and 100000 Hz"),
        ({"fs_hz": 100_001}, "between 1 and 100000 Hz"),
        ({"fs_hz": True}, "between 1 and 100000 Hz"),
        ({"fs_hz": "500"}, "between 1 and 100000 Hz"),
        ({"fs_hz": None}, "between 1 and 100000 Hz"),
        ({"fs_hz": 10**400}, "between 1 and 100000 Hz"),
        ({"signals": np.broadcast_to(np.float32(0), (2, 400_000_000))}, "at most 600,000,000 values"),
    ],
)
def test_record_refusals(changes: dict[str, object], message: str) -> None:
    """Each value that no record has is refused with what is wrong."""
    with pytest.raises(BadRecord, match=message):
        record(**changes)


def test_lead_and_select() -> None:
    """Leads are taken by name, and a lead that is absent is NaN in a selection."""
    ecg = record(signals=[[1, 1, 1, 1], [2, 2, 2, 2]])
    assert ecg.lead("II").tolist() == [2] * 4
    with pytest.raises(BadRecord, match="it has I, II"):
        ecg.lead("V1")
    turned = ecg.select(["II", "V1", "I"])
    assert turned.leads == ("II", "V1", "I")
    assert turned.signals[:, 0].tolist()[::2] == [2, 1]
    assert np.isnan(turned.lead("V1")).all()
    with pytest.raises(BadRecord, match="at least one lead"):
        ecg.select([])


def test_masked() -> None:
    """A mask hides samples and fills none."""
    ecg = record(signals=[[1, 1, 1, np.nan], [2, 2, 2, 2]])
    hidden = ecg.masked([[True, False, True, True], [False] * 4])
    assert hidden.known.tolist() == [[True, False, True, False], [False] * 4]
    assert hidden.signals.dtype == np.float32


@pytest.mark.parametrize("name", KNOWN_LEADS)
@pytest.mark.parametrize("spell", [str, str.upper, str.lower, "Lead {}".format, "ECG-{}".format, " {} ".format])
def test_canonical_lead_of_usual_spellings(name: str, spell: object) -> None:
    """Usual spellings of a lead name are understood."""
    assert canonical_lead(spell(name)) == name  # type: ignore[operator]


@pytest.mark.parametrize("name", ["", "ECG", "lead", "-aVR", "MLII", "V10", "Fp1", "resp", "IV"])
def test_canonical_lead_of_other_names(name: str) -> None:
    """A name that is no ECG lead gives None."""
    assert canonical_lead(name) is None


def test_standard_leads() -> None:
    """Twelve rows without names are the standard leads."""
    assert len(STANDARD_LEADS) == 12
    assert EcgRecord(np.zeros((12, 10)), 100).leads == STANDARD_LEADS
