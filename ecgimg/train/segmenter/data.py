"""A pool of crops of synthetic pages on disk: drawn once by all processes, then read at random by the training loop."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.inference.threads import one_thread_pool
from ecgimg.record import EcgRecord
from synth.labels.masks import BITS, MAX_TRACES, Masks
from synth.page_stream import PageRequest, draw_requested_page, make_page_request
from synth.record_source import cycle_records

CROP_PX = 384
_STILL_SHARE = 0.2  # of the records: half of their leads are weakened
_CENTRED, _CENTRED_SHARES = (0, 1, 2, 4), (0.5, 0.15, 0.2, 0.15)  # classes that crops are cut around, and how often


@dataclass(frozen=True)
class Pool:
    """Crops (n, 384, 384, 3) uint8 and their classes (n, 384, 384) uint8, bit k for class k of the segmenter."""

    images: NDArray[np.uint8]
    classes: NDArray[np.uint8]


def class_bits(masks: Masks) -> NDArray[np.uint8]:
    """Pack masks into one byte a pixel: bit 0 trace, 1 label, 2 pulse, 3 grid, 4 other print."""
    packed = ((masks.bits & np.uint32((1 << MAX_TRACES) - 1)) != 0).astype(np.uint8)
    for bit, name in enumerate(("label", "pulse", "grid", "other"), start=1):
        packed |= ((masks.bits & BITS[name]) != 0).astype(np.uint8) << np.uint8(bit)
    return np.asarray(packed, np.uint8)


def draw_pool(
    folder: Path, records: Path | None, *, pages: int, crops_per_page: int = 12, seed: int = 0, jobs: int = 2
) -> Pool:
    """Draw the pool into `folder`, or open the one that is there if it was asked for alike.

    Every other page shows a record of `records`, the others a simulated heart.
    """
    asked = {"pages": pages, "crops": crops_per_page, "seed": seed, "records": str(records), "crop": CROP_PX}
    claim = folder / "pool.json"
    if not (claim.is_file() and json.loads(claim.read_text(encoding="utf-8")) == asked):
        _make_files(folder, pages * crops_per_page)
        request = make_page_request("all", "mixed", seed, masks=True)
        with one_thread_pool(jobs) as workers:
            parts = [
                workers.submit(_draw_part, folder, request, records, (k, pages, jobs), crops_per_page)
                for k in range(jobs)
            ]
            for part in parts:
                part.result()
        # last: a pool that was not drawn to its end is drawn again
        with atomic_path(claim) as temporary:
            temporary.write_text(json.dumps(asked), encoding="utf-8")
    return Pool(np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "classes.npy", mmap_mode="r"))


def _make_files(folder: Path, crops: int) -> None:
    """Make the empty files of a pool.

    They are on disk and not in memory: 500 pages are 2.6 GB of crops, and all processes write their own part of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in (("images", (CROP_PX, CROP_PX, 3)), ("classes", (CROP_PX, CROP_PX))):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (crops, *shape)).flush()


def _draw_part(
    folder: Path, request: PageRequest, records: Path | None, part: tuple[int, int, int], crops: int
) -> None:
    """Draw every so many pages of the pool, and write their crops into its files."""
    from layouts import load_layout

    images = np.lib.format.open_memmap(folder / "images.npy", "r+")
    classes = np.lib.format.open_memmap(folder / "classes.npy", "r+")
    layouts = [load_layout(name) for name in request.layouts]
    stream = islice(cycle_records(records, layouts), part[0], None, part[2])
    for index in range(*part):
        item = next(stream) if records is not None and index % 4 < 2 else None
        rng = np.random.default_rng([request.seed, index, 1])
        page = draw_requested_page(request, index, _stilled(item, rng) if item is not None else None)
        packed = class_bits(page.masks or Masks(np.zeros((1, 1), np.uint32)))
        window = slice(index * crops, (index + 1) * crops)
        images[window], classes[window] = _crops(page.image, packed, crops, rng)


def _stilled(item: tuple[str, EcgRecord], rng: np.random.Generator) -> tuple[str, EcgRecord]:
    """Weaken half of the leads of some records: still leads look like rules of the form, and are rare."""
    if rng.random() >= _STILL_SHARE:
        return item
    name, record = item
    shares = np.where(rng.random(len(record.leads)) < 0.5, rng.uniform(0.05, 0.4, len(record.leads)), 1.0)
    return name, replace(record, signals=record.signals * shares[:, np.newaxis])


def _crops(
    image: NDArray[np.uint8], classes: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut crops, most of them around ink that is rarer than the ruling, and the rare kinds as often as the trace."""
    pad = [max(0, CROP_PX - size) for size in image.shape[:2]]
    if any(pad):
        image = cv2.copyMakeBorder(image, 0, pad[0], 0, pad[1], cv2.BORDER_REPLICATE)
        classes = np.pad(classes, ((0, pad[0]), (0, pad[1])))
    kinds = [np.nonzero(classes & np.uint8(1 << bit)) for bit in _CENTRED]
    images = np.empty((count, CROP_PX, CROP_PX, 3), np.uint8)
    labels = np.empty((count, CROP_PX, CROP_PX), np.uint8)
    for number in range(count):
        rows, columns = kinds[int(rng.choice(len(_CENTRED), p=_CENTRED_SHARES))]
        # one crop in six lies anywhere, so that empty paper and margins are learned too
        if len(rows) and number % 6:
            centre = int(rng.integers(len(rows)))
            row, column = int(rows[centre]), int(columns[centre])
        else:
            row, column = int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))
        window = (_crop_span(row, image.shape[0], rng), _crop_span(column, image.shape[1], rng))
        images[number], labels[number] = image[window], classes[window]
    return images, labels


def _crop_span(centre: int, length: int, rng: np.random.Generator) -> slice:
    """Draw the rows or columns of a crop around a place, moved into the picture where it would reach beyond it."""
    first = centre + int(rng.integers(-CROP_PX // 2, CROP_PX // 2)) - CROP_PX // 2
    first = min(max(first, 0), length - CROP_PX)
    return slice(first, first + CROP_PX)
