"""The command line as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import ecgimg
from ecgimg.cli import app
from ecgimg.digitization import digitize_files
from ecgimg.digitization.digitize_files import PageOutcome
from ecgimg.errors import MissingExtra
from ecgimg.reasons import reason_of
from tests.classification.hearts import heart


def test_classify_writes_findings_and_pictures(classifier, tmp_path):
    """The command prints findings, and writes them with pictures of the evidence."""
    record = ecgimg.write_record(heart(rhythm="af", seed=4), tmp_path / "one.csv")
    done = CliRunner().invoke(app, ["classify", str(record), "--out", str(tmp_path / "out"), "--explain"])
    assert done.exit_code == 0, done.output
    assert "Atrial fibrillation" in done.output
    assert "irregular rhythm without P waves" in done.output
    told = json.loads((tmp_path / "out" / "one.findings.json").read_text())
    assert "AFIB" in told["present"]
    assert told["conclusion"]["likely"][0]["label"] == "AFIB"
    assert told["numbers"]["pr_ms"] is None
    assert list((tmp_path / "out").glob("one.*.png"))


def test_classify_writes_pdf(classifier, tmp_path):
    """`ecgimg classify --pdf` writes the report with the identity as typed, and says where options do not fit."""
    import pypdfium2 as pdfium

    one = ecgimg.write_record(heart(), tmp_path / "one.csv")
    out = ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["classify", str(one), *out, "--pdf", "--identity", "Jane Doe"])
    assert done.exit_code == 0, done.output
    with pdfium.PdfDocument(tmp_path / "out" / "one.report.pdf") as document:
        assert all("Jane Doe" in page.get_textpage().get_text_range() for page in document)
    for wrong, words in (
        (["--pdf"], "--out"),
        ([*out, "--identity", "Jane Doe"], "add --pdf"),
        ([*out, "--pdf", "--identity", "Jane Doe", str(one)], "one person"),
        ([*out, "--pdf", "--identity", "x" * 61], "at most 60 characters"),
    ):
        done = CliRunner().invoke(app, ["classify", str(one), *wrong])
        assert isinstance(done.exception, ecgimg.BadRequest)
        assert words in str(done.exception)


def test_classify_with_one_bad_input(classifier, tmp_path):
    """One bad input does not stop the others, and the exit code is 1."""
    good, bad = ecgimg.write_record(heart(), tmp_path / "good.csv"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    done = CliRunner().invoke(app, ["classify", str(bad), str(good), "--json"])
    assert done.exit_code == 1
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [line["stem"] for line in lines] == ["bad", "good"]
    assert lines[0]["reasons"][0]["code"] == "unreadable_file"
    assert lines[1]["present"]


def test_measure_writes_numbers(delineator, tmp_path):
    """The command prints numbers and why some are not given, and writes them as JSON, table and picture."""
    chest = heart(rate_bpm=66).select(("V1", "V2", "V5"))
    record, out = ecgimg.write_record(chest, tmp_path / "one.csv"), tmp_path / "out"
    done = CliRunner().invoke(app, ["measure", str(record), "--out", str(out), "--csv", "--plot", "--per-beat"])
    assert done.exit_code == 0, done.output
    assert "rate_bpm" in done.output
    assert "beats: " in done.output
    assert "This needs" in done.output
    assert "not a medical device" in done.output
    told = json.loads((out / "one.measurements.json").read_text(encoding="utf-8"))
    assert told["global"]["rate_bpm"]["value"] == pytest.approx(66, abs=2)
    assert told["global"]["qrs_axis_deg"]["reason"]["code"] == "leads_needed"
    assert len(told["beats"]) == sum(told["beat_classes"].values())
    assert (out / "one.measurements.csv").read_text(encoding="utf-8").startswith("scope,name,value")
    assert (out / "one.measurements.svg").read_text(encoding="utf-8").startswith("<svg")


def test_measure_with_one_bad_input(delineator, tmp_path):
    """One bad input does not stop the others, and the exit code is 1; a single one ends with 2."""
    good, bad = ecgimg.write_record(heart(), tmp_path / "good.csv"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    done = CliRunner().invoke(app, ["measure", str(bad), str(good), "--json"])
    assert done.exit_code == 1
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [line["stem"] for line in lines] == ["bad", "good"]
    assert lines[0]["reasons"][0]["code"] == "unreadable_file"
    assert lines[1]["global"]["rate_bpm"]["value"] > 30
    assert "beats" not in lines[1]
    done = CliRunner().invoke(app, ["measure", str(bad)])
    assert done.exit_code == 2
    assert "bad.png" in done.output


def test_measure_record_without_beats(tmp_path):
    """A record without a heartbeat has no numbers, a reason, and exit code 1."""
    record = ecgimg.write_record(ecgimg.EcgRecord(np.full((12, 300), np.nan), 500.0), tmp_path / "none.csv")
    done = CliRunner().invoke(app, ["measure", str(record), "--out", str(tmp_path / "out"), "--plot"])
    assert done.exit_code == 1
    assert "none: No heartbeat was found." in done.output
    told = json.loads((tmp_path / "out" / "none.measurements.json").read_text(encoding="utf-8"))
    assert told["global"] == {}
    assert told["reasons"][0]["code"] == "no_beat_found"


@pytest.mark.parametrize("option", ["--csv", "--plot"])
def test_measure_files_without_folder(tmp_path, option):
    """Files need a folder to be written to."""
    assert "name a folder for them with --out" in refused(run("measure", "one.csv", option, cwd=tmp_path))


def run(*words: str, cwd) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ecgimg", *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip


def test_version(tmp_path):
    """The version is the package's."""
    assert run("--version", cwd=tmp_path).stdout.strip() == f"ecgimg {ecgimg.__version__}"


