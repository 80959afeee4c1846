"""The command line as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import ecgimg
from ecgimg.classification.trained_classifier import OPERATING_POINTS
from ecgimg.cli import app
from ecgimg.commands.shared import choices
from ecgimg.commands.shared.progress import Progress
from ecgimg.digitization import Digitization, digitize_files
from ecgimg.digitization.digitize_files import PageOutcome
from ecgimg.errors import BadRecord, MissingExtra
from ecgimg.evaluate.shown_records import check_via
from ecgimg.formats.input_files import input_files
from ecgimg.reasons import reason_of
from synth import page_folder
from synth.random_degradation import KINDS
from tests.classification.hearts import heart


def commands(command, name="ecgimg"):
    """Return (name, command) of every command that does something."""
    command = typer.main.get_command(command) if isinstance(command, typer.Typer) else command
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, command)]
    return [found for own, each in inner.items() for found in commands(each, f"{name} {own}")]


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
    """One bad input does not stop the others, and the exit code is 1, also where it is the only one."""
    good, bad = ecgimg.write_record(heart(), tmp_path / "good.csv"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    done = CliRunner().invoke(app, ["measure", str(bad), str(good), "--json"])
    assert done.exit_code == 1
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [line["stem"] for line in lines] == ["bad", "good"]
    assert lines[0]["reasons"][0]["code"] == "unreadable_file"
    assert lines[1]["global"]["rate_bpm"]["value"] > 30
    assert "beats" not in lines[1]
    done = CliRunner().invoke(app, ["measure", str(bad), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "bad.png" in done.output
    assert "measurements of" not in done.output  # nothing was written


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
    """A layout is drawn as text, and as a picture where a file is named."""
    done = run("layouts", "show", "6x2-cabrera", "--out", "drawn.png", cwd=tmp_path)
    assert done.returncode == 0
    assert "-aVR 0-5" in done.stdout
    assert "drawn to drawn.png" in done.stderr
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


def test_layouts_show_own_file(tmp_path):
    """A user's own layout file is drawn, without a picture where none is asked for."""
    (tmp_path / "mine.yaml").write_text(
        "name: 2x1\ndescription: two\nrows: 2\ncolumns: 1\nleads: [[I], [V2]]\nseconds_per_column: 6\n",
        encoding="utf-8",
    )
    done = run("layouts", "show", "mine.yaml", cwd=tmp_path)
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
        (["layouts", "show", "3x4", "--out", "blocked/x.png"], "cannot write blocked/x.png"),
        (["synth", "--out", "o", "-n", "0"], "at least one page"),
        (["synth", "--out", "o", "--jobs", "0"], "at least one page"),
        (["synth", "--out", "o", "--seed", "-3"], "must not be negative"),
        (["synth", "--out", "o", "--layouts", "3x4, 9x9"], "There is no layout '9x9'"),
        (["synth", "--out", "o", "--verbose", "--quiet"], "--verbose and --quiet exclude each other"),
        (["layouts", "list", "--log", "blocked/x.log"], "cannot write"),
        (["layouts", "list", "--config", "none.toml"], "none.toml cannot be read"),
        (["synth", "missing.csv", "--out", "o"], "missing.csv does not exist"),
        (["synth", "empty.csv", "--out", "o"], "empty.csv"),
        (["synth", "dead.csv", "--out", "o"], "dead has no value at all"),
        (["synth", "limb.csv", "--out", "o", "--layouts", "12x1"], "limb has no lead III, aVR, aVL, aVF, V1"),
        (["synth", "--out", "blocked/pages"], "cannot write blocked/pages"),
        (["synth", "--out", "bad.yaml/pages"], "cannot write bad.yaml/pages"),
        (["synth", "--out", "o", "--layouts", "bad.yaml"], "unknown key 'colour'"),
        (["digitize", "empty", "--out", "o"], "the folder empty holds no picture or PDF"),
        (["measure", "empty"], "the folder empty holds no picture, PDF or record"),
        (["digitize", "dead.csv", "--out", "o", "--speed", "4"], "the speed must be between 5 and 200 mm/s, got 4"),
    ],
)
def test_command_with_bad_input(tmp_path, words, reason):
    """A bad input is one sentence, and nothing is written."""
    (tmp_path / "blocked").write_text("a file where a folder should be", encoding="utf-8")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("name: 1x1\ncolour: red\n", encoding="utf-8")
    nan = np.full((12, 500), np.nan)
    nan[0, 0] = np.nan
    ecgimg.write_record(ecgimg.EcgRecord(nan, 500.0), tmp_path / "dead.csv")
    ecgimg.write_record(ecgimg.EcgRecord(np.zeros((2, 5000)), 500.0, ("I", "II")), tmp_path / "limb.csv")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert reason in refused(run(*words, cwd=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "words",
    [
        ["synth"],
        ["nothing"],
        ["synth", "--out", "o", "-n", "many"],
        ["synth", "--out", "o", "--degradation", "coffee"],
        ["digitize", "page.png", "--out", "o", "--format", "mp3"],
        ["classify", "page.png", "--sex", "both"],
    ],
)
def test_command_with_wrong_usage(tmp_path, words):
    """Wrong usage ends with exit code 2."""
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", ["measure", "classify"])
def test_command_with_folder(classifier, delineator, command, tmp_path):
    """All records of a folder give one table; a bad one is a row, the rest goes on, and the exit code is 1."""
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    for name in ("a.csv", "ward [1]/a.csv"):
        ecgimg.write_record(heart(), folder / name)
    (folder / "bad.png").write_bytes(b"no picture")
    for _ in range(2):  # what the first call wrote is no input of the second
        done = CliRunner().invoke(app, [command, str(folder), "--out", str(out)], env={"COLUMNS": "200"})
        assert done.exit_code == 1
        rows = [line.split()[0] for line in done.stdout.splitlines() if line.startswith((" a ", " bad ", " ward"))]
        assert rows == ["a", "bad", "ward"]
        assert "bad.png is not a known kind" in done.stdout
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.json")}
    kind = {"measure": "measurements", "classify": "findings"}[command]
    assert names == {f"a.{kind}.json", f"ward [1]/a.{kind}.json"}
    done = CliRunner().invoke(app, [command, str(folder), "--json", "--quiet"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["stem"]: line["reasons"] != [] for line in lines if line["stem"] == "bad"} == {"bad": True}
    assert {line["stem"] for line in lines} >= {"a", "bad", "ward [1]/a"}


def test_names_of_files_in_folder(tmp_path):
    """Two files with one stem are told apart, and overlays and hidden files are passed over."""
    for name in ("a.jpg", "a.png", "b.png", "b.overlay.png", ".c.png", "sub/a.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in input_files([tmp_path])] == ["a.jpg", "a.png", "b", "sub/a"]
    assert [file.name for file in input_files([tmp_path / "a.jpg", tmp_path / "sub"])] == ["a", "a"]


def test_choices_are_those_of_the_library():
    """The choices that help shows are all that the library knows."""
    assert [each.value for each in choices.Format] == list(digitize_files.FORMATS)
    assert set(get_args(choices.Degradation)) == {"none", "mixed", *KINDS}
    assert get_args(choices.OperatingPoint) == OPERATING_POINTS
    for via in get_args(choices.ShownVia):
        check_via(via)
    engines = pytest.importorskip("ecgimg.batch.execution_engines", reason="the batch extra is not installed").ENGINES
    assert get_args(choices.Engine) == tuple(engines)


def test_config_file(tmp_path):
    """A file gives the defaults of options, and the command line wins."""
    (tmp_path / "ecgimg.toml").write_text(
        '[synth]\nout = "there"\nn = 1\nlayouts = "3x4"\ndegradation = "none"\nmasks = true\n', encoding="utf-8"
    )
    done = run("synth", "--out", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 pages in here" in done.stdout
    assert (tmp_path / "here/page-000000.masks.npz").is_file()
    (tmp_path / "ecgimg.toml").rename(tmp_path / "other.toml")
    done = run("synth", "-n", "2", "--config", "other.toml", cwd=tmp_path)
    assert "2 pages in there" in done.stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[digitze]\n", "ecgimg.toml: there is no 'digitze'; did you mean 'digitize'?"),
        (
            "[evaluate.layouts]\nsede = 1\n",
            "ecgimg.toml [evaluate] [layouts]: there is no 'sede'; did you mean 'seed'?",
        ),
        ("[layouts.list]\nconfig = 'x'\n", "there is no 'config'"),
        ("jobs = 2\n", "there is no 'jobs'"),
        ("batch = 2\n", "batch is a command"),
        ("[synth]\nmasks = 1\n", "masks must be true or false"),
        ("[synth]\nn = [1, 2]\n", "n is given once"),
        ("[synth\n", "is no TOML"),
    ],
)
def test_wrong_config_file(tmp_path, text, reason):
    """A key that is no command or option is refused with the nearest one that is, whichever command is called."""
    (tmp_path / "ecgimg.toml").write_text(text, encoding="utf-8")
    assert reason in refused(run("layouts", "list", cwd=tmp_path))


def test_log_file(tmp_path):
    """A log has the call, its notices and its ending with the time, whether they are shown or not."""
    for words in (["layouts", "show", "3x4", "--out", "x.png", "-q"], ["layouts", "show", "9x9"]):
        done = run(*words, "--log", "logs/all.log", cwd=tmp_path)
        assert "drawn to" not in done.stderr
    text = (tmp_path / "logs/all.log").read_text(encoding="utf-8")
    assert re.search(r"^\d{4}-.* INFO drawn to x.png$", text, re.MULTILINE)
    assert "layouts show 9x9" in text
    assert "UnknownLayout: There is no layout '9x9'" in text


@pytest.mark.parametrize("command", commands(app), ids=lambda command: command[0])
def test_shared_options(command):
    """Every command has the shared options."""
    assert {"--verbose", "-q", "--log", "--config"} <= {name for item in command[1].params for name in item.opts}


def test_progress_in_lines():
    """A line says how many are done and failed, how fast it goes, and how long it takes yet."""
    progress = Progress("reading pages", 10)
    assert progress.line() == "reading pages: 0 of 10"
    progress._began_s -= 40
    progress.update(4, failed=1)
    assert progress.line() == "reading pages: 4 of 10, 1 failed or refused, 0.10 a second, 60 s left"
    progress.begin("writing", 2)
    assert progress.line() == "writing: 0 of 2"


def test_synth_that_fails_leaves_folder(monkeypatch, tmp_path):
    """A run that draws no page leaves no folder, so that another one may have it."""
    monkeypatch.setattr(page_folder, "_draw_and_save", fail)
    with pytest.raises(BadRecord):
        page_folder.write_pages(tmp_path / "out", n=1)
    assert not (tmp_path / "out").exists()


def fail(*_):
    raise BadRecord("heart is no ECG")


def test_digitize_name_of_any_kind(monkeypatch, tmp_path):
    """WFDB names are cleaned, kept apart, and told by the JSON."""
    pages = tmp_path / "in"
    pages.mkdir()
    record = ecgimg.EcgRecord(np.zeros((12, 5000)), 500.0)
    monkeypatch.setattr(digitize_files, "digitize_page", lambda *_, **__: Digitization("ok", record=record))
    names = ["HB(1)", "HB[1]", "Müller 1", "plain"]
    for name in names:
        Image.new("RGB", (400, 300)).save(pages / f"{name}.png")
    settings = digitize_files.Settings(formats=("wfdb",), overlay=False)
    outcomes = list(digitize_files.digitize_files([pages], tmp_path / "out", settings))
    assert [outcome.status for (outcome,) in outcomes] == ["ok"] * 4
    headers = [json.loads((tmp_path / f"out/{name}.json").read_text())["files"][1] for name in names]
    assert headers[3] == "plain.hea"
    assert headers[2].startswith("Muller_1_")
    assert len(set(headers)) == 4
    assert all(ecgimg.read_record(tmp_path / "out" / header).fs_hz == 500 for header in headers)


def test_digitize_into_full_disk(monkeypatch, tmp_path):
    """What cannot be written has a reason of its own, and nothing is told to be in the folder."""
    monkeypatch.setattr(digitize_files, "digitize_page", lambda *_, **__: Digitization("refused"))
    Image.new("RGB", (400, 300)).save(tmp_path / "page.png")
    (tmp_path / "out/page.json").mkdir(parents=True)
    settings = digitize_files.Settings(overlay=False)
    ((outcome,),) = digitize_files.digitize_files([tmp_path / "page.png"], tmp_path / "out", settings)
    assert (outcome.status, outcome.reasons[0].code.value) == ("failed", "output_not_written")
    done = CliRunner().invoke(app, ["digitize", str(tmp_path / "page.png"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "are in" not in done.output


def test_digitize_again_as_refused(monkeypatch, tmp_path):
    """A page that is refused now keeps no record of an earlier run beside it, and a person's own files stay."""
    record = ecgimg.EcgRecord(np.zeros((12, 5000)), 500.0)
    Image.new("RGB", (400, 300)).save(tmp_path / "page.png")
    out = tmp_path / "out"
    settings = digitize_files.Settings(formats=("wfdb",), overlay=False)
    for digitization in (Digitization("ok", record=record), Digitization("refused")):
        monkeypatch.setattr(digitize_files, "digitize_page", lambda *_, read=digitization, **__: read)
        list(digitize_files.digitize_files([tmp_path / "page.png"], out, settings))
        (out / "page.txt").write_text("my own")
    assert not (out / "page.csv").exists()
    assert {file.name for file in out.iterdir()} == {"page.json", "page.txt"}
    assert json.loads((out / "page.json").read_text())["files"] == []


def test_digitize_names_extra_in_brackets(monkeypatch, tmp_path):
    """The table of pages keeps brackets, as in the extra of an install command."""
    outcome = PageOutcome("page[1]", "failed", (reason_of(MissingExtra("pyedflib", "formats", "writing EDF")),))
    monkeypatch.setattr(digitize_files, "digitize_files", lambda *_: iter([[outcome]]))
    result = CliRunner().invoke(app, ["digitize", "page.png", "--out", str(tmp_path)])
    assert "ecgimg[formats]" in result.output
    assert "page[1]" in result.output
