"""The record: what it keeps, what it refuses, and how it is shown."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS, BadRecord, EcgRecord, MissingExtra


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


def test_standard_leads() -> None:
    """Twelve rows without names are the standard leads."""
    assert len(STANDARD_LEADS) == 12
    assert EcgRecord(np.zeros((12, 10)), 100).leads == STANDARD_LEADS


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "EcgRecord(2 leads, 0.008 s at 500 Hz, 100 % known)"),
        (
            {"signals": np.zeros((1, 2570)), "leads": ("II",), "fs_hz": 257},
            "EcgRecord(1 lead, 10.0 s at 257 Hz, 100 % known)",
        ),
        ({"signals": np.full((2, 4), np.nan)}, "EcgRecord(2 leads, 0.008 s at 500 Hz, 0 % known)"),
        ({"signals": [[0, np.nan] * 500, [0] * 1000]}, "EcgRecord(2 leads, 2.0 s at 500 Hz, 75 % known)"),
        ({"signals": [[0, *[np.nan] * 999]] * 2}, "EcgRecord(2 leads, 2.0 s at 500 Hz, 1 % known)"),
        ({"signals": [[np.nan, *[0] * 999]] * 2}, "EcgRecord(2 leads, 2.0 s at 500 Hz, 99 % known)"),
    ],
)
def test_repr(changes: dict[str, object], text: str) -> None:
    """A record says its leads, length, rate and known share in one line; 0 and 100 % mean none and all."""
    assert repr(record(**changes)) == text


def test_html_of_record(heart_record: EcgRecord) -> None:
    """A notebook shows the line and the plot of a record, and no more than ten seconds of it."""
    html = heart_record._repr_html_()
    assert repr(heart_record) in html
    assert html.count("<img ") == 1
    hour = EcgRecord(np.tile(heart_record.signals, 360), heart_record.fs_hz, heart_record.leads)
    assert len(hour._repr_html_()) < 1.01 * len(html)


def test_plot_of_part(heart_record: EcgRecord) -> None:
    """A record is plotted from a second on, for some seconds."""
    plot = heart_record.plot(start_s=2, seconds=2.5)
    assert repr(plot) == "EcgPlot(15 leads, 2 to 4.5 s)"
    assert "2 to 4.5 s of 10 s" in plot.svg


def test_to_pandas() -> None:
    """A table has the seconds as its index, a column for each lead, and NaN where nothing is known."""
    pandas = pytest.importorskip("pandas")
    ecg = record(signals=[[0, 1, 2, np.nan], [4, 5, 6, 7]])
    table = ecg.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table.index.name == "time_s"
    assert table.index.tolist() == [0, 0.002, 0.004, 0.006]
    assert table.columns.tolist() == ["I", "II"]
    np.testing.assert_array_equal(table.to_numpy().T, ecg.signals)
    table.loc[0, "I"] = 9  # the table is the caller's own
    assert ecg.signals[0, 0] == 0


def test_to_pandas_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas the error says what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"ecgimg\[pandas\]"):
        record().to_pandas()
