"""The usual beats of two ECGs on paper: of each lead the old one, the new one, and both on their common QRS onset."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import numpy as np

from ecgimg.comparison.usual_beats import TIMES_S, UsualBeat
from ecgimg.errors import BadRequest
from ecgimg.leads import unbroken_runs
from ecgimg.plotting import EcgPlot
from ecgimg.plotting.footer import lay_out_footer
from ecgimg.plotting.paper_page import GAIN_MM_MV, SPEED_MM_S, Floats, Lettering, PaperPage
from ecgimg.plotting.svg import as_svg

_WIDTH_MM, _BLOCK_MM = 210.0, 100.0  # of the paper, and from the limb leads on the left to the chest leads
_NAME_MM, _ONSETS_MM = 6.0, (25.0, 55.0, 85.0)  # x of the name of a lead, and of its QRS onsets: old, new, both
_TITLES = ("old", "new", "both")
_HEAD_MM, _LEAST_ROW_MM, _MOST_ROW_MM, _STEP_MM = 10.0, 15.0, 60.0, 5.0  # an artefact may cross the next row
_CLEARANCE_MM = 2.0
_LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
_LEGEND = "blue: old ECG, black: new ECG"


_Beats = tuple[UsualBeat | None, UsualBeat | None]


@dataclass(frozen=True, eq=False)
class _Place:
    """A lead with its old and new beat, and where it is drawn: its zero level, and the left of its block."""

    lead: str
    beats: _Beats
    zero_mm: float
    left_mm: float


def draw_beats(leads: Mapping[str, _Beats]) -> EcgPlot:
    """Draw the old and the new beat of each lead, None where it is not shown; see `Comparison.plot`."""
    if not leads:
        raise BadRequest("neither ECG shows a beat, so that there is nothing to draw; see the reasons of both")
    blocks = ([lead for lead in leads if lead in _LIMB_LEADS], [lead for lead in leads if lead not in _LIMB_LEADS])
    rows = [[leads[lead] for lead in pair if lead is not None] for pair in zip_longest(*blocks)]
    zeros_mm = _zero_levels(rows)
    places = [
        _Place(lead, leads[lead], zero_mm, left_mm)
        for block, left_mm in zip(blocks, (0.0, _BLOCK_MM), strict=True)
        for lead, zero_mm in zip(block, zeros_mm, strict=False)
    ]
    old, new = (tuple(line for place in places for line in _traces(place, which)) for which in (0, 1))
    last_mm = zeros_mm[-1] + _snap(_reach_mm(rows[-1], -1) + 8.0, 10.0)
    texts = [f"{SPEED_MM_S:g} mm/s · {GAIN_MM_MV:g} mm/mV", _LEGEND]
    footer, _, end_mm = lay_out_footer(_WIDTH_MM, last_mm, texts, ())
    lettering = (*_titles({place.left_mm for place in places}), *(words for place in places for words in _names(place)))
    page = PaperPage((_WIDTH_MM, end_mm + 4.0), new, (*lettering, *footer), (), old)
    title = f"Usual beats of two ECGs, {len(leads)} lead{'s' if len(leads) > 1 else ''}"
    return EcgPlot(as_svg(page, title), title)


def _titles(lefts_mm: Collection[float]) -> Iterator[Lettering]:
    for left_mm in sorted(lefts_mm):
        for onset_mm, title in zip(_ONSETS_MM, _TITLES, strict=True):
            yield Lettering(left_mm + onset_mm, 6.0, title, quiet=True, anchor="middle")


def _zero_levels(rows: Sequence[Sequence[_Beats]]) -> list[float]:
    """Return the height of 0 mV of each row, in steps of the thick lines of the grid."""
    zeros_mm = [_snap(_HEAD_MM + _reach_mm(rows[0], 1), _HEAD_MM)]
    for above, row in pairwise(rows):
        needed_mm = _reach_mm(above, -1) + _reach_mm(row, 1) + _CLEARANCE_MM
        zeros_mm.append(zeros_mm[-1] + _snap(needed_mm, _LEAST_ROW_MM))
    return zeros_mm


def _snap(needed_mm: float, least_mm: float) -> float:
    return math.ceil(max(min(needed_mm, _MOST_ROW_MM), least_mm) / _STEP_MM) * _STEP_MM


def _reach_mm(row: Sequence[_Beats], side: int) -> float:
    """Return how far the beats of a row reach above (1) or below (-1) their zero level."""
    beats = [beat.mv for lead in row for beat in lead if beat is not None and np.isfinite(beat.mv).any()]
    return max((float(np.nanmax(side * mv)) * GAIN_MM_MV for mv in beats), default=0.0)


def _traces(place: _Place, which: int) -> Iterator[Floats]:
    """Yield the lines of the old (0) or new (1) beat: in its own place, and where both are."""
    beat = place.beats[which]
    if beat is None:
        return
    for onset_mm in (_ONSETS_MM[which], _ONSETS_MM[2]):
        x_mm = place.left_mm + onset_mm + TIMES_S * SPEED_MM_S
        points = np.stack([x_mm, place.zero_mm - beat.mv * GAIN_MM_MV], axis=1)
        # a single sample has no line
        yield from (points[first:end] for first, end in unbroken_runs(np.isfinite(beat.mv)) if end - first > 1)


def _names(place: _Place) -> Iterator[Lettering]:
    """Yield the name of a lead, and which of the ECGs does not show it."""
    yield Lettering(place.left_mm + _NAME_MM, place.zero_mm + 1.2, place.lead, 3.6)
    for onset_mm, beat in zip(_ONSETS_MM[:2], place.beats, strict=True):
        if beat is None:
            yield Lettering(place.left_mm + onset_mm, place.zero_mm + 1.2, "not shown", 2.6, True, "middle")
