"""What a page changes: records are drawn, degraded, digitized and measured, against what the record itself measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization import digitize_image
from ecgimg.evaluate.parallel_pages import mapped
from ecgimg.measurement import Measurements, measure, measure_record
from ecgimg.measurement.results import GLOBAL_NAMES
from ecgimg.record import EcgRecord
from synth.page_stream import PageRequest, draw_requested_page, make_page_request

ST_NAMES = ("st_j_mv", "st_j40_mv", "st_j60_mv", "st_j80_mv")


@dataclass(frozen=True, eq=False)
class PageChange:
    """One record, measured as it is and through a page.

    Parameters
    ----------
    name : str
    status : str
        Of the digitization.
    values : mapping of a name of `GLOBAL_NAMES` to (through the page, of the record)
        NaN where a number was not given.
    st_mv : tuple of (through the page, of the record)
        ST levels of every lead that both have, 60 ms after J.
    said : mapping of name to the code of the reason why the page does not give it
    """

    name: str
    status: str
    values: dict[str, tuple[float, float]]
    st_mv: tuple[tuple[float, float], ...]
    said: dict[str, str]


@dataclass(frozen=True, eq=False)
class _PageTask:
    request: PageRequest
    index: int
    name: str
    record: EcgRecord


def evaluate_through_pages(
    records: Iterable[tuple[str, EcgRecord]], *, layouts: str, degradation: str, seed: int, jobs: int = 1
) -> Iterator[PageChange]:
    """Draw, degrade, digitize and measure each record, and measure the record itself.

    Parameters
    ----------
    records : iterable of (name, record)
        Of ten seconds each.
    layouts, degradation, seed
        See `synth.page_stream.make_page_request`.
    """
    request = make_page_request(layouts, degradation, seed, masks=False)
    tasks = (_PageTask(request, index, name, record) for index, (name, record) in enumerate(records))
    yield from mapped(_measure_page, tasks, jobs)


def _measure_page(task: _PageTask) -> PageChange:
    page = draw_requested_page(task.request, task.index, (task.name, task.record))
    read = digitize_image(page.image)
    own, seen = measure_record(task.record), measure(read)
    values = {name: (_value(seen, name), _value(own, name)) for name in GLOBAL_NAMES}
    st_mv = [
        (_lead_value(seen, lead, "st_j60_mv"), _lead_value(own, lead, "st_j60_mv"))
        for lead in own.leads
        if lead in seen.leads
    ]
    said = {name: value.reason.code.value for name, value in seen.values.items() if value.reason is not None}
    return PageChange(task.name, read.status, values, tuple(pair for pair in st_mv if np.isfinite(pair).all()), said)


def _value(measured: Measurements, name: str) -> float:
    value = measured.values[name].value if name in measured.values else None
    return float("nan") if value is None else value


def _lead_value(measured: Measurements, lead: str, name: str) -> float:
    value = measured.leads[lead][name].value
    return float("nan") if value is None else value
