"""Tables and the figure of a classifier's robustness to layouts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from ecgimg._atomic_files import atomic_path
from ecgimg.evaluate.digitizer_report import plain, pyplot, save_figure

Summary = Mapping[str, Any]


def layout_table(summaries: Sequence[Summary]) -> Table:
    """Return a line for each layout and group of labels."""
    table = Table("layout", "labels", "n", "AUROC", "95 %", "AUPRC", "macro F", "ECE", "unread", box=None)
    for summary in summaries:
        for name, group in summary["groups"].items():
            low, high = group["auroc_95"]
            table.add_row(
                summary["layout"], f"{name} ({group['labels']})", str(summary["records"]), f"{group['auroc']:.3f}",
                f"{low:.3f}-{high:.3f}", f"{group['auprc']:.3f}", f"{group['macro_f']:.3f}",
                f"{group['calibration_error']:.3f}", str(summary["unread"]),
            )  # fmt: skip
    return table


def label_table(summaries: Sequence[Summary]) -> Table:
    """Return a line for each label with its positives, and a column of AUROC for each layout."""
    table = Table("label", "positives", *(summary["layout"] for summary in summaries), box=None)
    for label, first in summaries[0]["labels"].items():
        cells = [f"{summary['labels'][label]['auroc']:.3f}" for summary in summaries]
        table.add_row(label, str(first["positives"]), *cells)
    return table


def comparison_table(differences: Mapping[str, Mapping[str, tuple[float, tuple[float, float]]]], other: str) -> Table:
    """Return by how much a model's macro AUROC exceeds that of another, for each layout and group of labels."""
    table = Table("layout", "labels", f"AUROC more than {other}", "95 %", box=None)
    for layout, groups in differences.items():
        for name, (difference, (low, high)) in groups.items():
            table.add_row(layout, name, f"{difference:+.4f}", f"{low:+.4f} to {high:+.4f}")
    return table


def save(summaries: Sequence[Summary], path: Path) -> None:
    """Write every score as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain(list(summaries)), indent=1), encoding="utf-8")


def draw(summaries: Sequence[Summary], path: Path) -> None:
    """Draw the macro AUROC of each layout with its interval (`MissingExtra` without matplotlib)."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(7, 0.5 * len(summaries) + 1.5))
    for offset, name in enumerate(summaries[0]["groups"]):
        groups = [summary["groups"][name] for summary in summaries]
        middle = [group["auroc"] for group in groups]
        reach = [[m - g["auroc_95"][0] for m, g in zip(middle, groups, strict=True)]]
        reach.append([g["auroc_95"][1] - m for m, g in zip(middle, groups, strict=True)])
        places = [row + 0.15 * offset for row in range(len(groups))]
        axis.errorbar(middle, places, xerr=reach, fmt="o", ms=4, capsize=2, label=name)
    axis.set_yticks(range(len(summaries)), [summary["layout"] for summary in summaries])
    axis.invert_yaxis()
    axis.set_xlabel("macro AUROC, 95 % over patients")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(plt, figure, path)
