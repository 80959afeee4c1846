"""An endless iterator of random pages: it feeds training, measuring and `synth.page_folder`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg._version import __version__
from ecgimg.errors import BadRequest
from ecgimg.record import EcgRecord
from layouts import Layout, load_layout, load_layouts
from synth.page import Page, make_page
from synth.random_degradation import check_kind, choose_kind, drop_unreadable_chest_gain, make_random_degradation
from synth.random_page_spec import make_random_page_spec
from synth.record_source import Records, cycle_records, drawable_layouts, prepare_record

RecordItem = tuple[str, EcgRecord] | None
"""The id and the record to draw, or None for a simulated heart."""


@dataclass(frozen=True)
class PageRequest:
    """What pages are wanted: layouts by name or file, kind of degradation, seed, and whether masks are drawn.

    It holds names rather than layouts, so that it is small to pickle and its text identifies a run.
    """

    layouts: tuple[str, ...]
    degradation: str = "mixed"
    seed: int = 0
    masks: bool = False

    def load_layouts(self) -> list[Layout]:
        """Load the layouts that pages are drawn in."""
        return [load_layout(name) for name in self.layouts]


def pages(
    records: Records = None,
    *,
    n: int | None = None,
    layouts: str | Sequence[str] = "all",
    degradation: str = "mixed",
    seed: int = 0,
    masks: bool = False,
) -> Iterator[Page]:
    """Yield synthetic pages, without touching the disk.

    Page `k` depends on `seed`, `k`, the layouts and its record alone, so any process that draws it gets the same
    bytes, with the same versions of numpy, OpenCV, Pillow and aggdraw (another build may round differently).

    Parameters
    ----------
    records : path, iterable of (id, EcgRecord), or None
        Taken in turn, and from the start again; None draws a simulated heart for each page.
    n : int, optional
        How many; without end by default.
    layouts : str or sequence of str
        Names or files, a list or separated by commas; ``"all"`` for every layout of the package.
    degradation : {"none", "scan", "photo", "screen", "aged", "mixed"}
    seed : int
    masks : bool
        Whether `Page.masks` is filled.

    Yields
    ------
    Page

    Raises
    ------
    UnknownLayout
        For a layout that there is not, or a layout file that is wrong.
    BadRequest
        For another kind of degradation, a negative seed or no layout.
    BadRecord
        When the iteration comes to a record that cannot be read, or when no layout can be drawn from it.
    """
    request = make_page_request(layouts, degradation, seed, masks)
    for index, item in enumerate(cycle_records(records, request.load_layouts())):
        if n is not None and index >= n:
            return
        yield draw_requested_page(request, index, item)


def make_page_request(layouts: str | Sequence[str], degradation: str, seed: int, masks: bool) -> PageRequest:
    """Check what is wanted before any work (`UnknownLayout`, `BadRequest`)."""
    chosen = load_layouts(layouts) if isinstance(layouts, str) else tuple(load_layout(name) for name in layouts)
    if not chosen:
        raise BadRequest("no layout is given; name at least one, or use all")
    if seed < 0:
        raise BadRequest(f"the seed must not be negative, got {seed}")
    # A user's own file is kept as its path: its name may not be known to the process that draws the page.
    given = layouts.split(",") if isinstance(layouts, str) else layouts
    files = [name.strip() for name in given if str(name).strip().lower().endswith((".yaml", ".yml"))]
    names = [layout.name for layout in chosen if not any(load_layout(file).name == layout.name for file in files)]
    return PageRequest((*names, *files), check_kind(degradation), seed, masks)


def draw_requested_page(request: PageRequest, index: int, item: RecordItem) -> Page:
    """Draw page `index` of a request from a record (None: from the simulated heart)."""
    # Page, heart and drawing have seeds of their own, so that a change of what one of them draws leaves the others.
    sequence = np.random.SeedSequence(request.seed, spawn_key=(index,))
    spec_seed, heart_seed, page_seed = sequence.spawn(3)
    rng = np.random.default_rng(spec_seed)
    layout = _choose_layout(request, item, rng)
    kind = choose_kind(check_kind(request.degradation), rng)
    spec = make_random_page_spec(layout, rng, kind)
    degradation = make_random_degradation(spec, kind, rng)
    spec = drop_unreadable_chest_gain(spec, degradation)
    # The spec's layout may show fewer seconds per column than the one that was chosen.
    source = prepare_record(item, spec.layout, np.random.default_rng(heart_seed))
    parameters = {"seed": request.seed, "index": index, "version": __version__, "record": source.origin}
    return make_page(
        spec, degradation, source.record, page_seed, labels=source.labels, parameters=parameters, masks=request.masks
    )


def _choose_layout(request: PageRequest, item: RecordItem, rng: np.random.Generator) -> Layout:
    layouts = request.load_layouts()
    if item is not None:
        layouts = drawable_layouts(item[1], layouts)
    return layouts[int(rng.integers(len(layouts)))]
