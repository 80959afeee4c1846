from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg.digitization import views
from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.model import FlatPage, ScaleReading, Segmentation
from ecgimg.digitization.text.line_detection import find_text_lines
from ecgimg.digitization.text.line_recognition import ALPHABET, LINE_HEIGHT_PX, LineReading, decode_ctc, normalize_line
from ecgimg.digitization.text.scale_text import read_printed_scale, scale_from_lines
from ecgimg.printed_scale import agreed, find_mentions
from synth import pages
from synth.draw import text_coverage

FONTS = ("LiberationSans-Regular.ttf", "LiberationMono-Regular.ttf", "DejaVuSans.ttf")
PX_PER_MM = 7.0
Line = tuple[str, str, int, int, int]


def flat_page(*lines: Line, shape: tuple[int, int] = (400, 1400)) -> FlatPage:
    """A flat page with (text, font, cap height px, left, top) on ruled paper, its print marked without a fault."""
    share = np.zeros(shape, np.float32)
    for text, font, tall, left, top in lines:
        ink = text_coverage(text, font, tall)
        share[top : top + ink.shape[0], left : left + ink.shape[1]] = ink / 255
    other = np.where(share > 0.4, 255, 0).astype(np.uint8)
    ruling = np.zeros(shape, np.float32)
    ruling[:: int(PX_PER_MM)], ruling[:, :: int(PX_PER_MM)] = 0.15, 0.15
    grey = np.rint(250 - 220 * np.maximum(share, ruling)).astype(np.uint8)
    return bare_page(np.repeat(grey[..., None], 3, axis=2), other)


