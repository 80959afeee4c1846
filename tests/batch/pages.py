"""Small pages for archives, and the task that most tests give."""

from __future__ import annotations

import cv2
from PIL import Image

import synth
from ecgimg.batch import Task

LIGHT = Task(overlay=False)


def small_pages(n: int) -> list[Image.Image]:
    """Return small legible pages, no two alike."""
    pages = []
    for page in synth.pages(n=n, layouts="3x4,6x2,12x1", degradation="none", seed=11):
        scale = 900 / page.image.shape[1]
        pages.append(Image.fromarray(cv2.resize(page.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)))
    return pages


def page_ids(table: object) -> list[str]:
    return table.column("page_id").to_pylist()
