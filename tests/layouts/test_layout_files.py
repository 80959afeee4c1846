"""Layouts by name and from files: what is found, and what is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml

from ecgimg import UnknownLayout
from layouts import layout_names, load_layout, load_layouts, parse_layout
from layouts.layout_files import FOLDER

WHOLE = (FOLDER / "3x4+II.yaml").read_text(encoding="utf-8")


ASKED_FOR = [
    "3x4",
    "3x4+II",
    "3x4+V1",
    "3x4+III",
    "3x4+V5",
    "3x4+II+V1",
    "3x4+V1+II",
    "3x4+V1+II+V5",
    "3x4+II+V1+V5",
    "6x2",
    "6x2+II",
    "12x1",
    "6x1-limb",
    "6x1-chest",
    "4x3",
    "3x5",
    "3x1",
    "1x1",
    "3x4+II-cabrera",
    "6x2-cabrera",
    "12x1-cabrera",
]


@pytest.mark.parametrize("name", ASKED_FOR)
def test_load_layout_by_name(name):
    """Every layout is found by its name."""
    assert load_layout(name).name == name


def test_names():
    """The names are those of the files."""
    assert set(layout_names()) == {path.stem for path in FOLDER.glob("*.yaml")}


def test_load_layout_of_unknown_name():
    """An unknown name is refused with the nearest and the known ones."""
    with pytest.raises(UnknownLayout, match=r"no layout '3x4\+I2'. Did you mean '3x4\+II'\? Known are: 1x1, "):
        load_layout("3x4+I2")


def values(name: str = "3x4+II") -> dict:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"column": 4}, "unknown key 'column'; did you mean 'columns'?"),
        ({"style": {"papr": "roll"}}, "unknown key 'style.papr'"),
        ({"rows": 4}, "rows is 4, but leads has 3 rows"),
        ({"columns": 3}, "columns is 3, but row 1 of leads has 4"),
        ({"rhythm": ["IX"]}, "'IX' is not a lead"),
        ({"name": "3x4"}, "the name must be '3x4+II'"),
        ({"seconds_per_column": 0}, "seconds_per_column"),
        ({"speed_mm_s": -25}, "speed_mm_s"),
        ({"speed_mm_s": float("nan")}, "speed_mm_s"),
        ({"leads": [["I", "I", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]]}, "one cell only"),
    ],
)
def test_parse_layout_with_wrong_key(change, reason):
    """A wrong layout is refused with the key."""
    with pytest.raises(UnknownLayout) as caught:
        parse_layout({**values(), **change}, "mine")
    assert reason in str(caught.value)


def test_parse_layout_without_key():
    """A missing key is named."""
    short = values()
    del short["rows"]
    with pytest.raises(UnknownLayout, match="the key 'rows' is missing"):
        parse_layout(short, "mine")


def test_load_layout_of_own_file(tmp_path):
    """A user's own file is a layout among the others."""
    own = {**values(), "name": "3x4+II-clinic", "seconds_per_column": 3}
    path = tmp_path / "clinic.yaml"
    path.write_text(yaml.safe_dump(own), encoding="utf-8")
    assert load_layout(path).duration_s == 12
    assert [layout.name for layout in load_layouts(f"6x2, {path}")] == ["6x2", "3x4+II-clinic"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows": True}, "rows"),
        ({"speed_mm_s": True}, "speed_mm_s"),
        ({"speed_mm_s": "25"}, "speed_mm_s"),
        ({"speed_mm_s": 1e300}, "speed_mm_s"),
        ({"gain_mm_mv": 1e-9}, "gain_mm_mv"),
        ({"seconds_per_column": 1e9}, "seconds_per_column"),
        ({"seconds_per_column": float("inf")}, "seconds_per_column"),
        ({"rhythm": ["II"] * 9}, "rhythm"),
        ({"description": "x" * 501}, "description"),
        ({"name": "x" * 81}, "name"),
        ({"rows": 10**400}, "rows"),
        ({"leads": [["I"] * 17] * 3}, "leads"),
        ({"style": {"header": 1}}, "header"),
    ],
)
def test_parse_layout_over_limits(change, reason):
    """Sizes, counts and types are limited."""
    with pytest.raises(UnknownLayout, match=reason):
        parse_layout({**values(), **change}, "mine")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WHOLE + "rows: 3\n", "a key stands twice"),
        (WHOLE.replace("grid: red", "grid: red\n  grid: pink"), "a key stands twice"),
        ("a: &a [1]\nb: *a", "references"),
        ("<<: {a: 1}\n<<: {b: 2}", "a key stands twice"),
        ("{a: " * 2000, "more lists"),
        ("[" * 60_000, "more lists"),
        ("- " * 30_000, "more lists"),
        ("\n".join(" " * depth + "a:" for depth in range(340)), "long lists"),
        ("a: [" + "1, " * 20_000 + "]", "long lists"),
        ("rows: 2001-99-99", "cannot be read"),
        ("rows: " + "9" * 5000, "cannot be read"),
        ("rows: !!timestamp never", "cannot be read"),
        ("rows: !!int many", "cannot be read"),
        ("rows: !!python/object:object x", "not valid YAML"),
        ("rows: !!binary ///", "not valid YAML"),
        ("? {a: 1}\n: 2", "a key stands twice"),
        (WHOLE + "#" * 64_000, "larger than 64 kB"),
        ("rows: [", "not valid YAML"),
        ("- a\n- b", "must hold keys and values"),
        ("", "must hold keys and values"),
        ("\x00", "not valid YAML"),
        ("rows: \ud800".encode("utf-8", "surrogatepass"), "not UTF-8"),
    ],
    ids=range(22),
)
def test_load_layout_of_hostile_yaml(tmp_path, content, reason):
    """Whatever is wrong with the YAML is one sentence, and soon."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = time.process_time()
    with pytest.raises(UnknownLayout, match=reason) as caught:
        load_layout(path)
    assert time.process_time() - before < 1
    assert "bad.yaml" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices are of POSIX")
def test_load_layout_of_pipe_and_device(tmp_path):
    """Only ordinary files are opened."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe.yaml", tmp_path / "zero.yaml", tmp_path):
        with pytest.raises(UnknownLayout):
            load_layout(path)


@pytest.mark.parametrize("content", ["rows: [", "- a\n- b", "", "\x00"])
def test_load_layout_of_other_content(tmp_path, content):
    """A file that is no layout is refused by its name."""
    path = tmp_path / "bad.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnknownLayout, match=r"bad\.yaml"):
        load_layout(path)


def test_load_layout_of_missing_file():
    """A missing file and strange names are refused."""
    for name in ("nowhere.yaml", "../3x4", "", "/etc/passwd"):
        with pytest.raises(UnknownLayout):
            load_layout(name)
