from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from ecgimg import STANDARD_LEADS, UnknownLayout
from layouts import as_image, as_text, layout_names, load_layout, load_layouts, parse_layout, visible_window
from layouts.layout_files import FOLDER

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


def values(name: str = "3x4+II") -> dict:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ASKED_FOR)
def test_every_layout_is_there(name):
    assert load_layout(name).name == name


def test_names_and_files_agree():
    assert set(layout_names()) == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("layout", load_layouts("all"), ids=lambda layout: layout.name)
def test_slots_cover_the_layout(layout):
    slots = layout.slots()
    assert len(slots) == layout.rows * layout.columns + len(layout.rhythm)
    assert {slot.lead for slot in slots} == set(layout.record_leads)
    assert all(0 <= slot.start_s < slot.end_s <= layout.duration_s + 1e-9 for slot in slots)
    shown = visible_window(layout, layout.record_leads, 500)
    assert shown.shape == (len(layout.record_leads), round(layout.duration_s * 500))
    assert shown.any(axis=1).all()


def test_window_of_a_standard_page():
    shown = visible_window(load_layout("3x4+II"), STANDARD_LEADS, 500)
    assert shown.shape == (12, 5000)
    for index, lead in enumerate(STANDARD_LEADS):
        where = np.flatnonzero(shown[index])
        column = index // 3
        expected = (0, 4999) if lead == "II" else (1250 * column, 1250 * column + 1249)
        assert (where[0], where[-1]) == expected
        assert len(where) == where[-1] - where[0] + 1


def test_columns_share_every_sample_once():
    for name in ("3x4", "6x2", "4x3", "3x4+II-cabrera"):
        layout = load_layout(name)
        for fs_hz in (100, 257.3, 500):
            counts = visible_window(layout, layout.record_leads, fs_hz).sum(axis=0)
            strips = sum(layout.columns > 1 for _ in layout.rhythm)
            assert counts.min() >= layout.rows
            assert counts.max() <= layout.rows + strips


def test_simultaneous_columns_show_the_same_seconds():
    shown = visible_window(load_layout("6x2-simultaneous"), STANDARD_LEADS, 500)
    assert shown.shape == (12, 2500)
    assert shown.all()


def test_cabrera_prints_an_inverted_avr():
    slots = {slot.lead: slot for slot in load_layout("12x1-cabrera").slots()}
    assert slots["aVR"].sign == -1
    assert slots["aVR"].printed_name == "-aVR"
    order = [slot.lead for slot in load_layout("12x1-cabrera").slots()][:6]
    assert order == ["aVL", "I", "aVR", "II", "aVF", "III"]


def test_window_agrees_with_the_scorer(data_folder):
    file = data_folder.parent / "tools" / "score_pages.py"
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("score_pages", file))
    spec.loader.exec_module(module)
    for name in ("3x4", "3x4+II", "3x4+V1+II+V5", "6x2+II", "12x1", "4x3", "3x4+II-cabrera", "6x2-cabrera"):
        shown = visible_window(load_layout(name), STANDARD_LEADS, 500)
        for lead, (first, end) in module.lead_windows(name).items():
            where = np.flatnonzero(shown[STANDARD_LEADS.index(lead)])
            assert (where[0], where[-1] + 1) == (first, end)


def test_unknown_name_lists_the_known_and_the_nearest():
    with pytest.raises(UnknownLayout, match=r"no layout '3x4\+I2'. Did you mean '3x4\+II'\? Known are: 1x1, "):
        load_layout("3x4+I2")


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
def test_a_wrong_layout_is_refused_with_the_key(change, reason):
    with pytest.raises(UnknownLayout) as caught:
        parse_layout({**values(), **change}, "mine")
    assert reason in str(caught.value)


def test_a_missing_key_is_named():
    short = values()
    del short["rows"]
    with pytest.raises(UnknownLayout, match="the key 'rows' is missing"):
        parse_layout(short, "mine")


def test_a_users_own_file(tmp_path):
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
def test_sizes_counts_and_kinds_are_limited(change, reason):
    with pytest.raises(UnknownLayout, match=reason):
        parse_layout({**values(), **change}, "mine")


WHOLE = (FOLDER / "3x4+II.yaml").read_text(encoding="utf-8")


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
def test_every_error_of_parsing_is_one_sentence(tmp_path, content, reason):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = time.process_time()
    with pytest.raises(UnknownLayout, match=reason) as caught:
        load_layout(path)
    assert time.process_time() - before < 1
    assert "bad.yaml" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices are of POSIX")
def test_only_ordinary_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe.yaml", tmp_path / "zero.yaml", tmp_path):
        with pytest.raises(UnknownLayout):
            load_layout(path)


@pytest.mark.parametrize("content", ["rows: [", "- a\n- b", "", "\x00"])
def test_files_that_are_no_layout(tmp_path, content):
    path = tmp_path / "bad.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnknownLayout, match=r"bad\.yaml"):
        load_layout(path)


def test_missing_file_and_strange_names():
    for name in ("nowhere.yaml", "../3x4", "", "/etc/passwd"):
        with pytest.raises(UnknownLayout):
            load_layout(name)


@pytest.mark.parametrize("name", ["3x4+II-cabrera", "6x2", "1x1", "3x4+V1+II+V5"])
def test_drawings_name_every_lead(name):
    layout = load_layout(name)
    text = as_text(layout)
    assert all(f" {slot.printed_name} " in text for slot in layout.slots())
    widths = {len(line) for line in text.splitlines()[2:-1]}
    assert len(widths) == 1
    assert as_image(layout).width == 1100


def test_a_layout_that_the_picture_cuts_lacks_a_row():
    layout = load_layout("3x4+II")
    assert layout.cut("bottom").rhythm == ()
    assert layout.cut("top").leads == layout.leads[1:]
    assert load_layout("12x1").cut("bottom").leads == load_layout("12x1").leads[:-1]
    assert load_layout("1x1").cut("top") is None
    assert layout.cut("top").with_seconds(2.0).seconds_per_column == 2.0
    with pytest.raises(ValueError, match="greater than 0"):
        layout.with_seconds(0.0)
