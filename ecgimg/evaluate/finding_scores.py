"""Score what is said of records, by the classifier and by measurement together, against what readers stated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ecgimg._atomic_files import atomic_path
from ecgimg.classification.labelled_records import LabelledRecord
from ecgimg.classification.labels import CINC2024, LABELS, PARTS_OF_SUPERCLASS, SUPERCLASSES
from ecgimg.classification.trained_classifier import Classifier, load_classifier
from ecgimg.digitization import Digitization
from ecgimg.errors import BadRequest
from ecgimg.evaluate.digitizer_report import plain
from ecgimg.evaluate.parallel_pages import mapped
from ecgimg.evaluate.shown_records import check_via, draw_and_digitize
from ecgimg.leads import STANDARD_LEADS
from ecgimg.record import EcgRecord
from ecgimg.reporting import Grade, Judgement, StatementCode, report
from ecgimg.reporting.conclusion import USUAL_LABELS, grade_of
from layouts import Layout, load_layouts, visible_window

_SURE = (Grade.CRITICAL, Grade.LIKELY)
_RANK = list(Grade)
# what is scored: labels and statements, each with the labels that say the same
_SAME_LABELS = {label: {label} for label in LABELS if label not in CINC2024} | {
    code.value: set(code.labels) for code in StatementCode
}


@dataclass(frozen=True)
class JudgedFinding:
    """One thing that was said of a record.

    Parameters
    ----------
    grades : mapping of a label or the code of a statement to its grade
        Those that are said together: a statement can be likely, and the label beside it only possible.
    grade : Grade
        The graver of them.
    is_stated : bool
        Whether readers stated it, or a label that says the same.
    """

    grades: Mapping[str, Grade]
    grade: Grade
    is_stated: bool


@dataclass(frozen=True)
class JudgedRecord:
    """All that was said of a record as one layout shows it.

    Parameters
    ----------
    stated, unknown : frozenset of str
        The labels that readers stated, and those of which nothing is known.
    findings : tuple of JudgedFinding or None
        None where the page was refused.
    """

    layout: str
    name: str
    stated: frozenset[str]
    unknown: frozenset[str]
    findings: tuple[JudgedFinding, ...] | None

    @property
    def is_normal(self) -> bool:
        """Whether readers stated a normal ECG, and no abnormal superclass beside it."""
        return "NORM" in self.stated and not (self.stated & set(SUPERCLASSES)) - {"super_NORM"}

    @property
    def is_abnormal(self) -> bool:
        """Whether readers stated a superclass other than normal."""
        return bool((self.stated & set(SUPERCLASSES)) - {"super_NORM"})

    @property
    def sure(self) -> list[JudgedFinding]:
        """The findings that are likely or critical, without "normal" and "sinus rhythm"."""
        return [
            item for item in self.findings or () if item.grade in _SURE and not set(item.grades) & set(USUAL_LABELS)
        ]


def judge_records(
    records: Iterable[LabelledRecord],
    layouts: str,
    *,
    via: str = "mask",
    degradation: str = "photo",
    model: str | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> Iterator[JudgedRecord]:
    """Classify and measure every record as each layout shows it.

    Parameters
    ----------
    records : iterable of LabelledRecord
    layouts : str
        Names or files separated by commas, or ``all``.
    via : {"mask", "page"}
        Hide what the layout does not show; or draw the page, degrade it and digitize it.
    degradation : str
        Of the pages.
    model : str, optional
        Path of another classifier.
    seed : int
        Of the pages.
    jobs : int
        Processes.

    Raises
    ------
    BadRequest
    """
    check_via(via)
    shown = load_layouts(layouts)
    tasks = ((index, item, layout) for index, item in enumerate(records) for layout in shown)
    yield from mapped(partial(_judge, via=via, degradation=degradation, model=model, seed=seed), tasks, jobs)


_loaded: dict[str, Classifier] = {}  # a process loads a classifier once


def _judge(
    task: tuple[int, LabelledRecord, Layout], *, via: str, degradation: str, model: str | None, seed: int
) -> JudgedRecord:
    index, item, layout = task
    if model is not None and model not in _loaded:
        _loaded[model] = load_classifier(model)
    seen: EcgRecord | Digitization
    if via == "mask":
        seen, is_read = masked(item.record, layout), True
    else:
        seen = draw_and_digitize(index, item.record, layout.name, degradation, seed)
        is_read = seen.record is not None
    stated = frozenset(label for label, is_stated in zip(LABELS, item.targets, strict=True) if is_stated)
    unknown = frozenset(label for label, is_known in zip(LABELS, item.known, strict=True) if not is_known)
    findings = None
    if is_read:
        made = report(seen, classifier=_loaded[model] if model is not None else None)
        findings = tuple(_finding(judgement, stated) for judgement in made.conclusion.judgements)
    return JudgedRecord(layout.name, item.name, stated, unknown, findings)


def masked(record: EcgRecord, layout: Layout) -> EcgRecord:
    """Return the twelve leads of a record with NaN where a layout does not show them."""
    signals = record.select(STANDARD_LEADS).signals
    is_shown = visible_window(layout, STANDARD_LEADS, record.fs_hz, signals.shape[1])
    return EcgRecord(np.where(is_shown, signals, np.float32(np.nan)), record.fs_hz)


def _finding(judgement: Judgement, stated: frozenset[str]) -> JudgedFinding:
    labels, grades = set(), {}
    finding, statement = judgement.finding, judgement.statement
    if finding is not None:
        labels = {finding.label}
        grade = judgement.grade if judgement.code == finding.label else grade_of(finding)
        # a superclass is not told beside its parts, and yet said by them
        said = (finding.label, *(name for name, parts in PARTS_OF_SUPERCLASS.items() if finding.label in parts))
        grades = dict.fromkeys(said, grade) if grade is not None else {}
    if statement is not None:
        labels |= set(statement.code.labels)
        grades[statement.code.value] = judgement.grade
    return JudgedFinding(grades, judgement.grade, bool(labels & stated))


def summarize_findings(judged: Sequence[JudgedRecord]) -> dict[str, Any]:
    """Return the scores of the records of one layout.

    Returns
    -------
    dict
        ``records``, ``unread``; of normal records ``normal``, the share with any likely finding that readers did not
        state (``normal_with_false``) and with a critical one (``normal_with_critical``); of abnormal ones ``abnormal``
        and the mean number of likely findings (``likely_per_abnormal``); and ``findings``, by label or statement.
    """
    read = [record for record in judged if record.findings is not None]
    normal = [record for record in read if record.is_normal]
    abnormal = [record for record in read if record.is_abnormal]
    false = [any(not item.is_stated for item in record.sure) for record in normal]
    critical = [any(item.grade is Grade.CRITICAL for item in record.sure) for record in normal]
    return {
        "records": len(judged), "unread": len(judged) - len(read),
        "normal": len(normal), "normal_with_false": _share(false), "normal_with_critical": _share(critical),
        "abnormal": len(abnormal), "likely_per_abnormal": _share([len(record.sure) for record in abnormal]),
        "findings": {key: scores for key in _SAME_LABELS if (scores := _scores_of(key, read))},
    }  # fmt: skip


def summarize_by_layout(judged: Iterable[JudgedRecord]) -> dict[str, dict[str, Any]]:
    """Return the scores of `summarize_findings` for each layout (`BadRequest` where nothing was judged)."""
    by_layout: dict[str, list[JudgedRecord]] = {}
    for record in judged:
        by_layout.setdefault(record.layout, []).append(record)
    if not by_layout:
        raise BadRequest("there is no record to score; check the folds and the tables of labels")
    return {layout: summarize_findings(items) for layout, items in by_layout.items()}


def save(summaries: Mapping[str, Any], path: Path) -> None:
    """Write every score as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain(summaries), indent=1), encoding="utf-8")


