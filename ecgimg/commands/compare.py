"""``ecgimg compare``: what changed from an old ECG to a new one of the same person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecgimg.commands.classify import patient_of
from ecgimg.commands.shared.choices import Sex
from ecgimg.commands.shared.consoles import ERR, OUT
from ecgimg.errors import BadRecord, UnreadablePage
from ecgimg.reasons import texts

if TYPE_CHECKING:
    from ecgimg.comparison import Comparison


def compare(
    old: Annotated[Path, typer.Argument(help="Picture, PDF, or record of the old ECG.")],
    new: Annotated[Path, typer.Argument(help="Picture, PDF, or record of the new ECG.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    plot: Annotated[Path | None, typer.Option(help="File for the usual beats beside each other, FILE.svg.")] = None,
    age: Annotated[float | None, typer.Option(help="Age of the patient, years; some limits depend on it.")] = None,
    sex: Annotated[Sex | None, typer.Option(help="Of the patient; some limits depend on it.")] = None,
) -> None:
    """Compare two ECGs of one person: numbers, usual beats, and what is told of them. Research use only."""
    from ecgimg.comparison import compare as run

    try:
        comparison = run(old, new, patient=patient_of(age, sex))
    except (BadRecord, UnreadablePage) as error:  # an input that is bad, as of the other commands
        ERR.print(f"ecgimg: {error}", markup=False)
        raise typer.Exit(1) from None
    if plot is not None and comparison.leads:
        comparison.plot().save(plot)
    if as_json:
        print(json.dumps(comparison.to_dict()))  # noqa: T201
    else:
        _show(comparison)
    if plot is not None and comparison.leads:
        ERR.print(f"the usual beats are drawn to {plot}", markup=False)
    if not (comparison.old.measurements.values and comparison.new.measurements.values):
        raise typer.Exit(1)


def _show(comparison: Comparison) -> None:
    """Print the numbers, the statements, and what one of the ECGs lacks."""
    table = Table("number", "old", "new", "change", "", box=None)
    for row in (*comparison.rows(), *comparison.lead_rows()):
        table.add_row(*row)
    OUT.print(table)
    for statement in comparison.statements:
        OUT.print(f"  {statement.fate}: {statement.text}", markup=False)
    for sentence in comparison.lacking_leads:
        OUT.print(f"  {sentence}", markup=False)
    for which, report in (("old", comparison.old), ("new", comparison.new)):
        if report.reasons:
            OUT.print(f"  {which}: {texts(report.reasons)}", markup=False)
    OUT.print("research use only, not a medical device")
