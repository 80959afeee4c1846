"""Records as a layout shows them: by mask, or drawn as a page, degraded and digitized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.labelled_records import LabelledRecords, network_rate_leads
from ecgimg.classification.measured_inputs import MeasuredInputs, join_measured, measure_signals
from ecgimg.classification.tokens import CANVAS, FS_HZ
from ecgimg.digitization import Digitization, digitize_image
from ecgimg.errors import BadRequest
from ecgimg.evaluate.parallel_pages import mapped
from ecgimg.leads import STANDARD_LEADS
from ecgimg.record import EcgRecord
from layouts import Layout, load_layouts, visible_window
from synth.page_stream import draw_requested_page, make_page_request

Signals = NDArray[np.float32]

_MEASURED_TOGETHER = 32  # in one process


def iter_shown(
    data: LabelledRecords,
    layouts: str,
    *,
    via: str = "mask",
    degradation: str = "photo",
    seed: int = 0,
    jobs: int = 1,
) -> Iterator[tuple[str, Signals]]:
    """Yield for each layout its name, and (records, 12, samples) mV with NaN where it does not show them.

    Parameters
    ----------
    layouts : str
        Names or files separated by commas, or ``all``; among the names may be ``random``, another layout for each
        record.
    via : {"mask", "page"}
        Hide what the layout does not show; or draw the page, degrade it, and digitize it. A page that is refused shows
        nothing.

    Raises
    ------
    BadRequest
    """
    check_via(via)
    for name, chosen in _layouts_by_name(layouts, len(data), seed):
        if via == "mask":
            yield name, np.where(_masks(chosen), data.signals_mv, np.float32(np.nan))
        else:
            yield name, _drawn_and_digitized(data, chosen, degradation, seed, jobs)


def check_via(via: str) -> None:
    """Refuse a way to show records that is neither by mask nor through a page (`BadRequest`)."""
    if via not in ("mask", "page"):
        raise BadRequest(f"records are shown via mask or page, not {via!r}")


def layout_masks(name: str, n: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return (n, 12, samples) True where a layout, or ``random``, shows each of `n` records."""
    return _masks(next(_layouts_by_name(name, n, seed))[1])


def _layouts_by_name(layouts: str, n: int, seed: int) -> Iterator[tuple[str, list[Layout]]]:
    """Yield (name, the layout of each record)."""
    names = [name.strip() for name in layouts.split(",") if name.strip()]
    known = {
        layout.name: layout for layout in load_layouts(",".join(name for name in names if name != "random") or "all")
    }
    order = [*known] if names == ["all"] else [name if name == "random" else None for name in names]
    listed = iter(known)
    for name in order:
        if name == "random":
            drawn = load_layouts("all")
            # A stream of its own: the layouts do not depend on how pages or intervals are drawn.
            rng = np.random.default_rng([seed, 1])
            yield name, [drawn[int(rng.integers(len(drawn)))] for _ in range(n)]
        else:
            own = name or next(listed)
            yield own, [known[own]] * n


def _masks(chosen: Sequence[Layout]) -> NDArray[np.bool_]:
    of_layout = {layout.name: visible_window(layout, STANDARD_LEADS, FS_HZ, CANVAS)[:, :CANVAS] for layout in chosen}
    return np.stack([of_layout[layout.name] for layout in chosen])


def _drawn_and_digitized(
    data: LabelledRecords, chosen: Sequence[Layout], degradation: str, seed: int, jobs: int
) -> Signals:
    names = [layout.name for layout in chosen]
    tasks = zip(range(len(data)), data.signals_mv, names, strict=True)
    return np.stack(list(mapped(partial(_read_page, degradation=degradation, seed=seed), tasks, jobs)))


def _read_page(task: tuple[int, Signals, str], degradation: str, seed: int) -> Signals:
    """Draw, degrade and digitize one record; NaN everywhere where the page was refused."""
    index, signals_mv, layout = task
    digitization = draw_and_digitize(index, EcgRecord(signals_mv, FS_HZ), layout, degradation, seed)
    read = np.full(signals_mv.shape, np.nan, np.float32)
    if digitization.record is not None:
        values = network_rate_leads(digitization.record)[:, : signals_mv.shape[-1]]
        read[:, : values.shape[-1]] = values
    return read


def draw_and_digitize(index: int, record: EcgRecord, layout: str, degradation: str, seed: int) -> Digitization:
    """Draw record `index` as a page of a layout, degrade the page, and digitize it."""
    request = make_page_request(layout, degradation, seed, masks=False)
    return digitize_image(draw_requested_page(request, index, (str(index), record)).image)


def measure_in_processes(signals_mv: Signals, jobs: int) -> MeasuredInputs:
    """Measure records (records, 12, samples) mV at 100 Hz, NaN where nothing is known."""
    parts = (signals_mv[start : start + _MEASURED_TOGETHER] for start in range(0, len(signals_mv), _MEASURED_TOGETHER))
    return join_measured(list(mapped(measure_signals, parts, jobs)))
