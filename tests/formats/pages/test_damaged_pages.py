"""Damaged pages are read or refused in one sentence, never by a library's own error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ecgimg.errors import UnreadablePage
from ecgimg.formats.pages.decode import count_decodable as count_pages
from ecgimg.formats.pages.decode import decode_pages as open_pages
from ecgimg.formats.vector_pdf import split_vector
from tests.formats.damage import damaged
from tests.formats.pages.pdf_pages import PRINT, beats, grid_lines, pulse_mm, stroke, vector_pdf, word
from tests.formats.pages.pictures import picture

FUZZED = ("a.png", "a.jpg", "a.tif", "g4.tif", "a.bmp", "a.gif", "a.webp", "a.pdf", "scan.pdf")
byte = st.one_of(st.integers(0, 255), st.sampled_from(b"0123456789-.+e, []<>/\x00\x01\xff"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "a.jpg", "a.webp"):
        picture().save(folder / name, exif=exif, dpi=(300, 300))
    picture().save(folder / "a.bmp")
    picture().save(folder / "a.gif", save_all=True, append_images=[picture().transpose(Image.Transpose.ROTATE_180)])
    picture().save(folder / "a.tif", compression="tiff_lzw", save_all=True, append_images=[picture()], exif=exif)
    picture().convert("1").save(folder / "g4.tif", compression="group4")
    picture().save(folder / "scan.pdf", resolution=72)
    small = "0 0 0 RG 0.3 w 1 j\n" + stroke(beats(40, 95, 100)) + stroke(pulse_mm(24, 90)) + word("I", 30, 80) + PRINT
    vector_pdf(folder / "a.pdf", grid_lines(5, "1 0 0", 0.1, (20, 60, 60, 120)) + small)
    return folder


def outcome(path: Path) -> str:
    try:
        counted = count_pages(path)
        pages = 0
        for page in open_pages(path, pdf_dpi=72):
            pages += 1
            assert page.image.dtype == np.uint8
            assert page.image.ndim == page.image.shape[2] == 3
            assert sorted(page.image.shape[:2]) >= [150, 200]
            if page.vector is not None:
                split_vector(page.vector)
        assert pages == counted
    except UnreadablePage as error:
        text = str(error)
        assert str(path) in text
        assert "\n" not in text
        return "refused"
    return "read"


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZED)
def test_decode_changed_bytes(folder: Path, name: str):
    """A file with changed or missing bytes gives pages, or one sentence that names it."""
    good = (folder / name).read_bytes()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        start=st.sampled_from([0, 0, 300, 600, 900]),
        changes=st.lists(st.tuples(st.integers(0, 300), byte), min_size=1, max_size=6),
        length=st.one_of(st.none(), st.none(), st.integers(0, 999)),
    )
    def attempt(start: int, changes: list[tuple[int, int]], length: int | None) -> None:
        (folder / f"bad-{name}").write_bytes(damaged(good, start, changes, length))
        outcome(folder / f"bad-{name}")

    attempt()
    assert outcome(folder / name) == "read"
