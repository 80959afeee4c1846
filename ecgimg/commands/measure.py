"""``ecgimg measure``: rate, intervals, axes, amplitudes, ST and noise of records and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecgimg.commands.consoles import OUT
from ecgimg.commands.endings import finish
from ecgimg.errors import BadRequest
from ecgimg.reasons import texts

if TYPE_CHECKING:
    from ecgimg.measurement import Measured
    from ecgimg.reporting.measurement_files import Outcome


def measure(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, or records.")],
    out: Annotated[Path | None, typer.Option(help="Folder for STEM.measurements.json and the other files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON, one object per line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Also write STEM.measurements.csv, a row a number.")] = False,
    per_beat: Annotated[bool, typer.Option("--per-beat", help="Put every beat into the JSON.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Also draw the leads with the waves marked, as SVG.")] = False,
) -> None:
    """Measure rate, intervals, axes, amplitudes, ST and noise of pages and records. Research use only."""
    from ecgimg.reporting import measurements_summary
    from ecgimg.reporting.measurement_files import Files, measure_files

    if out is None and (csv or plot):
        raise BadRequest("--csv and --plot write files; name a folder for them with --out")
    failed = unread = 0
    for outcome in measure_files(inputs, out, Files(per_beat, csv, plot)):
        unread += outcome.measurements is None
        failed += outcome.measurements is not None and not outcome.measurements.values
        if as_json:
            if outcome.measurements is not None:
                content = measurements_summary(outcome.measurements, per_beat=per_beat)
            else:
                content = {"reasons": [outcome.reason.summary()] if outcome.reason else []}
            print(json.dumps({"stem": outcome.stem, **content}))  # noqa: T201
        else:
            _show(outcome)
    finish("measurements", out, as_json=as_json, inputs=len(inputs), unread=unread, incomplete=failed)


def _show(outcome: Outcome) -> None:
    """Print the numbers of one record, why some are not given, and what is outside its limits."""
    from ecgimg.reporting import find_statements

    measured = outcome.measurements
    if measured is None or not measured.values:
        reasons = measured.reasons if measured is not None else (outcome.reason,) if outcome.reason else ()
        OUT.print(f"{outcome.stem}: {texts(reasons)}", markup=False)
        return
    classes = ", ".join(f"{count} {kind}" for kind, count in measured.summary()["beat_classes"].items())
    OUT.print(f"{outcome.stem}   beats: {classes}", markup=False)
    table = Table("number", "value", "spread", "beats", "expected error", box=None)
    not_given: dict[str, list[str]] = {}
    for name, number in measured.values.items():
        if number.value is not None:
            table.add_row(name, *_cells(number))
        elif number.reason is not None:
            not_given.setdefault(number.reason.text, []).append(name)
    OUT.print(table)
    for text, names in not_given.items():
        OUT.print(f"  not given: {', '.join(names)}. {text}", markup=False)
    for statement in find_statements(measured):
        OUT.print(f"  {statement.grade}: {statement.text}", markup=False)
    for reason in measured.reasons:
        OUT.print(f"  {reason.text}", markup=False)


def _cells(number: Measured) -> tuple[str, ...]:
    values = (number.value, number.spread, float(number.n), number.expected_error)
    # adding zero makes a negative one positive
    return tuple("" if value is None else f"{round(value, 9) + 0.0:.4g}" for value in values)
