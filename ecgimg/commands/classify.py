"""``ecgimg classify``: what the classifier finds and what is measured, of records and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecgimg.commands.consoles import OUT
from ecgimg.commands.endings import finish
from ecgimg.errors import BadRequest
from ecgimg.leads import STANDARD_LEADS
from ecgimg.reasons import texts

if TYPE_CHECKING:
    from ecgimg.reporting import Patient
    from ecgimg.reporting.finding_files import Outcome

_SEXES = {"male": True, "female": False}


def classify(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, or records.")],
    out: Annotated[Path | None, typer.Option(help="Folder for STEM.findings.json and the pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, one object per line.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Find and draw what the top findings rest on.")] = False,
    threshold: Annotated[
        str, typer.Option(help="Operating point of `present`: likely, possible, youden, sens90 or spec90.")
    ] = "likely",
    age: Annotated[float | None, typer.Option(help="Age of the patient, years; some limits depend on it.")] = None,
    sex: Annotated[str | None, typer.Option(help="male or female; some limits depend on it.")] = None,
    model: Annotated[Path | None, typer.Option(help="Other weights, NAME.json or NAME.onnx.")] = None,
) -> None:
    """Classify and measure pages and records, whichever part of the twelve leads they show. Research use only."""
    from ecgimg.classification.trained_classifier import load_classifier
    from ecgimg.reporting.finding_files import classify_files

    patient = _patient(age, sex)
    classifier = load_classifier(model) if model is not None else None
    unjudged = unread = 0
    for outcome in classify_files(
        inputs, out, operating_point=threshold, explain=explain, classifier=classifier, patient=patient
    ):
        unread += outcome.report is None
        unjudged += outcome.report is not None and not outcome.report.findings
        if as_json:
            reasons = [outcome.reason.summary()] if outcome.reason else []
            summary = outcome.report.summary() if outcome.report is not None else {"reasons": reasons}
            print(json.dumps({"stem": outcome.stem, **summary}))  # noqa: T201
        else:
            _show(outcome)
    finish("findings", out, as_json=as_json, inputs=len(inputs), unread=unread, incomplete=unjudged)


def _patient(age_years: float | None, sex: str | None) -> Patient:
    from ecgimg.reporting import Patient

    if sex is not None and sex not in _SEXES:
        raise BadRequest(f"--sex is male or female, not {sex!r}")
    if age_years is not None and not 0 <= age_years <= 130:
        raise BadRequest(f"--age is in years from 0 to 130, not {age_years:g}")
    return Patient(age_years, _SEXES[sex] if sex is not None else None)


def _show(outcome: Outcome) -> None:
    """Print what is told of one record, or why nothing is."""
    report = outcome.report
    if report is None or not report.findings:
        _show_reasons(outcome)
        return
    OUT.print(f"{outcome.stem}   {report.numbers}", markup=False)
    table = Table("", "", box=None, show_header=False)
    for judgement in report.conclusion.judgements:
        table.add_row(judgement.grade.value, judgement.text)
    if len(report.seen_s) < len(STANDARD_LEADS):
        OUT.print(f"  from {', '.join(report.seen_s)}", markup=False)
    OUT.print(table if report.conclusion.judgements else "  nothing is likely or possible")
    for reason, names in report.conclusion.not_judged.items():
        OUT.print(f"  not judged: {', '.join(names)}. {reason.text}", markup=False)
    for reason in report.reasons:
        OUT.print(f"  {reason.text}", markup=False)


def _show_reasons(outcome: Outcome) -> None:
    """Print why nothing is judged in one record, and what to do."""
    reasons = outcome.report.reasons if outcome.report is not None else (outcome.reason,) if outcome.reason else ()
    OUT.print(f"{outcome.stem}: {texts(reasons)}", markup=False)
    for advice in dict.fromkeys(line for reason in reasons for line in reason.advice):
        OUT.print(f"  {advice}", markup=False)
