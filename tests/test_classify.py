"""Findings as a user gets them: with the shipped weights, from records and pages, and every way to be wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from importlib.resources import files

import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

import ecgimg
import synth
from ecgimg import BadRecord, BadRequest, BadWeights, EcgRecord
from ecgimg.classification import load_classifier, shipped_classifier
from ecgimg.classification.explain import explain, without_patches
from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labels import LABELS
from ecgimg.classification.not_judged import silence
from ecgimg.classification.weights import ClassifierCard
from ecgimg.cli import app
from ecgimg.errors import MissingWeights
from synth.heart import HeartSpec, simulate


def heart(seconds: float = 10.0, fs_hz: float = 500.0, seed: int = 1, **spec) -> EcgRecord:
    return simulate(HeartSpec(**spec), np.random.default_rng(seed), seconds, fs_hz).record


@pytest.fixture(scope="module")
def classifier():
    try:
        return shipped_classifier()
    except MissingWeights:
        pytest.skip("the weights of the classifier are not installed")


# ---------------------------------------------------------------- what is said


def test_fibrillation_is_told_from_sinus_rhythm(classifier):
    fibrillating = [ecgimg.classify(heart(seed=k, rhythm="af"))["AFIB"].probability for k in range(5)]
    regular = [ecgimg.classify(heart(seed=k))["AFIB"].probability for k in range(5)]
    assert min(fibrillating) > max(regular)


def test_all_labels_come_with_probability_threshold_and_name(classifier):
    found = ecgimg.classify(heart())
    assert [finding.label for finding in found.findings] == list(LABELS)
    assert all(0 <= finding.probability <= 1 and finding.name for finding in found.findings)
    assert found["SR"].present
    told = json.loads(json.dumps(found.summary()))
    assert told["findings"]["SR"]["present"] is True
    assert "not a medical device" in told["notice"]


@pytest.mark.parametrize(("seconds", "fs_hz"), [(2.5, 500.0), (7.3, 250.0), (10.0, 100.0), (31.0, 500.0)])
def test_any_length_and_rate(classifier, seconds, fs_hz):
    found = ecgimg.classify(heart(seconds, fs_hz))
    assert found["NORM"].probability is not None


def test_lead_order_and_unknown_leads_do_not_matter(classifier):
    record = heart()
    turned = EcgRecord(
        np.concatenate([record.signals[::-1], np.zeros((1, record.n_samples))]),
        record.fs_hz,
        (*record.leads[::-1], "V7"),
    )
    one, other = (np.array([f.probability for f in ecgimg.classify(r).findings]) for r in (record, turned))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("operating", ["youden", "sens90", "spec90"])
def test_what_is_present_reaches_the_threshold_of_the_operating_point(classifier, operating):
    found = ecgimg.classify(heart(seed=3, conduction="clbbb", qrs_ms=150), operating=operating)
    cuts = classifier.thresholds(operating)
    reached = {f.label for f in found.findings if cuts[f.label] is not None and f.probability >= cuts[f.label]}
    assert {finding.label for finding in found.present} == reached
    assert "CLBBB" in {finding.label for finding in found.leading}
    assert not any(finding.label.startswith(("cinc_", "super_")) for finding in found.leading)


def test_an_unknown_operating_point_is_refused():
    with pytest.raises(BadRequest, match="youden, sens90, spec90"):
        ecgimg.classify(heart(), operating="lucky")


# ---------------------------------------------------------------- silence


def test_too_little_is_not_judged():
    assert "at least 2.5 s" in silence("NORM", {"II": 2.0})
    assert "P waves" in silence("AFIB", {"II": 2.5})
    assert silence("AFIB", {"II": 10.0}) == ""
    assert "V1" in silence("AMI", {"I": 10.0, "II": 10.0})
    assert "gain" in silence("LVH", {"V1": 2.5, "V5": 2.5}, ("LVH",))


def test_a_single_lead_says_nothing_of_the_anterior_wall(classifier):
    found = ecgimg.classify(heart().select(["II"]))
    assert found["AMI"].probability is None
    assert found["AMI"].present is None
    assert found["AFIB"].probability is not None
    assert "silence" in found.summary()["findings"]["AMI"]


def test_a_page_that_was_refused_gives_the_reason(classifier):
    found = ecgimg.classify(np.full((300, 400, 3), 255, np.uint8))
    assert found.reason.startswith("the page was not read")
    assert not found.findings


def test_a_page_is_digitized_and_classified(classifier):
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    found = ecgimg.classify(page.image, explain=True)
    assert found.digitization is not None
    assert found.digitization.layout == "3x4+II"
    assert found.seen_s["II"] > 9
    assert found["SR"].probability is not None


# ---------------------------------------------------------------- what it rests on


def test_taking_the_strongest_patches_away_lowers_the_logit_more_than_others(classifier):
    rng = np.random.default_rng(0)
    at = classifier.labels.index("CRBBB")
    gains = []
    for seed in range(6):
        signals = heart(10, 100.0, seed=seed, conduction="crbbb", qrs_ms=140).signals
        patches = explain(classifier, signals, ["CRBBB"])
        order = np.argsort(-patches.weights["CRBBB"])
        n = len(order) // 10
        less = [without_patches(signals, patches, chosen) for chosen in (order[:n], rng.permutation(order)[:n])]
        top, random = classifier.logits(np.stack(less))[:, at]
        gains.append(random - top)
    assert np.mean(gains) > 0
    assert min(gains) > -0.1


def test_what_a_long_record_rests_on_is_told_in_its_own_seconds(classifier):
    signals = heart(30, 100.0, rhythm="af").signals.copy()
    signals[:, :1000] = np.nan
    found = ecgimg.classify(EcgRecord(signals, 100.0), explain=True)
    assert found.evidence
    assert min(item.start_s for items in found.evidence.values() for item in items) >= 10


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (np.full((12, 1000), np.nan), "no value"),
        (np.zeros((12, 1000)), "flat"),
        (np.random.default_rng(0).normal(0, 200, (12, 1000)), "millivolt"),
    ],
)
def test_what_can_be_no_ecg_is_refused(classifier, signals, message):
    with pytest.raises(BadRecord, match=message):
        ecgimg.classify(EcgRecord(signals, 100.0))


def test_other_leads_are_refused(classifier):
    with pytest.raises(BadRecord, match="none of the twelve leads"):
        ecgimg.classify(EcgRecord(np.ones((1, 500)), 100.0, ("X",)))


def test_voltages_are_not_judged_where_the_gain_is_assumed(classifier):
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    read = ecgimg.digitize(page.image)
    known, assumed = (
        ecgimg.classify(dataclasses.replace(read, sources={**(read.sources or {}), "gain": by}))
        for by in ("pulse", "assumed")
    )
    assert known["LVH"].probability is not None
    assert "gain" in assumed["LVH"].silence
    assert assumed["AFIB"].probability is not None


def test_leads_that_the_digitizer_doubts_are_left_out(classifier):
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    read = ecgimg.digitize(page.image)
    doubted = dataclasses.replace(read, lead_confidence={**(read.lead_confidence or {}), "V1": 0.1})
    found = ecgimg.classify(doubted)
    assert "V1" not in found.seen_s
    assert any("V1" in warning for warning in found.warnings)


@pytest.fixture
def copied(tmp_path, classifier):
    folder = files("ecgimg") / "weights"
    for suffix in (".json", ".onnx"):
        shutil.copy(str(folder / f"patchecg{suffix}"), tmp_path)
    return tmp_path / "patchecg.json"


def test_copied_weights_load(copied):
    assert load_classifier(copied.with_suffix(".onnx")).labels == LABELS


def test_tampered_weights_are_refused(copied):
    content = bytearray(copied.with_suffix(".onnx").read_bytes())
    content[len(content) // 2] ^= 1
    copied.with_suffix(".onnx").write_bytes(bytes(content))
    with pytest.raises(BadWeights, match="changed or damaged"):
        load_classifier(copied)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card["labels"].update(HICCUPS=card["labels"].pop("SR")), "HICCUPS"),
        (lambda card: card["labels"].pop("SR"), "outputs for"),
        (lambda card: card.update(schema_name="other"), "schema_name"),
    ],
)
def test_weights_of_another_kind_are_refused(copied, change, message):
    card = json.loads(copied.read_text(encoding="utf-8"))
    change(card)
    copied.write_text(json.dumps(signed(card)), encoding="utf-8")
    with pytest.raises(BadWeights, match=message):
        load_classifier(copied)


def signed(card: dict) -> dict:
    """Give a changed card the digest of what it says now, where it can be read at all."""
    with contextlib.suppress(ValidationError):
        card["sha256"]["card"] = ClassifierCard.model_validate(card).digest()
    return card


def reordered(card: dict) -> None:
    card["labels"] = dict(sorted(card["labels"].items()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (reordered, "was changed"),
        (lambda card: card["labels"]["SR"].update(slope=2.0), "was changed"),
        (lambda card: card["labels"]["SR"].update(slope=1e9), "slope"),
        (lambda card: card["labels"]["SR"].update(offset=float("nan")), "offset"),
        (lambda card: card["labels"]["SR"]["thresholds"].pop("sens90"), "labels.SR"),
        (lambda card: card["sha256"].pop("onnx"), "sha256.onnx"),
        (lambda card: card.pop("labels"), "labels"),
        (lambda card: card["labels"].clear(), "labels"),
    ],
)
def test_cards_that_were_changed_or_lack_something_are_refused(copied, change, message):
    card = json.loads(copied.read_text(encoding="utf-8"))
    change(card)
    copied.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(BadWeights, match=message):
        load_classifier(copied)


@pytest.mark.parametrize("content", ["[" * 100_000, "", "[]", '{"labels": ' + '{"a": ' * 5000 + "1" + "}" * 5001])
def test_cards_that_are_no_card_are_refused(copied, content):
    copied.write_text(content, encoding="utf-8")
    with pytest.raises(BadWeights, match="does not describe a classifier"):
        load_classifier(copied)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(BadWeights, match="there is no"):
        load_classifier(tmp_path / "none.onnx")


# ---------------------------------------------------------------- the command


def test_the_command_writes_findings_and_pictures(classifier, tmp_path):
    record = ecgimg.write_record(heart(rhythm="af", seed=4), tmp_path / "one.csv")
    done = CliRunner().invoke(app, ["classify", str(record), "--out", str(tmp_path / "out"), "--explain"])
    assert done.exit_code == 0, done.output
    assert "AFIB" in done.output
    told = json.loads((tmp_path / "out" / "one.findings.json").read_text())
    assert "AFIB" in told["present"]
    assert list((tmp_path / "out").glob("one.*.png"))


def test_one_bad_input_does_not_stop_the_others(classifier, tmp_path):
    good, bad = ecgimg.write_record(heart(), tmp_path / "good.csv"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    done = CliRunner().invoke(app, ["classify", str(bad), str(good), "--json"])
    assert done.exit_code == 1
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [line["stem"] for line in lines] == ["bad", "good"]
    assert lines[0]["reason"]
    assert lines[1]["present"]


def test_findings_farthest_above_their_threshold_come_first():
    found = Findings("", (Finding("SR", 0.9, 0.8), Finding("AFIB", 0.3, 0.02), Finding("LVH", 0.1, 0.2)))
    assert [finding.label for finding in found.present] == ["AFIB", "SR"]
    with pytest.raises(KeyError):
        found["none"]
