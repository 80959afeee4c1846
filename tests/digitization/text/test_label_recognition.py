"""Lead labels are read from crops of a page, whatever their size, print and place."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg import EcgImgError
from ecgimg.digitization.text import label_recognition
from ecgimg.digitization.text.label_recognition import CLASSES, LEAD_LABELS, LabelReadings, normalize_crop, read_labels
from synth.page_drawing import text_coverage

FONTS = ("LiberationSans-Regular.ttf", "LiberationSerif-Bold.ttf", "DejaVuSans.ttf")
PAPER, INK = 250.0, 25.0


def printed(prints: list[tuple[str, str, int]], turns: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw a page with (text, font, cap height px) on a faint grid; returns it and the boxes."""
    cell_px = 200
    height, width = cell_px * ((len(prints) + 9) // 10), 10 * cell_px
    share = np.zeros((height, width))
    share[::10], share[:, ::10] = 0.15, 0.15
    boxes = []
    for number, (text, font, tall) in enumerate(prints):
        ink = np.rot90(text_coverage(text, font, tall), turns) / 255
        top, left = cell_px * (number // 10) + 61, cell_px * (number % 10) + 47
        window = share[top : top + ink.shape[0], left : left + ink.shape[1]]
        window[...] = np.maximum(window, ink)
        boxes.append((left, top, left + ink.shape[1] - 1, top + ink.shape[0] - 1))
    grey = np.rint(PAPER + (INK - PAPER) * share).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), np.array(boxes, np.float64)


def test_normalize_crop_of_label():
    """A crop is upright ink on empty paper, in the middle."""
    image, boxes = printed([("V1", FONTS[0], 20)])
    crop = normalize_crop(image, boxes[0])
    assert crop.shape == (32, 96)
    assert crop.dtype == np.float32
    assert crop.min() >= 0
    assert crop.max() == pytest.approx(1, abs=0.05)
    assert np.median(crop) < 0.05
    columns = np.flatnonzero(crop.max(axis=0) > 0.5)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(47.5, abs=3)


def test_normalize_crop_in_other_light_and_size():
    """A crop hardly depends on the light or the size of the print."""
    image, boxes = printed([("aVL", FONTS[0], 16), ("aVL", FONTS[0], 32)])
    dim = (image.astype(np.float64) * 0.6 + 5).astype(np.uint8)
    crop = normalize_crop(image, boxes[0])
    assert np.abs(crop - normalize_crop(dim, boxes[0])).mean() < 0.02
    # the 2 px of padding are a larger share of the smaller print
    heights = [np.ptp(np.flatnonzero(normalize_crop(image, box).max(axis=1) > 0.5)) for box in boxes]
    assert heights[0] == pytest.approx(heights[1], abs=3)


def test_normalize_crop_of_long_line():
    """A crop keeps the aspect of a long line."""
    image, boxes = printed([("Rhythm II", FONTS[0], 24)])
    rows = np.flatnonzero(normalize_crop(image, boxes[0]).max(axis=1) > 0.5)
    left, top, right, bottom = boxes[0]
    padded_width = right - left + 0.9 * (bottom - top) + 4
    assert len(rows) == pytest.approx(96 / padded_width * (bottom - top), abs=3)


@pytest.mark.parametrize(
    "box",
    [(5, 5, 5, 20), (9, 5, 4, 20), (-90, -90, -50, -60), (900, 900, 990, 940), (np.nan, 0, 9, 9), (0, 0, np.inf, 9)],
)
def test_normalize_crop_of_impossible_box(box):
    """The crop of an impossible box is empty."""
    image = np.full((100, 100, 3), 200, np.uint8)
    assert not normalize_crop(image, np.array(box, np.float64)).any()


def test_normalize_crop_at_edge_of_image():
    """The crop of plain paper is empty, and a box may reach over the edge of the image."""
    image = np.full((100, 100, 3), 200, np.uint8)
    assert normalize_crop(image, np.array([-10.0, -4, 20, 15])).max() < 0.1
    assert normalize_crop(image, np.array([0.0, 0, 99, 99])).max() < 0.1


def prints_of(names: tuple[str, ...] = LEAD_LABELS) -> list[tuple[str, str, int]]:
    return [(name.replace("-", "\u2212"), font, tall) for name in names for font in FONTS for tall in (12, 20, 34)]


def test_read_labels_in_three_fonts():
    """Every lead label is read in three fonts and three sizes."""
    prints = prints_of()
    image, boxes = printed(prints)
    readings = read_labels(image, boxes)
    right = [lead == text.replace("\u2212", "-") for lead, (text, _, _) in zip(readings.leads, prints, strict=True)]
    assert np.mean(right) >= 0.95


@pytest.mark.parametrize(("turns", "least"), [(1, 0.9), (2, 0.8), (3, 0.9)])
def test_read_labels_turned(turns, least):
    """A turned label is read as none."""
    image, boxes = printed(prints_of(tuple(name for name in LEAD_LABELS if set(name) != {"I"})), turns)
    assert np.mean([name == "" for name in read_labels(image, boxes).leads]) >= least


def test_read_labels_of_other_print():
    """Other print and empty paper are read as none."""
    words = ["Sinus", "25 mm/s", "10", "150 Hz", "ID", "62", "bpm", "QRS", "", "Name"]
    image, boxes = printed([(word, FONTS[0], 20) for word in words])
    boxes[8] = (1647, 61, 1690, 81)
    assert sum(name == "" for name in read_labels(image, boxes).leads) >= 9


def test_read_labels_readings():
    """Names, confidences and probabilities fit together."""
    image, boxes = printed([("V1", FONTS[0], 20), ("III", FONTS[2], 20)])
    readings = read_labels(image, boxes)
    assert isinstance(readings, LabelReadings)
    assert readings.probabilities.shape == (2, len(CLASSES))
    assert readings.probabilities.sum(axis=1) == pytest.approx(1)
    assert (readings.confidences == readings.probabilities.max(axis=1)).all()


def test_read_labels_without_boxes():
    """No boxes give no readings."""
    readings = read_labels(np.zeros((50, 50, 3), np.uint8), np.zeros((0, 4)))
    assert readings.leads == ()
    assert readings.confidences.shape == (0,)
    assert readings.probabilities.shape == (0, len(CLASSES))


def test_read_labels_without_weights(monkeypatch):
    """Missing weights are reported with what mends it."""
    monkeypatch.setattr(label_recognition, "_WEIGHTS", "absent.onnx")
    with pytest.raises(EcgImgError, match=r"absent\.onnx are missing; install ecgimg again"):
        read_labels(np.zeros((50, 50, 3), np.uint8), np.array([[5.0, 5, 20, 15]]))


def test_read_labels_without_torch():
    """Reading labels does not load torch."""
    code = (
        "import sys, numpy as np; from ecgimg.digitization.text.label_recognition import read_labels;"
        "read_labels(np.full((60, 60, 3), 255, np.uint8), np.array([[9.0, 9, 40, 30]]));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
