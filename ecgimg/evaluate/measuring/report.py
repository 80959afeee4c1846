"""Tables and figures of measured records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from ecgimg._atomic_files import atomic_path
from ecgimg.evaluate.digitizer_report import plain, pyplot, save_figure
from ecgimg.evaluate.measuring.annotated_records import AnnotatedScore, DelineationScores, bias_and_sd, left_out
from ecgimg.evaluate.measuring.through_pages import PageChange
from ecgimg.measurement.results import GLOBAL_NAMES, MEDIAN_NAMES

Pairs = Sequence[tuple[float, float]]

_AXIS_DEG = 10.0
_ST_MV = 0.05
_ANNOTATED = "measured less annotated"


def interval_table(scores: DelineationScores) -> Table:
    """Return bias ± SD (ms) of each interval over records, by lead medians and over all leads."""
    table = Table("measured less annotated, ms", *MEDIAN_NAMES, box=None)
    rows = (
        ("median over leads", "medians"),
        ("usual beat of all leads", "usual"),
        ("earliest to latest", "over_leads"),
    )
    for title, group in rows:
        cells = []
        for name in MEDIAN_NAMES:
            bias, sd, n = bias_and_sd(_pairs(scores.records, group, name))
            cells.append(f"{bias:.1f} ± {sd:.1f} ({n})")
        table.add_row(title, *cells)
    table.add_row("left out", *(", ".join(left_out(scores, name)) or "none" for name in MEDIAN_NAMES))
    return table


def mark_table(scores: DelineationScores) -> Table:
    """Return sensitivity, positive predictive value, bias and SD of the marks of single beats."""
    table = Table("mark", "annotated", "sensitivity %", "PPV %", "bias ms", "SD ms", box=None)
    for (kind, edge), count in scores.counts.items():
        errors_ms = 1000 * np.array(count.errors_s or [np.nan])
        table.add_row(
            f"{kind} {edge}", str(count.found + count.missed), f"{100 * count.sensitivity:.2f}",
            f"{100 * count.precision:.2f}", f"{errors_ms.mean():.1f}", f"{errors_ms.std():.1f}",
        )  # fmt: skip
    return table


def summary(scores: DelineationScores) -> dict[str, str | float]:
    """Return what the tables do not show: P waves said to be absent, rate and axis."""
    records = scores.records
    without, having = [s for s in records if not s.has_p], [s for s in records if s.has_p]
    rates = [abs(own - truth) for own, truth in (s.rate_bpm for s in records if s.is_regular)]
    axes = [_angle(*s.axis_deg) for s in records if np.isfinite(s.axis_deg).all()]
    return {
        "records": len(records),
        "P absent, said so": f"{sum(not s.says_p for s in without)} of {len(without)}",
        "P present, said absent": f"{sum(not s.says_p for s in having)} of {len(having)}",
        "regular records": len(rates),
        "largest error of their rate, 1/min": max((rate for rate in rates if np.isfinite(rate)), default=float("nan")),
        f"axis within {_AXIS_DEG:g}°": float(np.mean([angle <= _AXIS_DEG for angle in axes])) if axes else float("nan"),
    }


def _angle(one_deg: float, other_deg: float) -> float:
    return abs((one_deg - other_deg + 180) % 360 - 180)


def _pairs(records: Sequence[AnnotatedScore], group: str, name: str) -> Pairs:
    return [getattr(record, group)[name] for record in records]


def page_table(changes: Sequence[PageChange]) -> Table:
    """Return what pages change: bias and SD, how many numbers the page gives of those that the record gives."""
    table = Table("through a page", "given", "bias", "SD", "median error", "95 % below", box=None)
    for name in GLOBAL_NAMES:
        pairs = [change.values[name] for change in changes]
        of_record = [pair for pair in pairs if np.isfinite(pair[1])]
        if name.endswith("axis_deg"):
            pairs = [((page - own + 180) % 360 - 180 + own, own) for page, own in pairs]
        bias, sd, n = bias_and_sd(pairs)
        errors = np.array([abs(page - own) for page, own in pairs if np.isfinite(page - own)] or [np.nan])
        table.add_row(
            name, f"{n} of {len(of_record)}", f"{bias:.3g}", f"{sd:.3g}", f"{np.median(errors):.3g}",
            f"{np.percentile(errors, 95):.3g}",
        )  # fmt: skip
    return table


def page_summary(changes: Sequence[PageChange]) -> dict[str, float]:
    """Return the shares of ST levels within 0.05 mV and of rates within 1 /min, and of pages that were read."""
    st = np.array([abs(page - own) for change in changes for page, own in change.st_mv] or [np.nan])
    rate = np.array([abs(page - own) for page, own in (change.values["rate_bpm"] for change in changes)])
    return {
        "pages": float(len(changes)),
        "refused": float(sum(change.status == "refused" for change in changes)),
        f"ST within {_ST_MV:g} mV": float((st <= _ST_MV).mean()),
        "rate within 1 /min": float((rate[np.isfinite(rate)] <= 1).mean()) if np.isfinite(rate).any() else float("nan"),
        "rate not given": float((~np.isfinite(rate)).mean()),
    }


@dataclass(frozen=True, eq=False)
class Report:
    """What an evaluation shows: tables, numbers by name, pairs to draw, rows to save, and what is compared."""

    tables: tuple[Table, ...]
    summary: Mapping[str, str | float]
    pairs: Mapping[str, Pairs]
    rows: Sequence[AnnotatedScore | PageChange]
    difference: str


def of_annotated(scores: DelineationScores) -> Report:
    """Return the report of annotated records."""
    pairs = {name: _pairs(scores.records, "medians", name) for name in MEDIAN_NAMES}
    return Report((interval_table(scores), mark_table(scores)), summary(scores), pairs, scores.records, _ANNOTATED)


def of_pages(changes: Sequence[PageChange]) -> Report:
    """Return the report of records measured through pages."""
    pairs = {name: [change.values[name] for change in changes] for name in MEDIAN_NAMES}
    return Report((page_table(changes),), page_summary(changes), pairs, changes, "through the page less on the record")


def save(report: Report, path: Path) -> None:
    """Write the summary and every record's numbers as JSON."""
    content = {"summary": dict(report.summary), "records": [asdict(row) for row in report.rows]}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain(content), indent=1), encoding="utf-8")


def draw_bland_altman(
    columns: Mapping[str, Pairs], path: Path, unit: str = "ms", *, difference: str = _ANNOTATED
) -> None:
    """Draw the difference over the mean of each pair, with bias and 1.96 SD (Bland & Altman 1986).

    Parameters
    ----------
    columns : mapping of name to pairs
        A panel each; pairs that lack a number are left out.
    difference : str
        What is subtracted from what, for the axis.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    """
    plt = pyplot()
    figure, axes = plt.subplots(1, len(columns), figsize=(3.4 * len(columns), 3.2), squeeze=False)
    for axis, (name, pairs) in zip(axes[0], columns.items(), strict=True):
        values = np.array([pair for pair in pairs if np.isfinite(pair).all()]).reshape(-1, 2)
        errors = values[:, 0] - values[:, 1]
        axis.plot(values.mean(axis=1), errors, "o", ms=3, alpha=0.6)
        if len(values):
            bias, reach = errors.mean(), 1.96 * errors.std()
            for level, style in ((bias, "-"), (bias - reach, "--"), (bias + reach, "--")):
                axis.axhline(level, color="0.3", lw=0.8, ls=style)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel(f"mean of both, {unit}", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel(f"{difference}, {unit}", fontsize=8)
    save_figure(plt, figure, path)
