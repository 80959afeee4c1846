"""``ecgimg classify``: what the classifier finds and what is measured, of records and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ecgimg.commands.shared.choices import OperatingPoint, Sex
from ecgimg.commands.shared.consoles import LOG, OUT, finish
from ecgimg.commands.shared.progress import show_progress
from ecgimg.errors import BadRequest
from ecgimg.leads import STANDARD_LEADS
from ecgimg.reasons import texts

if TYPE_CHECKING:
    from ecgimg.reporting import Patient
    from ecgimg.reporting.finding_files import Outcome


def classify(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, records, or folders of them.")],
    out: Annotated[Path | None, typer.Option(help="Folder for STEM.findings.json and the pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, one object per line.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Find and draw what the top findings rest on.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also write STEM.report.pdf, true to size on A4.")] = False,
    identity: Annotated[str, typer.Option(help="Whose ECG it is, for the PDF; without it nobody is named.")] = "",
    threshold: Annotated[OperatingPoint, typer.Option(help="Operating point of `present`.")] = "likely",
    age: Annotated[float | None, typer.Option(help="Age of the patient, years; some limits depend on it.")] = None,
    sex: Annotated[Sex | None, typer.Option(help="Of the patient; some limits depend on it.")] = None,
    model: Annotated[Path | None, typer.Option(help="Other weights, NAME.json or NAME.onnx.")] = None,
) -> None:
    """Classify and measure pages and records, whichever part of the twelve leads they show. Research use only."""
    from ecgimg.classification.trained_classifier import load_classifier
    from ecgimg.formats.input_files import input_files
    from ecgimg.reporting.finding_files import Files, classify_files

    patient = patient_of(age, sex)
    classifier = load_classifier(model) if model is not None else None
    files = input_files(inputs, apart_from=out)
    _check_pdf(pdf, identity, out, len(files))
    is_table = any(file.is_in_folder for file in files) and not as_json
    table = Table("page", "numbers", "findings", box=None)
    written = failed = 0
    with show_progress("classifying", len(files), when=len(files) > 1) as progress:
        for outcome in classify_files(
            files, out, Files(pdf, identity), operating_point=threshold, explain=explain, classifier=classifier,
            patient=patient,
        ):  # fmt: skip
            written += outcome.report is not None
            is_failed = outcome.report is None or not outcome.report.findings
            failed += is_failed
            LOG.debug("%s: %s", outcome.stem, _row(outcome)[-1])
            if as_json:
                reasons = [outcome.reason.summary()] if outcome.reason else []
                summary = outcome.report.summary() if outcome.report is not None else {"reasons": reasons}
                print(json.dumps({"stem": outcome.stem, **summary}))  # noqa: T201
            elif is_table:
                table.add_row(*_row(outcome))
            else:
                _show(outcome)
            progress.advance(is_failed)
    if is_table:
        OUT.print(table)
    finish(f"findings of {written}", out if written else None, failed=failed, as_json=as_json)


def _check_pdf(pdf: bool, identity: str, out: Path | None, n_files: int) -> None:
    if pdf and out is None:
        raise BadRequest("--pdf writes files; name a folder for them with --out")
    if identity and not pdf:
        raise BadRequest("--identity stands on the PDF report; add --pdf")
    if identity and n_files > 1:
        raise BadRequest("--identity is that of one person; give the files of one ECG at a time")


def patient_of(age_years: float | None, sex: Sex | None) -> Patient:
    """Return the patient of the options ``--age`` and ``--sex``."""
    from ecgimg.reporting import Patient

    if age_years is not None and not 0 <= age_years <= 130:
        raise BadRequest(f"--age is in years from 0 to 130, not {age_years:g}")
    return Patient(age_years, sex == "male" if sex is not None else None)


def _row(outcome: Outcome) -> tuple[str, str, str]:
    """Return a record or page as a row of the table of a folder: what is told of it, or why nothing is."""
    report = outcome.report
    if report is None or not report.findings:
        reasons = report.reasons if report is not None else (outcome.reason,) if outcome.reason else ()
        return escape(outcome.stem), "", escape(texts(reasons))
    told = [f"{judgement.grade.value}: {judgement.text}" for judgement in report.conclusion.judgements]
    return escape(outcome.stem), escape(report.numbers), escape("\n".join(told) or "nothing is likely or possible")


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
