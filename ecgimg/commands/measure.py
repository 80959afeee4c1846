"""``ecgimg measure``: rate, intervals, axes, amplitudes, ST and noise of records and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ecgimg.commands.shared.consoles import LOG, OUT, finish
from ecgimg.commands.shared.progress import show_progress
from ecgimg.errors import BadRequest
from ecgimg.reasons import texts

if TYPE_CHECKING:
    from ecgimg.measurement import Measured
    from ecgimg.reporting.measurement_files import Outcome


_TABLE_NAMES = ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg")  # of a folder


def measure(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, records, or folders of them.")],
    out: Annotated[Path | None, typer.Option(help="Folder for STEM.measurements.json and the other files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON, one object per line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Also write STEM.measurements.csv, a row a number.")] = False,
    per_beat: Annotated[bool, typer.Option("--per-beat", help="Put every beat into the JSON.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Also draw the leads with the waves marked, as SVG.")] = False,
) -> None:
    """Measure rate, intervals, axes, amplitudes, ST and noise of pages and records. Research use only."""
    from ecgimg.formats.input_files import input_files
    from ecgimg.reporting.measurement_files import Files, measure_files

    if out is None and (csv or plot):
        raise BadRequest("--csv and --plot write files; name a folder for them with --out")
    files = input_files(inputs, apart_from=out)
    is_table = any(file.is_in_folder for file in files) and not as_json
    table = Table("page", *_TABLE_NAMES, "remarks", box=None)
    written = failed = 0
    with show_progress("measuring", len(files), when=len(files) > 1) as progress:
        for outcome in measure_files(files, out, Files(per_beat, csv, plot)):
            written += outcome.measurements is not None
            is_failed = outcome.measurements is None or not outcome.measurements.values
            failed += is_failed
            LOG.debug(" ".join(_row(outcome)))
            if as_json:
                _print_json(outcome, per_beat)
            elif is_table:
                table.add_row(*map(escape, _row(outcome)))
            else:
                _show(outcome)
            progress.advance(is_failed)
    if is_table:
        OUT.print(table)
    finish(f"measurements of {written}", out if written else None, failed=failed, as_json=as_json)


def _print_json(outcome: Outcome, per_beat: bool) -> None:
    from ecgimg.reporting import measurements_summary

    if outcome.measurements is not None:
        content = measurements_summary(outcome.measurements, per_beat=per_beat)
    else:
        content = {"reasons": [outcome.reason.summary()] if outcome.reason else []}
    print(json.dumps({"stem": outcome.stem, **content}))  # noqa: T201


def _row(outcome: Outcome) -> tuple[str, ...]:
    """Return a record or page as a row of the table of a folder: its main numbers, or why there is none."""
    measured = outcome.measurements
    if measured is None or not measured.values:
        return outcome.stem, *("" for _ in _TABLE_NAMES), _why_nothing(outcome)
    return outcome.stem, *(_cells(measured.values[name])[0] for name in _TABLE_NAMES), texts(measured.reasons)


def _why_nothing(outcome: Outcome) -> str:
    measured = outcome.measurements
    return texts(measured.reasons if measured is not None else (outcome.reason,) if outcome.reason else ())


def _show(outcome: Outcome) -> None:
    """Print the numbers of one record, why some are not given, and what is outside its limits."""
    from ecgimg.reporting import find_statements

    measured = outcome.measurements
    if measured is None or not measured.values:
        OUT.print(f"{outcome.stem}: {_why_nothing(outcome)}", markup=False)
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
