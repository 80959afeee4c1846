"""The documentation is true: its examples run, its commands and options exist, its links lead somewhere."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
import re
import shlex
import shutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer

import ecgimg
import layouts
import synth
from ecgimg.cli import app
from ecgimg.comparison import compare_reports
from ecgimg.digitization import Digitization
from ecgimg.measurement import Measured, Measurements
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Report, measurements_summary

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("layouts/*.md"), *ROOT.glob("findings/*.md")]
)
PUBLIC = [f"{module.__name__}.{name}" for module in (ecgimg, layouts, synth) for name in module.__all__]


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md", "docs/guide/measuring.md"])
def test_examples_of_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The examples of a page print what the page says."""
    shutil.copytree(ROOT / "ecgimg" / "samples", tmp_path / "ecgimg" / "samples")
    monkeypatch.chdir(tmp_path)  # what an example writes lands there
    text = (ROOT / page).read_text(encoding="utf-8").replace("\n```", "\n\n```")  # an output ends with its block
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert len(test.examples) >= 5
    told: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert not failed, "".join(told)


def test_wrong_example():
    """An example with another output fails."""
    test = doctest.DocTestParser().get_doctest(
        ">>> import ecgimg\n>>> ecgimg.__name__\n'other'\n", {}, "wrong", "wrong", 0
    )
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of ecgimg in the blocks of code of a page."""
    code = re.findall(r"^```(?:sh|text)?\n(.*?)^```|((?:^    .*\n)+)", text, re.MULTILINE | re.DOTALL)
    for block in ("\n".join(parts) for parts in code):
        for line in block.replace("\\\n", " ").splitlines():
            call = re.search(r"(?:^|^\$ |\s)(ecgimg .*?)(?:\s#.*)?$", line.strip())
            if call and re.match(r"(\$ |[A-Z_]+=\S+ |torchrun .*-m )?ecgimg ", line.strip()):
                yield shlex.split(call.group(1))[1:]


def options_of(words: list[str]) -> tuple[set[str], list[str]]:
    """Return the options that the called command has, and those that the words use."""
    command: Any = typer.main.get_command(app)
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    has = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return has, [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_and_options_of_page(page: Path):
    """Every command and option of a page exists."""
    for words in commands_of(page.read_text(encoding="utf-8")):
        has, used = options_of(words)
        assert set(used) <= has, f"ecgimg {' '.join(words)}"


def test_commands_of_pages():
    """Commands are found in the pages, and an unknown command or option is seen."""
    assert sum(len(list(commands_of(page.read_text(encoding="utf-8")))) for page in PAGES) > 25
    with pytest.raises(KeyError):
        options_of(["digitise", "photo.jpg"])
    has, used = options_of(["digitize", "photo.jpg", "--out", "read", "--loud"])
    assert used == ["--out", "--loud"]
    assert "--loud" not in has


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_of_page(page: Path):
    """Every link of a page leads to a file."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target


NAMED_FILE = r"\b((?:tests|docs|ecgimg|synth|layouts|notebooks|findings)/[\w/.-]+\.(?:py|md|yaml|jpg|ipynb|sh))\b"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=page_id)
def test_files_named_on_page(page: Path):
    """The files of the repository that a page names exist."""
    for name in re.findall(NAMED_FILE, page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file() or (page.parent / name).is_file(), name


def names_in_tables(page: str) -> set[str]:
    """Return the names in code in the first column of the tables of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


@pytest.mark.parametrize(
    "summary",
    [
        Digitization("refused").summary(),
        Report().summary(),
        measurements_summary(Measurements(), per_beat=True),
        compare_reports(Report(), Report()).to_dict(),
    ],
    ids=["STEM.json", "STEM.findings.json", "STEM.measurements.json", "ecgimg compare --json"],
)
def test_fields_of_json_are_explained(summary: dict[str, Any]):
    """Every field of the JSON files is on the page of the files."""
    assert set(summary) <= names_in_tables("docs/reference/files.md")
    text = (ROOT / "docs/reference/files.md").read_text(encoding="utf-8")
    assert f"`{summary['schema']}`, {summary['schema_version']} " in text


def test_fields_of_measured_number_are_explained():
    """Every field of a number of the JSON is on the page of the files, and every field of `Measured` in the guide."""
    assert set(Measured().summary(1)) <= names_in_tables("docs/reference/files.md")
    assert set(vars(Measured())) <= names_in_tables("docs/guide/measuring.md")


def test_measured_numbers_are_explained():
    """The guide says what every number and every class of beats is, and explains no other number of a record."""
    told = names_in_tables("docs/guide/measuring.md")
    assert {*GLOBAL_NAMES, *LEAD_NAMES, *BeatClass} <= told
    assert {name for name in told if name.endswith(("_bpm", "_ms", "_deg", "_mv"))} <= {*GLOBAL_NAMES, *LEAD_NAMES}


def test_reasons_of_numbers_are_explained():
    """The codes that the guide names exist."""
    told = names_in_tables("docs/guide/measuring.md")
    codes = {code.value for code in ReasonCode}
    assert {"no_beat_found", "too_few_beats", "no_p_wave", "leads_needed", "axis_undefined"} <= told & codes


def test_readme_length():
    """The README is short."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def documented_names() -> list[str]:
    pages = sorted((ROOT / "docs/reference/api").glob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return re.findall(r"^.. auto(?:class|function|data|exception):: (\S+)$", text, re.MULTILINE)


def test_reference_of_public_names():
    """Every public name is in the reference."""
    assert set(PUBLIC) - set(documented_names()) == {"ecgimg.__version__"}


def fields_of(value: Any) -> list[str]:
    """Return the arguments of a function or of a class of ours; errors, enums and constants have none to document."""
    if not inspect.isfunction(value) and not (inspect.isclass(value) and not issubclass(value, (Exception, Enum))):
        return []
    return [name for name in inspect.signature(value).parameters if not name.startswith("_")]


@pytest.mark.parametrize("name", documented_names())
def test_docstring_of_documented_name(name: str):
    """A docstring says what goes in and out."""
    value = pkgutil.resolve_name(name)
    text = inspect.getdoc(value) or ""
    missing = [
        field for field in fields_of(value) if not re.search(rf"^(\w+, )*{field}(, \w+)*( :|$)", text, re.MULTILINE)
    ]
    assert not missing
    assert not inspect.isfunction(value) or re.search(r"^(Returns|Yields)$", text, re.MULTILINE)
