"""What is said of records is scored against what readers stated."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgimg.classification.labelled_records import LabelledRecord
from ecgimg.classification.labels import LABELS, targets
from ecgimg.cli import app
from ecgimg.errors import BadRequest
from ecgimg.evaluate.finding_scores import (
    JudgedFinding,
    JudgedRecord,
    judge_records,
    summarize_by_layout,
    summarize_findings,
)
from ecgimg.reporting import Grade
from tests.classification.hearts import heart


def judged(stated: str, *findings: JudgedFinding, layout: str = "12x1") -> JudgedRecord:
    """Return a record of which some labels are stated and some things are said."""
    return JudgedRecord(layout, "1", frozenset(stated.split()), frozenset(), findings)


def said(keys: str, grade: Grade, *, is_stated: bool) -> JudgedFinding:
    return JudgedFinding(dict.fromkeys(keys.split(), grade), grade, is_stated)


def test_scores_of_findings():
    """Sensitivity, PPV and the share of normal records with a false likely finding."""
    normal, abnormal = "NORM super_NORM SR", "AMI super_MI"
    false_block = said("CRBBB", Grade.LIKELY, is_stated=False)
    records = [
        judged(normal, said("SR", Grade.LIKELY, is_stated=True)),
        judged(normal, said("NORM", Grade.LIKELY, is_stated=True), said("AMI", Grade.POSSIBLE, is_stated=False)),
        judged(normal, false_block),
        judged(normal, said("st_elevation", Grade.CRITICAL, is_stated=False)),
        judged(abnormal, said("AMI super_MI pathological_q", Grade.LIKELY, is_stated=True), false_block),
        judged(abnormal),
        JudgedRecord("12x1", "2", frozenset(), frozenset(), None),
    ]
    scores = summarize_findings(records)
    assert (scores["records"], scores["unread"], scores["normal"], scores["abnormal"]) == (7, 1, 4, 2)
    assert scores["normal_with_false"] == 0.5
    assert scores["normal_with_critical"] == 0.25
    assert scores["likely_per_abnormal"] == 1.0
    infarction = scores["findings"]["AMI"]
    assert (infarction["stated"], infarction["likely"], infarction["possible"]) == (2, 1, 2)
    assert (infarction["likely_ppv"], infarction["likely_sensitivity"], infarction["possible_ppv"]) == (1, 0.5, 0.5)
    assert scores["findings"]["CRBBB"]["likely_ppv"] == 0
    assert scores["findings"]["pathological_q"]["stated"] == 2
    assert "IMI" not in scores["findings"]


def test_layouts_apart():
    """Each layout has scores of its own, and of nothing there are none."""
    by_layout = summarize_by_layout([judged("NORM"), judged("NORM", layout="3x4"), judged("NORM", layout="3x4")])
    assert {name: scores["records"] for name, scores in by_layout.items()} == {"12x1": 1, "3x4": 2}
    with pytest.raises(BadRequest, match="no record to score"):
        summarize_by_layout([])


def labelled(name: str, statements: str, **spec) -> LabelledRecord:
    return LabelledRecord(name, heart(**spec), {}, targets(statements.split(";")), np.ones(len(LABELS), bool))


def test_records_are_judged(classifier, delineator):
    """Records are judged as a layout shows them: by mask, or drawn and digitized."""
    items = [labelled("1", "CLBBB", seed=3, conduction="clbbb", qrs_ms=150)]
    (whole,) = judge_records(items, "12x1")
    block = next(item for item in whole.findings if "CLBBB" in item.grades)
    assert block.is_stated
    assert block.grade is Grade.LIKELY
    assert {"super_CD", "left_bundle_branch_block"} <= set(block.grades)
    (page,) = judge_records(items, "3x4+II", via="page", degradation="none")
    assert page.layout == "3x4+II"
    assert page.findings
    with pytest.raises(BadRequest, match="mask or page"):
        next(judge_records(items, "12x1", via="air"))


def test_evaluate_findings_command(classifier, delineator, tmp_path):
    """The command prints a table for each layout and writes the scores."""
    signals = np.stack([heart(seed=seed, rhythm=rhythm).signals for seed, rhythm in ((1, "sinus"), (2, "af"))])
    np.savez(tmp_path / "r.npz", x=np.rint(1000 * signals).astype(np.int16), ecg_id=np.arange(2))
    with (tmp_path / "l.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["ecg_id", "statements", "strat_fold"], [0, "NORM;SR", 1], [1, "AFIB", 2]]
        )  # fmt: skip
    options = ["--records", str(tmp_path / "r.npz"), "--labels", str(tmp_path / "l.csv"), "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(app, ["evaluate", "findings", *options, "--layouts", "12x1,3x4+II"])
    assert done.exit_code == 0, done.output
    assert "AFIB" in done.output
    assert "normal records" in done.output
    scores = json.loads((tmp_path / "o" / "scores.json").read_text())
    assert list(scores) == ["12x1", "3x4+II"]
    assert scores["12x1"]["findings"]["AFIB"]["likely_sensitivity"] == 1
    none = CliRunner().invoke(app, ["evaluate", "findings", *options, "--folds", "9"])
    assert "no record to score" in str(none.exception)