def bare_page(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> FlatPage:
    """A ruled page of which nothing but its picture and its print is looked at."""
    none = np.zeros_like(other)
    height, width = other.shape
    flat = PageMap(np.zeros((1, 2), np.int64), np.zeros((1, 2)), (0, 0), (1, 1), (width, height), none, 1.0)
    return FlatPage(none.astype(np.float32), Segmentation(none, none, none, other), image, PX_PER_MM, (0, 0), flat)


def reading(text: str, unsure: str = "", sure: float = 0.99) -> LineReading:
    """A line in which the first `unsure` is read with little confidence."""
    confidences = np.full(len(text), sure)
    if unsure:
        confidences[text.index(unsure) : text.index(unsure) + len(unsure)] = 0.4
    return LineReading(text, confidences, 10.0 * np.arange(len(text)))


def values(scale: ScaleReading) -> tuple[float | None, float | None, float | None]:
    return scale.speed_mm_s, scale.gain_mm_mv, scale.chest_gain_mm_mv


# ---------------------------------------------------------------- the parser


@pytest.mark.parametrize(
    ("line", "speed", "gain", "chest"),
    [
        ("25mm/s 10mm/mV 150Hz", 25, 10, None),
        ("25 mm/sec   10.0 mm/mV", 25, 10, None),
        ("12,5 mm / s  2,5 mm / mV", 12.5, 2.5, None),
        ("10/5mm/mV", None, 10, 5),
        ("25 mm/s 20 / 10 mm/mV", 25, 20, 10),
        ("Speed: 50 mm/sec   Limb: 10 mm/mV   Chest: 5.0 mm/mV", 50, 10, 5),
        ("Geschw. 25 mm/sek  V1-V6: 5 mm/mV", 25, None, 5),
        ("25m m/s 10 m m / mV", 25, 10, None),
        ("1 cm/mV", None, 10, None),
        ("x0.5 .05-150Hz 25mm/sec", 25, 5, None),
        ("x1.0.05-150Hz 25 mm/sec", 25, 10, None),
        ("x1.0 .05-150Hz", None, None, None),
        ("x2.0 25mm/s 10 mm/mV", 25, 10, None),
        ("5 mm/mV 10 mm/mV", None, None, None),
        ("25 mm/s 50 mm/s 10 mm/mV", None, 10, None),
        ("1.2.5 mm/s 3/10/5 mm/mV", None, None, None),
        ("25 mm/sample 10 mm/mVs", None, None, None),
        ("25 mm 10 mV mm/s mm/mV", None, None, None),
        ("25 m/s 10 m/mV 60/min", None, None, None),
        ("", None, None, None),
    ],
)
def test_parser(line: str, speed: float | None, gain: float | None, chest: float | None):
    mentions = list(find_mentions(line))
    assert tuple(agreed(mentions, kind) for kind in ("speed", "gain", "chest")) == (speed, gain, chest)


def test_a_mention_says_where_it_stands():
    line = "AC50 25mm/s 10/5 mm/mV"
    said = [(mention.kind, line[mention.first : mention.last]) for mention in find_mentions(line)]
    assert said == [("speed", "25mm/s"), ("gain", "10/5 mm/mV"), ("chest", "10/5 mm/mV")]


# ---------------------------------------------------------------- from lines to a scale


@pytest.mark.parametrize(
    ("lines", "scale"),
    [
        ([reading("25mm/s 10mm/mv")], (25, 10, 10)),
        ([reading("25mm/s"), reading("20/10mm/mv")], (25, 20, 10)),
        ([reading("25mm/s"), reading("25 mm/s 5mm/mv")], (25, 5, 5)),
        ([reading("25mm/s 10mm/mv"), reading("50mm/s")], (None, 10, 10)),
        ([reading("25mm/s 10mm/mv", unsure="2")], (None, 10, 10)),
        ([reading("25mm/s 10mm/mv", unsure="mv")], (25, None, None)),
        ([reading("limb: 10 mm/mv chest: 5 mm/mv", unsure="10")], (None, None, 5)),
        ([reading("limb: 10 mm/mv chest: 5 mm/mv", unsure="5")], (None, 10, None)),
        ([reading("limb: 10 mm/mv chbst: s mm/mv")], (None, 10, None)),
        ([reading("25mm/s"), reading("50mm/s", unsure="5")], (None, None, None)),
        ([reading("25mm/s"), reading("25mm/s", unsure="5")], (25, None, None)),
        ([reading("chest: 5 mm/mv")], (None, None, 5)),
        ([reading("26mm/s 11mm/mv")], (None, None, None)),
        ([reading("12:5mm/mv 6 25mm/s")], (None, None, None)),
        ([reading("20/:10mm/mv"), reading("6. 25mm/s")], (None, None, None)),
        ([reading("11.2 l 10.0 mm/mv")], (None, None, None)),
        ([reading("brst: 5 mm/mv")], (None, None, None)),
        ([reading("gain: 5 mm/mv")], (None, 5, 5)),
        ([reading("1.80 25mm/s ac50 10mm/mv")], (None, 10, 10)),
        ([reading("low voltage. limb leads"), reading("5mm/mv")], (None, 5, 5)),
        ([reading("25mm/s10mm/mv")], (25, 10, 10)),
        ([reading("s5mm/s z0mm/mv")], (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_only_sure_and_usual_numbers_count(lines: list[LineReading], scale: tuple[float | None, ...]):
    found = scale_from_lines(lines)
    assert values(found) == scale
    assert found.confidence == (0.99 if any(scale) else 0)


def test_decoding_drops_blanks_and_repeats():
    logits = np.full((9, 1 + len(ALPHABET)), -9.0)
    for frame, letter in enumerate("--mm-mm/s"):
        logits[frame, 0 if letter == "-" else 1 + ALPHABET.index(letter)] = 9
    read = decode_ctc(logits)
    assert read.text == "mm/s"
    assert (read.confidences > 0.99).all()
    assert decode_ctc(logits[:2]).text == ""


@pytest.mark.parametrize(("sure", "text"), [(3.0, "chest: 5"), (9.0, "ches t: 5")])
def test_a_doubtful_space_within_a_word_is_none(sure: float, text: str):
    line = "ches t: 5"
    logits = np.full((len(line), 1 + len(ALPHABET)), -9.0)
    for frame, letter in enumerate(line):
        logits[frame, 1 + ALPHABET.index(letter)] = 9
    logits[4, [0, 1 + ALPHABET.index(" ")]] = 2.5, sure
    read = decode_ctc(logits)
    assert read.text == text
    assert len(read.confidences) == len(read.positions_px) == len(text)


@pytest.mark.parametrize(("chest", "limb_only"), [("5", False), ("s", True)])
def test_a_gain_of_limb_leads_alone_is_told_to_be_one(chest: str, limb_only: bool):
    assert scale_from_lines([reading(f"limb: 10 mm/mv chest: {chest} mm/mv")]).limb_only == limb_only


# ---------------------------------------------------------------- lines on a page


def test_a_line_is_found_and_cut_out_level():
    page = flat_page(("25 mm/s   10 mm/mV", FONTS[0], 15, 60, 330), ("V1", FONTS[0], 15, 9, 50))
    (line,) = find_text_lines(page)
    assert (line.left_px, line.right_px) == pytest.approx((60, 256), abs=4)
    assert line.middles_px == pytest.approx((338, 338), abs=2)
    assert line.height_px == pytest.approx(16, abs=2)
    crop = normalize_line(page.image, line)
    assert crop.shape[0] == LINE_HEIGHT_PX
    assert crop.shape[1] == pytest.approx((line.right_px - line.left_px) * 16 / line.height_px + 32, abs=3)
    inked = np.flatnonzero(crop.max(axis=1) > 0.6)
    assert (inked[0] + inked[-1]) / 2 == pytest.approx(11.5, abs=1.5)


def test_a_sloping_line_is_cut_out_level():
    page = flat_page(("25 mm/s 10 mm/mV 25 mm/s 10 mm/mV", FONTS[0], 15, 60, 200))
    shear = np.array([(1, 0, 0), (0.03, 1, 0)])
    turned = [sheared(plane, shear) for plane in (page.image, page.segmentation.other)]
    (level,), (line,) = find_text_lines(page), find_text_lines(bare_page(*turned))
    rise = line.middles_px[1] - line.middles_px[0]
    assert rise == pytest.approx(0.03 * (line.right_px - line.left_px), abs=2)
    assert line.height_px == pytest.approx(level.height_px, abs=2)


def sheared(plane: NDArray[np.uint8], shear: NDArray[np.float64]) -> NDArray[np.uint8]:
    return cv2.warpAffine(plane, shear, plane.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


# ---------------------------------------------------------------- the network


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("25mm/s   10mm/mV   150Hz", (25, 10, 10)),
        ("50 mm/s   5 mm/mV   0.05 - 35 Hz", (50, 5, 5)),
        ("Speed: 12.5 mm/sec   Limb: 20 mm/mV   Chest: 10.0 mm/mV", (12.5, 20, 10)),
        ("AC50   25mm/s   10/5mm/mV", (25, 10, 5)),
        ("Sinus rhythm   75 bpm   QT/QTc 350/401 ms", (None, None, None)),
    ],
)
def test_prints_are_read(font: str, text: str, scale: tuple[float | None, ...]):
    assert values(read_printed_scale(flat_page((text, font, 15, 50, 200)))) == scale


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_prints_are_read_where_a_millimetre_is_guessed_and_letters_are_of_another_size(times: float):
    page = flat_page(("Speed: 12.5 mm/sec   Limb: 20 mm/mV   Chest: 20.0 mm/mV", FONTS[1], 15, 50, 200))
    off = replace(page, px_per_mm=times * PX_PER_MM)
    assert values(read_printed_scale(off)) != (12.5, 20, 20)
    guessed = replace(off, page_map=replace(page.page_map, confidence=0.0))
    assert values(read_printed_scale(guessed)) == (12.5, 20, 20)


def test_an_empty_page_says_nothing():
    assert read_printed_scale(flat_page()) == ScaleReading()


def test_a_drawn_page_is_read():
    for page in pages(n=12, layouts="3x4+II", degradation="none", seed=31):
        if any("mm/mV" in text.text for text in page.truth.texts):
            break
    marked = views.segment(page.image)
    found = views.fit_map_to_grid(page.image, marked.ink, marked.trace)
    assert found is not None
    scale = read_printed_scale(views.dewarp_page(page.image, marked, found))
    truth = page.truth
    assert values(scale) == (truth.speed_mm_s, truth.gain_mm_mv, truth.chest_gain_mm_mv)
    assert 0.6 < scale.confidence <= 1
