"""From a picture to a record: the stages in the order data flows."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.calibrate import GAINS_MM_MV, SPEEDS_MM_S, Pulse, find_pulses, nearest, without_pulse
from ecgimg.digitize.flatten import FlatPage, flatten
from ecgimg.digitize.judge import judge
from ecgimg.digitize.place import Label, Placement, Scale, place
from ecgimg.digitize.rectify import Rectification, rectify
from ecgimg.digitize.result import Digitization
from ecgimg.digitize.segment import Segmentation, segment
from ecgimg.digitize.trace import RowTrace, trace_rows
from layouts import Layout, load_layout, load_layouts


def digitize_image(
    image: NDArray[np.uint8],
    *,
    layout: str = "auto",
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Read the ECG off a picture (height, width, 3) uint8 RGB.

    Parameters
    ----------
    layout : str
        ``"auto"``, a name of `layouts.names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
        Where given, they are used as they are.
    """
    candidates = load_layouts("all") if layout == "auto" else (load_layout(layout),)
    clock = _Clock()
    marked = segment(image)
    clock.lap("segment")
    found = rectify(image, marked.ink)
    clock.lap("rectify")
    if found is None:
        return Digitization("refused", "no ECG ruling was found on the page; a sharper or closer picture would help")
    found, turned = _upright(image, marked, found)
    page = flatten(image, marked, found)
    clock.lap("flatten")
    rows = trace_rows(page)
    clock.lap("trace")
    if not rows:
        return Digitization("refused", "no ECG trace was found on the page", px_per_mm=found.px_per_mm)
    pulses = find_pulses(rows, page.px_per_mm)
    rows = _cut_pulses(rows, pulses, page.px_per_mm)
    scale, sources = _scale(page, rows, pulses, speed_mm_s, gain_mm_mv)
    labels = find_labels(page)
    placement = place(rows, _extent(rows, pulses, scale), labels, scale, candidates)
    clock.lap("place")
    return judge(page, rows, placement, scale, sources, turned, clock.laps, pulses)


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = now - self._last
        self._last = now


def _upright(
    image: NDArray[np.uint8], marked: Segmentation, found: Rectification
) -> tuple[Rectification, int]:
    """Turn the page so that its traces run from left to right; returns the quarter turns taken."""
    small = cv2.resize(marked.trace, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) > 100
    ys, xs = np.nonzero(small)
    if len(ys) < 50:
        return found, 0
    step = max(round(found.px_per_mm), 2)
    centre = np.asarray(found.centre_px)
    along = np.linalg.inv(found.jacobian(centre))  # px per mm of page x and page y
    agreements = []
    for axis in (0, 1):
        shift = along[:, axis] * 2.0 / 2  # two mm, on the halved picture
        moved = np.rint(np.stack([xs, ys], 1) + shift).astype(int)
        inside = (moved >= 0).all(axis=1) & (moved[:, 0] < small.shape[1]) & (moved[:, 1] < small.shape[0])
        agreements.append(float(small[moved[inside, 1], moved[inside, 0]].mean()) if inside.any() else 0.0)
    del step
    quarters = 0 if agreements[0] >= agreements[1] else 3
    return found.turned(quarters), quarters


def _cut_pulses(rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float) -> tuple[RowTrace, ...]:
    by_row = {pulse.row: pulse for pulse in pulses}
    return tuple(
        without_pulse(row, by_row[index], px_per_mm) if index in by_row else row for index, row in enumerate(rows)
    )


def _scale(
    page: FlatPage,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    speed_mm_s: float | None,
    gain_mm_mv: float | None,
) -> tuple[Scale, dict[str, str]]:
    sources = {"px_per_mm": "grid", "speed": "given" if speed_mm_s else "assumed", "gain": "given" if gain_mm_mv else "assumed"}
    if pulses and gain_mm_mv is None:
        gain_mm_mv = nearest(float(np.median([pulse.height_mm for pulse in pulses])), GAINS_MM_MV, 0.15)
        sources["gain"] = "pulse" if gain_mm_mv else "assumed"
    if pulses and speed_mm_s is None:
        width_mm = float(np.median([pulse.right_px - pulse.left_px for pulse in pulses])) / page.px_per_mm
        speed_mm_s = nearest(5 * width_mm, SPEEDS_MM_S, 0.25)
        sources["speed"] = "pulse" if speed_mm_s else "assumed"
    feet = {pulse.row: pulse.foot_px for pulse in pulses}
    offsets = [feet[k] - _level(rows[k]) for k in feet]
    usual = float(np.median(offsets)) if offsets else 0.0
    zeros = tuple(feet[k] if k in feet else _level(row) + 0 * usual for k, row in enumerate(rows))
    return Scale(page.px_per_mm, speed_mm_s or 25.0, gain_mm_mv or 10.0, zeros), sources


def _level(row: RowTrace) -> float:
    """The height about which a row's trace is centred."""
    return float(np.mean(row.points_px[:, 1]))


def _extent(rows: Sequence[RowTrace], pulses: Sequence[Pulse], scale: Scale) -> tuple[float, float]:
    """Where the columns start and end: the common ends of the rows, made ten seconds long where a pulse blurs one end."""
    left = float(np.median([row.points_px[0, 0] for row in rows]))
    right = float(np.median([row.points_px[-1, 0] for row in rows]))
    if pulses:
        at_left = np.median([pulse.left_px for pulse in pulses]) < (left + right) / 2
        whole = 10 * scale.speed_mm_s * scale.px_per_mm
        spare = (right - left) - whole
        if -1.0 * scale.px_per_mm < spare < 4 * scale.px_per_mm:
            return (right - whole, right) if at_left else (left, left + whole)
    return left, right


def find_labels(page: FlatPage) -> tuple[Label, ...]:
    """Find blobs of lettering of the size of lead names."""
    mm = page.px_per_mm
    mask = (page.segmentation.label > 110).astype(np.uint8)
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((max(round(0.5 * mm), 1), max(round(1.2 * mm), 1)), np.uint8))
    count, _, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    labels = []
    for k in range(1, count):
        left, _, width, height, area = (int(value) for value in stats[k])
        if 1.0 * mm < height < 6 * mm and 0.25 * mm < width < 16 * mm and area > 0.3 * mm * mm:
            labels.append(Label(float(centres[k][0]), float(centres[k][1]), float(left)))
    return tuple(labels)


def _keep(_: Layout | Placement) -> None:
    """Nothing."""
