"""One page of a file is digitized, whatever holds it, and the result says what was not read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import ecgimg
from ecgimg.digitization import digitize, digitize_image
from ecgimg.digitization.correct import Corrections
from ecgimg.digitization.digitize_files import Settings, check_settings
from ecgimg.reasons import ReasonCode
from tests.digitization.pages import clean_page, snr_db

BLANK = Image.new("RGB", (300, 200), "white")


def codes(digitization):
    return [reason.code for reason in digitization.reasons]


@pytest.mark.parametrize("suffix", ["tif", "pdf"])
def test_digitize_says_that_there_are_more_pages(tmp_path, suffix):
    """Of a file with three pages the first is read, and the result says so; not where a page is named."""
    path = tmp_path / f"three.{suffix}"
    BLANK.save(path, save_all=True, append_images=[BLANK, BLANK])
    read = digitize(path)
    assert codes(read)[-1] is ReasonCode.OTHER_PAGES_NOT_READ
    assert "3 pages" in read.reasons[-1].text
    assert ReasonCode.OTHER_PAGES_NOT_READ in codes(digitize(path.read_bytes()))
    for page in (1, 2, 3):
        assert ReasonCode.OTHER_PAGES_NOT_READ not in codes(digitize(path, page=page))
    for page in ecgimg.pages(path):
        assert ReasonCode.OTHER_PAGES_NOT_READ not in codes(digitize(page))
    for verb in (ecgimg.classify, ecgimg.measure):
        assert "3 pages" in verb(path).reasons[0].text
        assert "3 pages" not in verb(path, page=2).reasons[0].text


def test_digitize_page_of_several(tmp_path):
    """The page that is named is the one that is read."""
    path = tmp_path / "two.tif"
    BLANK.save(path, save_all=True, append_images=[Image.fromarray(clean_page().image)])
    assert digitize(path).status == "refused"
    assert digitize(path, page=2).layout == "3x4+II"


@pytest.mark.parametrize("dpi", [(204, 98), (204, 196)])
def test_digitize_fax(tmp_path, dpi):
    """A fax, whose pixels are not square, is read at its true voltage."""
    page = clean_page(px_per_mm=204 / 25.4)
    height, width = page.image.shape[:2]
    fax = Image.fromarray(page.image).resize((width, round(height * dpi[1] / 204)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    fax.save(buffer, "TIFF", dpi=dpi)
    read = digitize(buffer.getvalue())
    assert read.layout == "3x4+II"
    assert read.reasons[-1].code is ReasonCode.PIXELS_MADE_SQUARE
    assert snr_db(page, read) > 12
    gain = [np.ptp(record.lead("II")[:1200]) for record in (read.record, page.truth.record)]
    assert gain[0] / gain[1] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", ["speed_mm_s", "gain_mm_mv"])
@pytest.mark.parametrize("bad", [-1, 0, 0.9, float("nan"), float("inf"), "10", 201, 1e9, True, b"5", [25]])
def test_digitize_with_impossible_scale(name, bad):
    """A speed or gain that no recorder has is refused in Python as on the command line."""
    blank = np.asarray(BLANK)
    for run in (digitize, digitize_image):
        with pytest.raises(ecgimg.BadRequest, match="must be between"):
            run(blank, **{name: bad})
    with pytest.raises(ecgimg.BadRequest, match="must be between"):
        Corrections(**{name: bad})
    with pytest.raises(ecgimg.BadRequest, match="must be between"):
        check_settings([], Settings(**{name: bad}))


@pytest.mark.parametrize(("speed", "gain"), [(5, 1), (200, 80), (np.float32(25), np.int64(10)), (None, None)])
def test_digitize_with_possible_scale(speed, gain):
    """Any kind of number within the limits is taken."""
    assert digitize(np.asarray(BLANK), speed_mm_s=speed, gain_mm_mv=gain).status == "refused"