def _scores_of(key: str, read: Sequence[JudgedRecord]) -> dict[str, float]:
    """Return positives, counts, sensitivity and PPV of a label or statement; empty where there is nothing to count."""
    labels = _SAME_LABELS[key]
    known = [record for record in read if labels and not labels & record.unknown]
    grades = [_grade_of(key, record) for record in known]
    stated = np.array([bool(labels & record.stated) for record in known], bool)
    rank = np.array([_RANK.index(grade) if grade else len(_RANK) for grade in grades], int)
    likely, possible = rank <= _RANK.index(Grade.LIKELY), rank <= _RANK.index(Grade.POSSIBLE)
    if not possible.any():
        return {}
    return {
        "stated": int(stated.sum()), "likely": int(likely.sum()), "likely_ppv": _share(stated[likely]),
        "likely_sensitivity": _share(likely[stated]), "possible": int(possible.sum()),
        "possible_ppv": _share(stated[possible]), "possible_sensitivity": _share(possible[stated]),
    }  # fmt: skip


def _grade_of(key: str, record: JudgedRecord) -> Grade | None:
    grades = [item.grades[key] for item in record.findings or () if key in item.grades]
    return min(grades, key=_RANK.index, default=None)


def _share(values: Sequence[bool] | Sequence[int] | np.ndarray[Any, Any]) -> float:
    """Return the mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else float("nan")


def findings_table(summary: Mapping[str, Any], layout: str) -> Table:
    """Return a line for each label and statement of one layout."""
    table = Table(
        "finding", "stated", "likely", "right", "of those stated", "possible or more", "right", "of those stated",
        title=layout, box=None,
    )  # fmt: skip
    for key, scores in summary["findings"].items():
        cells = [str(scores["stated"])]
        for grade in ("likely", "possible"):
            cells += [
                str(scores[grade]), _percent(scores[f"{grade}_ppv"]), _percent(scores[f"{grade}_sensitivity"])
            ]  # fmt: skip
        table.add_row(key, *cells)
    return table


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


def findings_lines(summary: Mapping[str, Any], layout: str) -> list[str]:
    """Return what holds for all findings of one layout, in words."""
    return [
        f"{layout}: {summary['records']} records, {summary['unread']} of them not read",
        f"{layout}: of {summary['normal']} normal records {_percent(summary['normal_with_false'])} have a likely "
        f"finding that was not stated, {_percent(summary['normal_with_critical'])} a critical one",
        f"{layout}: {summary['abnormal']} abnormal records have {summary['likely_per_abnormal']:.1f} likely findings "
        "on average",
    ]
