"""What a run writes besides its tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fsspec", reason="the batch extra is not installed")
from ecgimg.batch.report import expected_counts


def test_overlays_formats_and_report(done: Path):
    """Overlays, WFDB records and a report without links to other machines are written, and no draft is left."""
    with Image.open(done / "overlays/ward b/older/two.jpg.jpg") as overlay:
        assert max(overlay.size) == 900
    assert (done / "wfdb/three_tif-p2.hea").is_file()
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "Archive of 7 ECG pages" in report
    assert "http" not in report.replace("http-equiv", "")
    assert "not a medical device" in report
    assert 'src="data:image/jpeg;base64,' in report
    assert not list((done / ".ecgimg/spool").iterdir())


def test_expected_counts():
    """A finding is expected as often as its probabilities add up to, with an interval."""
    rows = [{"probability": {"AFIB": 0.5, "LVH": 0.1}}] * 100 + [{"probability": {"AFIB": 0.0}}, {"probability": None}]
    counts = expected_counts(rows)
    assert list(counts) == ["AFIB", "LVH"]
    count, low, high, pages = counts["AFIB"]
    assert count == pytest.approx(50)
    assert (low, high) == (pytest.approx(50 - 9.8), pytest.approx(50 + 9.8))
    assert pages == 101
    assert counts["LVH"][0] == pytest.approx(10)


def test_findings_of_report(done: Path):
    """The report tells how often findings are expected."""
    report = (done / "report.html").read_text(encoding="utf-8")
    table = report[report.index("<h2>Findings") :].partition("</section>")[0]
    assert "Expected" in table
    assert "sinus rhythm" in table


def test_measurements_of_report(done: Path):
    """The report tells how rate, PR, QRS and QTc are distributed."""
    report = (done / "report.html").read_text(encoding="utf-8")
    table = report[report.index("<h2>Measurements") :].partition("</table>")[0]
    assert [name for name in ("Rate, bpm", "PR, ms", "QRS, ms", "QTc (Fridericia), ms") if name in table]
    assert re.search(r'Rate, bpm</th><td class="n">\d+</td><td class="n">\d+ to \d+</td><td class="n">4</td>', table)
