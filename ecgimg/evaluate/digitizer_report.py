"""Tables and figures of scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import MissingExtra
from ecgimg.evaluate.classifier_metrics import auroc
from ecgimg.evaluate.digitizer import ScoredPage
from ecgimg.evaluate.page_scores import LeadScore, PageScore

# From this confidence on the digitizer counts as sure of a lead; above this error a lead counts as wrong.
_CONFIDENT = 0.9
_LARGE_ERROR_UV = 100.0
_COLUMNS = (
    "pages", "competition dB", "strict dB", "Pearson", "MAE µV", "RMSE µV", "gain", "shift ms", "coverage", "failures",
    "layout right",
)  # fmt: skip


def summarize(pages: Sequence[PageScore]) -> dict[str, float]:
    """Average over pages as the competition does, and as `_COLUMNS` says; NaN for what no page has.

    The competition's figure is 10 log10 of the mean ratio over pages. A page that was not read counts as 0 there and
    in the strict SNR and the coverage.
    """
    scored = [page for page in pages if page.leads]
    # Errors in µV need a reading; the other scores count pages that were not read, as 0.
    read = [page for page in scored if page.ratio > 0]
    judged = [page.layout_right for page in pages if page.layout_right is not None]
    return {
        "pages": float(len(pages)),
        "competition dB": _db([page.ratio for page in scored]),
        "strict dB": _mean([_mean([lead.strict_snr_db for lead in page.leads]) for page in scored]),
        "Pearson": _mean([_mean([lead.correlation for lead in page.leads]) for page in read]),
        "MAE µV": _mean([_mean([lead.mae_uv for lead in page.leads]) for page in read]),
        "RMSE µV": _mean([_mean([lead.rmse_uv for lead in page.leads]) for page in read]),
        "gain": _mean([page.gain_error for page in read]),
        # The median over leads: one lead that is matched wrongly must not move the page.
        "shift ms": _mean([float(np.nanmedian([lead.shift_ms for lead in page.leads])) for page in read]),
        "coverage": _mean([page.coverage for page in scored]),
        "failures": float(sum(page.failed for page in pages)),
        "layout right": _mean([float(right) for right in judged]),
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _db(ratios: Sequence[float]) -> float:
    mean = _mean(ratios)
    return float(10 * np.log10(mean)) if mean > 0 else float("nan")


def score_table(pages: Sequence[PageScore]) -> Table:
    """Return one line for every value of every group (set, layout, degradation), and one for all pages."""
    table = Table("group", *_COLUMNS, box=None)
    keys = list(dict.fromkeys(key for page in pages for key in page.groups))
    for key in keys:
        for value in sorted({page.groups.get(key, "") for page in pages}):
            _add(table, f"{key} {value}", [page for page in pages if page.groups.get(key, "") == value])
    _add(table, "all", pages)
    return table


def _add(table: Table, name: str, pages: Sequence[PageScore]) -> None:
    digits = {"Pearson": 4, "gain": 3, "coverage": 3, "layout right": 3, "pages": 0, "failures": 0}
    values = summarize(pages)
    cells = [f"{values[key]:.{digits.get(key, 1)}f}" if np.isfinite(values[key]) else "-" for key in _COLUMNS]
    table.add_row(name, *cells)


def consistency_table(pages: Sequence[PageScore]) -> Table:
    """Return the pages' own consistency, median dB by group, for pages with and without truth."""
    laws = ("einthoven", "goldberger", "strip")
    table = Table("group", "pages", *(f"{law} dB" for law in laws), "ok", "limited", "refused", box=None)
    groups = {page.groups.get("set") or page.groups.get("degradation", "") for page in pages}
    for group in sorted(groups):
        chosen = [page for page in pages if (page.groups.get("set") or page.groups.get("degradation", "")) == group]
        cells = []
        for law in laws:
            values = [page.consistency_db[law] for page in chosen if law in page.consistency_db]
            cells.append(f"{np.median(values):.1f}" if values else "-")
        counts = [str(sum(page.status == status for page in chosen)) for status in ("ok", "limited", "refused")]
        table.add_row(group, str(len(chosen)), *cells, *counts)
    return table


def confidence_summary(pages: Sequence[PageScore]) -> dict[str, float]:
    """Say what confidence is worth: median error of the sure leads, and how well it ranks leads with a large error.

    A lead's error is its mean absolute error in µV, nothing aligned; `auroc` is the chance that a lead with an error
    over 100 µV has a lower confidence than one with less.
    """
    leads = [lead for page in pages for lead in page.leads if np.isfinite(lead.mae_uv)]
    confidence = np.array([lead.confidence for lead in leads])
    error = np.array([lead.mae_uv for lead in leads])
    sure, bad = confidence >= _CONFIDENT, error > _LARGE_ERROR_UV
    return {
        "leads": float(len(leads)),
        "sure leads": float(sure.sum()),
        "median error of sure leads µV": float(np.median(error[sure])) if sure.any() else float("nan"),
        "leads over 100 µV": float(bad.sum()),
        "auroc": auroc(-confidence, bad),
    }


def save_scores(scored: Sequence[PageScore], path: Path) -> None:
    """Write every page and lead as JSON."""
    pages = [{**asdict(page), "coverage": page.coverage, "failed": page.failed} for page in scored]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain(pages), indent=1), encoding="utf-8")


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN as null, numbers to six digits."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return value


def draw_page(scored: ScoredPage, path: Path) -> None:
    """Draw truth over reading, one panel a lead.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    """
    plt = pyplot()
    leads = list(scored.signals)
    figure, axes = plt.subplots(len(leads), 1, figsize=(11, 1.1 * len(leads) + 0.6), sharex=True, squeeze=False)
    by_lead = {lead.lead: lead for lead in scored.score.leads}
    for axis, lead in zip(axes[:, 0], leads, strict=True):
        truth, read = scored.signals[lead]
        t = np.arange(len(truth)) / 500
        axis.plot(t, truth, color="0.6", lw=1.6)
        axis.plot(t, read, color="#b01030", lw=0.7)
        axis.set_ylabel(f"{lead}\n{by_lead[lead].strict_snr_db:.0f} dB", rotation=0, ha="right", va="center", size=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("s (grey: truth, red: read; mV)")
    figure.suptitle(f"{scored.score.stem} {scored.score.status}", size=9)
    save_figure(plt, figure, path)


def draw_confidence(pages: Sequence[PageScore], path: Path) -> None:
    """Draw each lead's error over its confidence (`MissingExtra` without matplotlib)."""
    plt = pyplot()
    leads: list[LeadScore] = [lead for page in pages for lead in page.leads if np.isfinite(lead.mae_uv)]
    figure, axis = plt.subplots(figsize=(6, 4))
    axis.semilogy([lead.confidence for lead in leads], [max(lead.mae_uv, 0.5) for lead in leads], ".", ms=3, alpha=0.4)
    axis.axhline(_LARGE_ERROR_UV, color="0.5", lw=0.8)
    axis.set_xlabel("confidence")
    axis.set_ylabel("mean absolute error µV")
    save_figure(plt, figure, path)


def pyplot() -> Any:
    """Return pyplot, without a display (`MissingExtra` without matplotlib)."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtra("matplotlib", "app", "drawing figures") from None
    # Servers and containers have no display.
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def save_figure(plt: Any, figure: Any, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight", format="png")
    plt.close(figure)
