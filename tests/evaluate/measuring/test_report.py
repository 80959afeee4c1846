"""Tables, JSON and figures of measured records."""

from __future__ import annotations

import json
import math

import pytest
from rich.console import Console
from rich.table import Table

from ecgimg.evaluate.measuring import report
from ecgimg.evaluate.measuring.annotated_records import AnnotatedScore, DelineationScores
from ecgimg.evaluate.measuring.through_pages import PageChange
from ecgimg.evaluate.measuring.wave_marks import MarkCounts
from ecgimg.measurement.results import GLOBAL_NAMES, MEDIAN_NAMES

NAN = math.nan


def score(name: str, pr_ms: float = 160.0, *, has_p: bool = True, axis_deg: float = 40.0) -> AnnotatedScore:
    medians = dict(zip(MEDIAN_NAMES, ((100.0, 102.0), (pr_ms, 150.0), (94.0, 90.0), (398.0, 400.0)), strict=True))
    usual, over = ({key: (own + 10, truth + add) for key, (own, truth) in medians.items()} for add in (9, 8))
    return AnnotatedScore(name, medians, usual, over, (60.5, 60.0), (axis_deg, 45.0), True, has_p, pr_ms > 0, 8)


@pytest.fixture
def scores() -> DelineationScores:
    """Three records: one without PR, one without P, and one of another axis."""
    counts = {("QRS", "onset"): MarkCounts(9, 1, 0, [0.002] * 9), ("T", "end"): MarkCounts(0, 2, 3, [])}
    records = [score("1", NAN), score("2", has_p=False), score("3", 154.0, axis_deg=-170.0)]
    return DelineationScores(records, counts)


@pytest.fixture
def changes() -> list[PageChange]:
    """Two pages: one that gives every number of its record, and one that was refused."""
    numbers = {**dict.fromkeys(GLOBAL_NAMES, (2.0, 1.0)), "qrs_axis_deg": (-179.0, 179.0), "rmssd_ms": (NAN, NAN)}
    nothing = {name: (NAN, record) for name, (_, record) in numbers.items()}
    st_mv = ((0.1, 0.06), (0.0, 0.2))
    return [PageChange("a", "ok", numbers, st_mv, {}), PageChange("b", "refused", nothing, (), {"pr_ms": "no_p_wave"})]


def lines_of(table: Table) -> list[str]:
    console = Console(width=200, record=True, quiet=True)
    console.print(table)
    with console.capture() as capture:
        console.quiet = False
        console.print(table)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_interval_table(scores):
    """Bias, SD and records of each interval, and the records that have none."""
    heads, medians, usual, over, left = lines_of(report.interval_table(scores))
    assert heads.endswith(" ".join(MEDIAN_NAMES))
    assert medians == "median over leads -2.0 ± 0.0 (3) 7.0 ± 3.0 (2) 4.0 ± 0.0 (3) -2.0 ± 0.0 (3)"
    assert usual == "usual beat of all leads -1.0 ± 0.0 (3) 8.0 ± 3.0 (2) 5.0 ± 0.0 (3) -1.0 ± 0.0 (3)"
    assert over == "earliest to latest 0.0 ± 0.0 (3) 9.0 ± 3.0 (2) 6.0 ± 0.0 (3) 0.0 ± 0.0 (3)"
    assert left == "left out none 1 none none"


def test_mark_table(scores):
    """Sensitivity, positive predictive value, bias and SD of each mark; nan where none was found."""
    _, qrs, t = lines_of(report.mark_table(scores))
    assert qrs == "QRS onset 10 90.00 100.00 2.0 0.0"
    assert t == "T end 2 0.00 0.00 nan nan"


def test_summary(scores):
    """Absent P waves, the error of the rate, and the share of axes within ten degrees."""
    assert report.summary(scores) == {
        "records": 3,
        "P absent, said so": "0 of 1",
        "P present, said absent": "1 of 2",
        "regular records": 3,
        "largest error of their rate, 1/min": 0.5,
        "axis within 10°": pytest.approx(2 / 3),
    }


def test_summary_of_no_record():
    """Without records there are no shares."""
    told = report.summary(DelineationScores())
    assert told["records"] == 0
    assert math.isnan(told["axis within 10°"])


def test_summary_where_no_rate_was_given(scores):
    """A rate that no record has is nan."""
    records = [AnnotatedScore(**{**vars(record), "rate_bpm": (NAN, 60.0)}) for record in scores.records]
    assert math.isnan(report.summary(DelineationScores(records))["largest error of their rate, 1/min"])


def test_page_table(changes):
    """Each number says how many pages give it of those that have it, and axes are compared around the circle."""
    rows = {line.split()[0]: line for line in lines_of(report.page_table(changes))}
    assert set(GLOBAL_NAMES) <= set(rows)
    assert rows["rate_bpm"] == "rate_bpm 1 of 2 1 0 1 1"
    assert rows["qrs_axis_deg"] == "qrs_axis_deg 1 of 2 2 0 2 2"
    assert rows["rmssd_ms"] == "rmssd_ms 0 of 0 nan nan nan nan"


def test_page_summary(changes):
    """ST levels within 0.05 mV, rates within one, and what was refused or not given."""
    assert report.page_summary(changes) == {
        "pages": 2,
        "refused": 1,
        "ST within 0.05 mV": 0.5,
        "rate within 1 /min": 1,
        "rate not given": 0.5,
    }


def test_save_reports(tmp_path, scores, changes):
    """The JSON holds the summary and every record, null for what was not given."""
    report.save(report.of_annotated(scores), tmp_path / "annotated.json")
    told = json.loads((tmp_path / "annotated.json").read_text(encoding="utf-8"))
    assert told["summary"]["records"] == 3
    assert told["records"][0]["medians"]["pr_ms"] == [None, 150.0]
    report.save(report.of_pages(changes), tmp_path / "pages.json")
    told = json.loads((tmp_path / "pages.json").read_text(encoding="utf-8"))
    assert told["records"][1]["values"]["rate_bpm"] == [None, 1.0]
    assert told["records"][1]["said"] == {"pr_ms": "no_p_wave"}


def test_draw_bland_altman(tmp_path, scores):
    """A panel an interval: the differences of the records that have both numbers, bias, and 1.96 SD to each side."""
    pytest.importorskip("matplotlib")
    evaluated = report.of_annotated(scores)
    report.draw_bland_altman(evaluated.pairs, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    report.draw_bland_altman({"pr_ms": [(NAN, 150.0)]}, tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size > 1000


def test_draw_bland_altman_names_what_is_compared(monkeypatch, tmp_path, scores, changes):
    """Annotated records are compared with annotations, pages with their records."""
    pytest.importorskip("matplotlib")
    figures = []
    monkeypatch.setattr(report, "save_figure", lambda plt, figure, path: figures.append(figure) or plt.close(figure))
    for evaluated in (report.of_annotated(scores), report.of_pages(changes)):
        report.draw_bland_altman(evaluated.pairs, tmp_path / "figure.png", difference=evaluated.difference)
    labels = [figure.axes[0].get_ylabel() for figure in figures]
    assert labels == ["measured less annotated, ms", "through the page less on the record, ms"]
    lines = figures[0].axes[MEDIAN_NAMES.index("pr_ms")].get_lines()
    assert list(lines[0].get_ydata()) == [10, 4]
    assert [line.get_ydata()[0] for line in lines[1:]] == pytest.approx([7, 7 - 1.96 * 3, 7 + 1.96 * 3])