def test_layouts_list(tmp_path):
    """Every layout is listed."""
    done = run("layouts", "list", cwd=tmp_path)
    assert done.returncode == 0
    assert "3x4+V1+II+V5" in done.stdout


def test_layouts_show(tmp_path):
    """A layout is drawn as text and as a picture."""
    done = run("layouts", "show", "6x2-cabrera", cwd=tmp_path)
    assert done.returncode == 0
    assert "-aVR 0-5" in done.stdout
    assert (tmp_path / "6x2-cabrera.png").read_bytes().startswith(b"\x89PNG")


def test_layouts_show_own_file(tmp_path):
    """A user's own layout file is drawn, without a picture where none is wanted."""
    (tmp_path / "mine.yaml").write_text(
        "name: 2x1\ndescription: two\nrows: 2\ncolumns: 1\nleads: [[I], [V2]]\nseconds_per_column: 6\n",
        encoding="utf-8",
    )
    done = run("layouts", "show", "mine.yaml", "--no-png", cwd=tmp_path)
    assert "V2 0-6" in done.stdout
    assert not list(tmp_path.glob("*.png"))


def test_synth_from_hearts_and_records(tmp_path):
    """Pages are drawn from simulated hearts and from records."""
    done = run("synth", "--out", "hearts", "-n", "2", "--layouts", "3x5,6x2", "--seed", "4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 pages in hearts" in done.stdout
    ecgimg.write_record(ecgimg.EcgRecord(np.zeros((12, 5000)), 500.0), tmp_path / "records" / "flat.csv")
    done = run("synth", "records", "--out", "drawn", "-n", "1", "--degradation", "none", "--masks", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert {"page-000000.png", "page-000000.npz", "page-000000.json", "page-000000.masks.npz"} <= names


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["layouts", "show", "3x4+VI"], "There is no layout '3x4+VI'"),
        (["layouts", "show", "none.yaml"], "none.yaml cannot be read"),
        (["layouts", "show", "3x4", "--png", "blocked/x.png"], "cannot write blocked/x.png"),
        (["synth", "--out", "o", "-n", "0"], "at least one page"),
        (["synth", "--out", "o", "--jobs", "0"], "at least one page"),
        (["synth", "--out", "o", "--seed", "-3"], "must not be negative"),
        (["synth", "--out", "o", "--layouts", "3x4, 9x9"], "There is no layout '9x9'"),
        (["synth", "--out", "o", "--degradation", "coffee"], "there is no degradation 'coffee'"),
        (["synth", "missing.csv", "--out", "o"], "missing.csv does not exist"),
        (["synth", "empty.csv", "--out", "o"], "empty.csv"),
        (["synth", "dead.csv", "--out", "o"], "dead has no value at all"),
        (["synth", "limb.csv", "--out", "o", "--layouts", "12x1"], "limb has no lead III, aVR, aVL, aVF, V1"),
        (["synth", "--out", "blocked/pages"], "cannot write blocked/pages"),
        (["synth", "--out", "bad.yaml/pages"], "cannot write bad.yaml/pages"),
        (["synth", "--out", "o", "--layouts", "bad.yaml"], "unknown key 'colour'"),
    ],
)
def test_command_with_bad_input(tmp_path, words, reason):
    """A bad input is one sentence, and nothing is written."""
    (tmp_path / "blocked").write_text("a file where a folder should be", encoding="utf-8")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "bad.yaml").write_text("name: 1x1\ncolour: red\n", encoding="utf-8")
    nan = np.full((12, 500), np.nan)
    nan[0, 0] = np.nan
    ecgimg.write_record(ecgimg.EcgRecord(nan, 500.0), tmp_path / "dead.csv")
    ecgimg.write_record(ecgimg.EcgRecord(np.zeros((2, 5000)), 500.0, ("I", "II")), tmp_path / "limb.csv")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert reason in refused(run(*words, cwd=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("words", [["synth"], ["nothing"], ["synth", "--out", "o", "-n", "many"]])
def test_command_with_wrong_usage(tmp_path, words):
    """Wrong usage ends with exit code 2."""
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


def test_digitize_names_extra_in_brackets(monkeypatch, tmp_path):
    """The table of pages keeps brackets, as in the extra of an install command."""
    outcome = PageOutcome("page[1]", "failed", (reason_of(MissingExtra("pyedflib", "formats", "writing EDF")),))
    monkeypatch.setattr(digitize_files, "digitize_files", lambda *_: iter([[outcome]]))
    result = CliRunner().invoke(app, ["digitize", "page.png", "--out", str(tmp_path)])
    assert "ecgimg[formats]" in result.output
    assert "page[1]" in result.output
