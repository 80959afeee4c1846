"""What pools of pieces of synthetic pages share: drawn once, in parts, by processes of one thread each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecgimg._atomic_files import atomic_path
from ecgimg.inference.threads import one_thread_pool
from layouts import load_layout
from synth.page import Page
from synth.page_stream import PageRequest, draw_requested_page, make_page_request
from synth.record_source import cycle_records

Piece = TypeVar("Piece")
DrawPart = Callable[[PageRequest, Path | None, range, int], list[Piece]]
"""Draws some pages of a request, over records where there are any, and so many pieces printed alone for each."""

_PART = 10  # pages a process draws at a time: enough to be worth the handing over, few enough to share the load


def draw_once(
    folder: Path, records: Path | None, draw_part: DrawPart[Piece], pack: Callable[[list[Piece]], Mapping[str, Any]],
    *, pages: int, prints_per_page: int, seed: int, jobs: int,
) -> Path:  # fmt: skip
    """Return the ``pool.npz`` of `folder`, drawn now unless the one that is there was asked for alike."""
    asked = {"pages": pages, "prints": prints_per_page, "seed": seed, "records": str(records)}
    claim, arrays = folder / "pool.json", folder / "pool.npz"
    if not (claim.is_file() and json.loads(claim.read_text(encoding="utf-8")) == asked):
        folder.mkdir(parents=True, exist_ok=True)
        request = make_page_request("all", "mixed", seed, masks=False)
        parts = [range(start, min(start + _PART, pages)) for start in range(0, pages, _PART)]
        with one_thread_pool(jobs) as workers:
            futures = [workers.submit(draw_part, request, records, part, prints_per_page) for part in parts]
            drawn = [piece for future in futures for piece in future.result()]
        with atomic_path(arrays) as temporary, temporary.open("wb") as file:
            np.savez(file, **pack(drawn))
        with atomic_path(claim) as temporary:
            temporary.write_text(json.dumps(asked), encoding="utf-8")
    return arrays


def draw_pages(request: PageRequest, records: Path | None, pages: range) -> Iterator[tuple[int, Page]]:
    """Yield pages and their numbers; every other one shows a record, the others a simulated heart."""
    stream = cycle_records(records, [load_layout(name) for name in request.layouts])
    # each part goes on in the stream of records where the part before ends
    for _ in range(pages[0] // 2 if records is not None else 0):
        next(stream)
    for index in pages:
        item = next(stream) if records is not None and index % 2 == 0 else None
        yield index, draw_requested_page(request, index, item)
