"""Pages without grid, header or damage, and a record with a step in every lead."""

from __future__ import annotations

import numpy as np

from ecgimg import EcgRecord
from layouts import load_layout
from synth import PageSpec, make_page
from synth.degradation import Degradation
from synth.page_map import flat_map
from synth.page_spec import GridStyle

NO_GRID = GridStyle(style="none")


def plain(layout: str = "3x4+II", **settings) -> PageSpec:
    return PageSpec(layout=load_layout(layout), **{"grid": NO_GRID, "header": False, "print_scale": False, **settings})


def clean(spec: PageSpec, record: EcgRecord, masks: bool = False):
    degradation = Degradation(kind="none", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px)
    return make_page(spec, degradation, record, np.random.SeedSequence(1), masks=masks)


def step_record() -> EcgRecord:
    """0 mV, and 1 mV from 0.4 s on in every lead."""
    signals = np.zeros((12, 5000), np.float32)
    signals[:, 200:] = 1.0
    return EcgRecord(signals, 500.0)
