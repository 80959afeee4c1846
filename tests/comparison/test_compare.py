"""Two ECGs of one person beside each other."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import ecgimg
from ecgimg import STANDARD_LEADS, BadRequest, EcgRecord
from ecgimg.cli import app
from ecgimg.comparison import Comparison, compare_reports
from ecgimg.digitization import Digitization
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Report
from tests.classification.hearts import heart
from tests.comparison.reports import beating_record, report_of
from tests.digitization.pages import clean_page
from tests.reporting.measured import measured_heart


@pytest.fixture(scope="module")
def infarction() -> Comparison:
    old = heart(seed=3, rate_bpm=70, variety=0.0)
    return ecgimg.compare(old, heart(seed=3, rate_bpm=95, st_mv={"anterior": 0.3}, variety=0.0))


def test_what_changed_of_a_simulated_heart(infarction):
    """Rate and ST levels change by what was simulated, conduction does not, and ST elevation is new."""
    rate = infarction["rate_bpm"]
    assert rate.change == pytest.approx(25, abs=2)
    assert rate.exceeds_error
    for name in ("pr_ms", "qrs_ms", "qtc_fridericia_ms", "qrs_axis_deg"):
        assert infarction[name].exceeds_error is False
    assert infarction.leads["V3"]["st_j60_mv"].change == pytest.approx(0.35, abs=0.1)
    assert infarction.leads["V3"]["st_j60_mv"].exceeds_error
    assert infarction.leads["II"]["st_j60_mv"].exceeds_error is False
    assert infarction.of_fate("new")[0].new.code == "st_elevation"
    assert [change.new.code for change in infarction.of_fate("unchanged")] == ["SR"]


def test_usual_beats_are_aligned(infarction):
    """The QRS complexes of both lie on each other, and the ST segment is raised by what was simulated."""
    lead = infarction.leads["V3"]
    peaks_s = [infarction.times_s[np.nanargmin(beat.mv)] for beat in (lead.old_beat, lead.new_beat)]
    assert peaks_s[0] == pytest.approx(peaks_s[1], abs=0.005)
    at = np.abs(infarction.times_s - 0.15).argmin()
    assert lead.new_beat.mv[at] - lead.old_beat.mv[at] == pytest.approx(0.35, abs=0.12)


def test_comparison_as_json(infarction):
    """What is printed as JSON holds both numbers, the change and its worth."""
    told = json.loads(json.dumps(infarction.to_dict()))
    assert told["schema"] == "ecgimg-comparison"
    rate = told["global"]["rate_bpm"]
    assert rate["change"] == pytest.approx(rate["new"]["value"] - rate["old"]["value"], abs=0.11)
    assert told["leads"]["V3"]["st_j60_mv"]["exceeds_error"] is True
    assert told["statements"][0]["fate"] == "new"
    assert "unchanged" in repr(infarction)
    assert "ST elevation" in infarction._repr_html_()


def test_picture_of_beats(infarction, tmp_path):
    """Each lead has its old beat in its place, its new one in its own, and both on their common onset."""
    svg = infarction.plot().svg
    paths = {
        colour: re.search(rf'stroke="{colour}"[^>]* d="([^"]*)"', svg).group(1) for colour in ("#1f6fb4", "#1d1d24")
    }
    # a line in its own place, and one where both are
    assert {path.count("M") for path in paths.values()} == {2 * len(STANDARD_LEADS)}
    starts_mm = {key: {int(x) / 100 for x in re.findall(r"M(\d+) ", path)} for key, path in paths.items()}
    assert starts_mm["#1f6fb4"] == {17.5, 77.5, 117.5, 177.5}
    assert starts_mm["#1d1d24"] == {47.5, 77.5, 147.5, 177.5}
    assert infarction.plot().save(tmp_path / "beats.svg").is_file()


def test_leads_that_one_lacks():
    """A lead that one ECG lacks is named, has no change, and is drawn where it is."""
    old = report_of(measured_heart(), record=beating_record(leads=("I", "II", "V1")))
    new = report_of(measured_heart(), record=beating_record(leads=("I", "II", "V2")))
    comparison = compare_reports(old, new)
    assert (comparison.only_old, comparison.only_new) == (("V1",), ("V2",))
    assert comparison.lacking_leads == ("The new ECG does not show V1.", "The old ECG does not show V2.")
    assert comparison.leads["V1"].values == {}
    assert comparison.leads["V1"].new_beat is None
    assert comparison.leads["II"]["r_mv"].change == 0.0
    assert comparison.plot().svg.count("not shown") == 2


def test_number_that_one_lacks_in_words():
    """A number that one ECG lacks is said not to be given, with the reason; shown numbers and changes agree."""
    old = report_of(measured_heart(pr_ms=160.6, qrs_ms=92.0))
    new = report_of(measured_heart(missing={"p_duration_ms": ReasonCode.NO_P_WAVE}, pr_ms=154.4, qrs_ms=92.3))
    rows = {row[0]: row[1:] for row in compare_reports(old, new).rows()}
    assert rows["P duration"][:3] == ("100\xa0ms", "not given", "")
    assert "No P wave" in rows["P duration"][3]
    assert rows["PR interval"] == ("161\xa0ms", "154\xa0ms", "−7\xa0ms", "")
    assert rows["QRS duration"] == ("92\xa0ms", "92\xa0ms", "0\xa0ms", "")


def test_page_that_was_not_read():
    """Of a refused page nothing is compared, and its reasons say why; of two nothing can be drawn."""
    refused = Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))
    comparison = ecgimg.compare(heart(), refused)
    assert comparison["rate_bpm"].old.value is not None
    assert comparison["rate_bpm"].new.reason.code is ReasonCode.PAGE_NOT_READ
    assert comparison["rate_bpm"].change is None
    assert {change.fate for change in comparison.statements} == {"not comparable"}
    assert comparison.plot().svg.count("not shown") == len(STANDARD_LEADS)
    both = compare_reports(Report(), Report())
    assert both.to_dict()["global"] == {}
    with pytest.raises(BadRequest, match="neither ECG shows a beat"):
        both.plot()


def test_page_against_record():
    """A page is compared with the record that it shows: no interval changes beyond its error."""
    record = heart(seed=5)
    comparison = ecgimg.compare(record, clean_page(record=record).image)
    assert (comparison.only_old, comparison.only_new) == ((), ())
    assert tuple(comparison.leads) == STANDARD_LEADS
    for name in ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms"):
        assert comparison[name].exceeds_error is False


def test_compare_command(tmp_path):
    """`ecgimg compare` prints numbers, statements and leads that are lacking, as words or JSON, and draws the beats."""
    old = ecgimg.write_record(heart(), tmp_path / "old.csv")
    new = heart(rate_bpm=100).select(("I", "II", "V1"))
    new = ecgimg.write_record(EcgRecord(new.signals, 500.0, new.leads), tmp_path / "new.csv")
    done = CliRunner().invoke(app, ["compare", str(old), str(new), "--plot", str(tmp_path / "beats.svg")])
    assert done.exit_code == 0, done.output
    told = (
        "Heart rate",
        "more than its error",
        "not comparable",
        "The new ECG does not show III",
        "not a medical device",
    )
    for words in told:
        assert words in done.output
    assert (tmp_path / "beats.svg").is_file()
    done = CliRunner().invoke(app, ["compare", str(old), str(new), "--json"])
    assert json.loads(done.stdout)["only_old"][0] == "III"
    wrong = CliRunner().invoke(app, ["compare", str(old), str(tmp_path / "none.csv")])
    assert wrong.exit_code == 1
    assert "none.csv" in wrong.output
