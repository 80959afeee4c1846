"""An archive of pages, and the outputs of a run over it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from ecgimg.batch import BatchSettings, Task, run_batch
from tests.batch.pages import small_pages


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pages in three folders, two of them in a TIFF; a duplicate, a broken file, a blank page, and other files."""
    folder = tmp_path_factory.mktemp("archive")
    first, second, third, fourth = small_pages(4)
    for name in ("ward a", "ward b/older", ".hidden"):
        (folder / name).mkdir(parents=True)
    first.save(folder / "ward a/one.png")
    first.save(folder / ".hidden/one.png")
    shutil.copy(folder / "ward a/one.png", folder / "ward b/copy.png")
    second.save(folder / "ward b/older/two.jpg", quality=90)
    third.save(folder / "three.tif", save_all=True, append_images=[fourth])
    (folder / "ward a/broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    Image.new("RGB", (900, 700), "white").save(folder / "blank.png")
    (folder / "notes.txt").write_text("no page", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def done(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of one run over the archive, classified, with WFDB beside."""
    out = tmp_path_factory.mktemp("out") / "read"
    summary = run_batch(str(archive), str(out), Task(classify=True, formats=("wfdb",)), BatchSettings(pages_per_part=4))
    # of one small page the still aVL is read only enlarged
    assert summary.pages == {"duplicate": 1, "failed": 1, "limited": 1, "ok": 3, "refused": 1}
    assert (summary.read_now, summary.passed_over) == (6, 1)
    return out


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for number, page in enumerate(small_pages(6)):
        page.save(folder / f"{number}.png")
    return folder
