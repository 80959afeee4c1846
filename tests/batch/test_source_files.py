"""What is found in folders, globs, single files and manifests."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest

from ecgimg.batch import Preview, preview, run_batch
from ecgimg.batch.source_files import find_files
from ecgimg.errors import BadRequest
from tests.batch.pages import LIGHT

pytest.importorskip("fsspec", reason="the batch extra is not installed")


def test_preview_in_threads(tmp_path, monkeypatch):
    """Looking at files in threads changes no filter of warnings."""
    from ecgimg.batch import preview

    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG damaged")
    changed = set()
    monkeypatch.setattr(warnings, "simplefilter", lambda *_args, **_kwargs: changed.add(threading.current_thread()))
    assert preview(str(tmp_path)).files == 8
    assert changed <= {threading.main_thread()}


NAMES = ["blank.png", "three.tif", "ward a/broken.pdf", "ward a/one.png", "ward b/copy.png", "ward b/older/two.jpg"]


def test_find_files_in_tree(archive: Path):
    """A tree is listed in the order of names, without hidden files and files of other kinds."""
    files, passed = find_files(str(archive))
    assert [file.name for file in files] == NAMES
    assert passed == 1
    assert Path(files[0].url).is_file()


def test_find_files_of_glob_and_single_file(archive: Path):
    """A glob gives its files, and a single file itself."""
    files, _ = find_files(str(archive / "ward*" / "*.png"))
    assert [file.name for file in files] == ["ward a/one.png", "ward b/copy.png"]
    (single,), _ = find_files(str(archive / "three.tif"))
    assert single.name == "three.tif"


def test_find_files_of_manifest(archive: Path, tmp_path: Path):
    """A manifest says how each file is read, and a missing file fails alone."""
    (tmp_path / "list.csv").write_text(
        f"file,layout,gain_mm_mv\n{archive}/blank.png,3x4,\nmissing.png,,5\n", encoding="utf-8"
    )
    (blank, missing), _ = find_files(str(tmp_path / "list.csv"))
    assert blank.reading_settings == ("3x4", None, None)
    assert missing.reading_settings == (None, None, 5.0)
    summary = run_batch(str(tmp_path / "list.csv"), str(tmp_path / "out"), LIGHT)
    assert summary.pages == {"failed": 1, "refused": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("page\nx.png\n", "column 'file'"),
        ("file,gain\nx.png,5\n", "unknown column 'gain'"),
        ("file,gain_mm_mv\nx.png,five\n", "line 2"),
        ("file,gain_mm_mv\nx.png,0\n", "line 2 .*the gain must be between 1 and 80"),
        ("file,speed_mm_s\nx.png,nan\n", "line 2 .*the speed must be"),
        ("file\n\nx.png\nx.png\n", "twice"),
    ],
)
def test_find_files_of_wrong_manifest(tmp_path: Path, text: str, said: str):
    """A wrong manifest is refused in one sentence."""
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadRequest, match=said):
        find_files(str(tmp_path / "list.csv"))


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.png", "ftq://host/x", "empty"])
def test_run_over_source_without_pages(tmp_path: Path, source: str):
    """A source without pages is refused, and no output folder is made."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest):
        run_batch(source if "://" in source else str(tmp_path / source), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_preview_of_archive(archive: Path):
    """Looking counts files, pages and duplicates."""
    assert preview(str(archive)) == Preview(files=6, pages=7, duplicates=1, passed_over=1)
