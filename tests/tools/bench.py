"""`make bench`: what a page costs, in CPU seconds of one thread, and the peak memory of drawing it.

Pages of 2200×1700 pixels in the layout 3x4+II with all truth, masks included; median of 20 after one that warms up.
Writing the files is timed apart, since training does not write.
"""

from __future__ import annotations

import dataclasses
import resource
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from layouts import load_layout
from synth import HeartSpec, make_page, make_random_degradation, make_random_page_spec, simulate
from synth.degradation import Degradation, Kind
from synth.page_spec import PAPER_MM, PageSpec

SIZE_PX = (2200, 1700)
PAGES = 20


def spec_and_degradation(kind: Kind, index: int) -> tuple[PageSpec, Degradation]:
    """A random letter page whose picture has about the pixels that are measured."""
    rng = np.random.default_rng([20, index])
    while True:
        spec = make_random_page_spec(load_layout("3x4+II"), rng, kind)
        if spec.size_mm != PAPER_MM["letter-landscape"]:
            continue
        spec = dataclasses.replace(spec, px_per_mm=SIZE_PX[0] / spec.size_mm[0])
        degradation = make_random_degradation(spec, kind, rng)
        pixels = degradation.size_px[0] * degradation.size_px[1]
        if 0.95 < pixels / (SIZE_PX[0] * SIZE_PX[1]) < 1.15:
            return spec, degradation


def main() -> None:
    """Print one line for each kind of page."""
    cv2.setNumThreads(1)
    record = simulate(HeartSpec(), np.random.default_rng(0)).record
    print(f"{'page':8} {'CPU s':>7} {'min':>6} {'max':>6} {'write s':>8} {'truth kB':>9}")
    for kind in ("none", "scan", "photo", "screen", "aged"):
        seconds, writing, sizes = [], [], []
        for index in range(PAGES + 1):
            spec, degradation = spec_and_degradation(kind, index)
            start = time.process_time()
            page = make_page(spec, degradation, record, np.random.SeedSequence(index), masks=True)
            seconds.append(time.process_time() - start)
            numbers, text = page.truth.packed()
            sizes.append((len(numbers) + len(text)) / 1000)
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                dataclasses.replace(page, masks=None).save(Path(folder) / "page")
                writing.append(time.process_time() - start)
        median = statistics.median(seconds[1:])
        print(
            f"{kind:8} {median:7.3f} {min(seconds[1:]):6.3f} {max(seconds[1:]):6.3f} "
            f"{statistics.median(writing[1:]):8.3f} {max(sizes):9.0f}"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
