"""Opening a file is bounded: pictures far larger than a page, drawings of many parts, and decoders that talk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ecgimg
from ecgimg.digitization import digitize_image
from ecgimg.errors import UnreadablePage
from ecgimg.formats.pages import count_pages, isolated_decoding, open_pages
from ecgimg.formats.pages.decode import decode_pages
from ecgimg.isolation import Limits, Worker, WorkerPool
from tests.formats.pages.pdf_pages import pdf_bytes

SAMPLES = Path(ecgimg.__file__).parent / "samples"
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def used() -> tuple[float, float]:
    """Return the processor seconds and the GB that the process has used."""
    times = os.times()
    lines = Path("/proc/self/status").read_text().splitlines()  # the resource module tells of the process before, too
    most_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return times.user + times.system, most_kb * 1024 / 1e9


@pytest.fixture
def bilevel(tmp_path: Path) -> Path:
    """Some 118 megapixels in a few kB."""
    path = tmp_path / "bilevel.png"
    Image.new("1", (12_400, 9_500), 1).save(path)
    assert path.stat().st_size < 50_000
    return path


@pytest.mark.slow
@linux
def test_open_picture_of_118_megapixels(bilevel):
    """A picture of 118 megapixels is opened reduced, within the limits on time and memory."""
    with Worker(isolated_decoding.OPENING) as worker:
        (page,) = worker.stream(decode_pages, bilevel)
        cpu_s, memory_gb = worker.call(used)
    assert page.reduced_by == 3
    assert page.image.shape == (3167, 4134, 3)
    assert cpu_s < 10
    assert memory_gb < 1.5


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_open_large_picture_of_every_mode(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch):
    """A large picture of any mode is reduced, and its scale hint with it."""
    monkeypatch.setattr("ecgimg.formats.pages.limits.MAX_READ_PIXELS", 60_000)
    grey = np.kron([[0, 255], [255, 0]], np.ones((200, 300))).astype(np.uint8)
    made = Image.fromarray(grey * np.uint16(257)) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    made.save(tmp_path / "a.png", dpi=(300, 300))
    (page,) = decode_pages(tmp_path / "a.png")
    assert page.reduced_by == 2
    assert page.image.shape == (200, 300, 3)
    assert (page.image[:100, :150].max(), page.image[:100, 150:].min()) == (0, 255)
    assert page.px_per_mm_hint == pytest.approx(300 / 25.4 / 2, rel=1e-3)


def test_open_large_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A large photo is reduced as it is decoded, to the same picture."""
    monkeypatch.setattr("ecgimg.formats.pages.limits.MAX_READ_PIXELS", 100_000)
    (page,) = decode_pages(SAMPLES / "photo.jpg")
    assert page.reduced_by == 4
    with Image.open(SAMPLES / "photo.jpg") as photo:
        small = np.asarray(photo.convert("RGB").reduce(4), int)
    assert np.abs(np.subtract(page.image.shape, small.shape)).max() <= 1
    rows, columns = np.minimum(page.image.shape, small.shape)[:2]
    assert np.abs(page.image[:rows, :columns] - small[:rows, :columns]).mean() < 3


def test_digitize_array_above_limit(monkeypatch: pytest.MonkeyPatch):
    """An array above the limit is read reduced, and the result is in its own pixels."""
    with Image.open(SAMPLES / "scan.jpg") as scan:
        image = np.array(scan.convert("RGB"))
    whole = digitize_image(image)
    monkeypatch.setattr("ecgimg.formats.pages.limits.MAX_READ_PIXELS", image[..., 0].size // 2)
    half = digitize_image(image)
    assert half.layout == whole.layout
    assert half.px_per_mm == pytest.approx(whole.px_per_mm, rel=0.01)
    assert half.readings[0].box_px == pytest.approx(whole.readings[0].box_px, abs=12)


@linux
def test_open_drawing_of_many_paths(tmp_path: Path):
    """A drawing of many paths is opened as a picture within the limit on time."""
    rows = [f"{x} {y} m {x + 2} {y + 1} l S" for x in range(0, 590, 3) for y in range(0, 840, 4)]
    (tmp_path / "many.pdf").write_bytes(pdf_bytes(["\n".join(rows)]))
    with Worker(isolated_decoding.OPENING) as worker:
        (page,) = worker.stream(decode_pages, tmp_path / "many.pdf")
        assert worker.call(used)[0] < 10
    assert len(rows) > 20_000
    assert page.vector is None


@pytest.mark.parametrize(
    ("limits", "reason"), [({"cpu_s": 1, "memory_gb": 1}, None), ({"cpu_s": 0.001, "memory_gb": 1}, "to open")]
)
def test_open_page_over_time_limit(bilevel, monkeypatch: pytest.MonkeyPatch, limits, reason):
    """A file that takes too long to open is refused in one sentence."""
    pool = WorkerPool(lambda: Worker(Limits(**limits)), keep=1)
    monkeypatch.setattr(isolated_decoding, "_pool", pool)
    try:
        if reason is None:
            assert count_pages(SAMPLES / "photo.jpg") == 1
        else:
            with pytest.raises(UnreadablePage, match=reason) as caught:
                list(open_pages(bilevel))
            assert str(bilevel) in str(caught.value)
    finally:
        pool.close()


def test_open_picture_over_pixel_limit(bilevel):
    """The limit on pixels holds before decoding."""
    with pytest.raises(UnreadablePage, match="more than 60 megapixels"):
        list(open_pages(bilevel, max_pixels=60_000_000))


def test_open_many_files_at_once():
    """Many files may be open at once."""
    opened = [open_pages(SAMPLES / "photo.jpg") for _ in range(6)]
    assert len({next(each).image.shape for each in opened}) == 1


def test_decoders_print_nothing(tmp_path: Path):
    """What a decoder prints of a damaged file does not reach the terminal."""
    Image.new("RGB", (400, 300), "white").save(tmp_path / "a.tif", compression="jpeg")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[200:260] = bytes(60)
    (tmp_path / "a.tif").write_bytes(bytes(content))
    words = [sys.executable, "-m", "ecgimg", "digitize", str(tmp_path / "a.tif"), "--out", str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "JPEGLib" not in done.stderr
    assert "Traceback" not in done.stderr
