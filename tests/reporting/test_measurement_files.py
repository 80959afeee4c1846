"""Files are measured, and their results written."""

from __future__ import annotations

import csv
import json

import pytest

from ecgimg import BadRequest, write_record
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.measurement_files import Files, as_csv, measure_files
from tests.conftest import ROOT
from tests.reporting.measured import measured_heart

PAGE = ROOT / "ecgimg" / "samples" / "scan.jpg"


@pytest.fixture
def record_file(heart_record, tmp_path):
    path = tmp_path / "heart.csv"
    write_record(heart_record, path)
    return path


def test_measure_files_write(record_file, tmp_path):
    """JSON, table and plot of a record are written; the JSON holds every beat where it is asked for."""
    out = tmp_path / "out"
    (outcome,) = measure_files([record_file], out, Files(per_beat=True, csv=True, plot=True))
    content = json.loads((out / "heart.measurements.json").read_text(encoding="utf-8"))
    assert content["schema"] == "ecgimg-measurements"
    assert content["global"]["rate_bpm"]["value"] == pytest.approx(72, abs=4)
    assert len(content["beats"]) == len(outcome.measurements.beats)
    assert content["median_over_leads"]["qrs_ms"] > 50
    assert (out / "heart.measurements.svg").read_text(encoding="utf-8").startswith("<svg")
    rows = list(csv.DictReader((out / "heart.measurements.csv").read_text(encoding="utf-8").splitlines()))
    assert {"global", "II", "V9"} <= {row["scope"] for row in rows}


def test_measure_files_json_without_beats(record_file, tmp_path):
    """Beats are left out of the JSON unless they are asked for."""
    list(measure_files([record_file], tmp_path / "out"))
    assert "beats" not in json.loads((tmp_path / "out" / "heart.measurements.json").read_text(encoding="utf-8"))


def test_measure_files_goes_on(record_file, tmp_path):
    """A file that cannot be read is an outcome, and the others are measured."""
    broken = tmp_path / "broken.csv"
    broken.write_text("nothing\n", encoding="utf-8")
    outcomes = list(measure_files([broken, record_file]))
    assert outcomes[0].measurements is None
    assert outcomes[0].reason is not None
    assert outcomes[1].measurements.values


def test_measure_files_same_name(record_file):
    """Two inputs that would write one file are refused before any work."""
    with pytest.raises(BadRequest):
        list(measure_files([record_file, record_file], record_file.parent))


def test_measure_page_file(tmp_path):
    """A page is digitized and measured."""
    (outcome,) = measure_files([PAGE], tmp_path)
    assert outcome.stem == "scan"
    assert outcome.measurements["rate_bpm"].value is not None


def test_csv_of_missing_numbers():
    """A number that is not given has the code of its reason in the table."""
    numbers = measured_heart(missing={"pr_ms": ReasonCode.NO_P_WAVE})
    rows = {row[1]: row for row in csv.reader(as_csv(numbers).splitlines()) if row[0] == "global"}
    assert rows["pr_ms"][2] == ""
    assert rows["pr_ms"][7] == "no_p_wave"
