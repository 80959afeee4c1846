"""Draw the pictures of the documentation from the code as it is: ``python docs/figures.py``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

import ecgimg
import synth
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.formats.pages import open_pages
from ecgimg.reporting.evidence_figure import draw_on_page
from layouts import as_image, load_layout

IMAGES = Path(__file__).parent / "images"
SAMPLE = Path(str(files("ecgimg") / "samples" / "photo.jpg"))
_LEAD_PITCH_MV = 2.0
_TILE = 1.4


def digitizing() -> None:
    """The sample photo, what was found on it, and the leads."""
    photo = next(open_pages(SAMPLE)).image
    page = ecgimg.digitize(SAMPLE)
    assert page.record is not None
    figure, axes = plt.subplots(1, 3, figsize=(15, 3.7), width_ratios=(1.53, 1.53, 1.2), layout="constrained")
    for axis, picture, title in zip(
        axes, (photo, draw_overlay(photo, page)), ("the photo", "what was found on it"), strict=False
    ):
        axis.imshow(picture, interpolation="lanczos")
        axis.set_title(title, fontsize=11)
        axis.axis("off")
    _draw_leads(axes[2], page.record)
    _save(figure, "digitizing.jpg")


def _draw_leads(axis: Axes, record: ecgimg.EcgRecord) -> None:
    t_s = np.arange(record.n_samples) / record.fs_hz
    for row, lead in enumerate(record.leads):
        axis.plot(t_s, record.lead(lead) - row * _LEAD_PITCH_MV, lw=0.8, color="#8c1d40")
        axis.text(-0.15, -row * _LEAD_PITCH_MV, lead, ha="right", va="center", fontsize=8)
    axis.set_title("the leads read from it, 10 s", fontsize=11)
    axis.set_xlim(-0.9, record.duration_s)
    axis.spines[["left", "top", "right"]].set_visible(False)
    axis.set_yticks([])
    axis.tick_params(labelsize=8)


def evidence() -> None:
    """What the first finding of the sample photo rests on."""
    page = ecgimg.digitize(SAMPLE)
    findings = ecgimg.classify(page, explain=True)
    picture = draw_on_page(next(open_pages(SAMPLE)).image, findings, next(iter(findings.evidence)))
    figure, axis = plt.subplots(figsize=(9, 9 * picture.shape[0] / picture.shape[1]))
    axis.imshow(picture, interpolation="lanczos")
    axis.axis("off")
    figure.subplots_adjust(0, 0, 1, 1)
    _save(figure, "evidence.jpg")


def layout() -> None:
    """One layout as `ecgimg layouts show` draws it."""
    as_image(load_layout("3x4+II")).save(IMAGES / "layout.png", optimize=True)


def synthetic_pages() -> None:
    """Twenty-four pages of `ecgimg synth -n 24 --seed 2026`."""
    figure, axes = plt.subplots(4, 6, figsize=(18, 8.56))
    for axis, page in zip(axes.flat, synth.pages(n=axes.size, seed=2026), strict=True):
        axis.imshow(_middle(page.image), interpolation="antialiased")
        axis.axis("off")
    figure.subplots_adjust(0.003, 0.003, 0.997, 0.997, 0.02, 0.02)
    _save(figure, "synthetic-pages.jpg")


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a picture to the sides of a tile."""
    height, width = image.shape[:2]
    wide, high = min(width, round(height * _TILE)), min(height, round(width / _TILE))
    left, top = (width - wide) // 2, (height - high) // 2
    return image[top : top + high, left : left + wide]


def _save(figure: plt.Figure, name: str) -> None:
    figure.savefig(IMAGES / name, dpi=100, pil_kwargs={"quality": 82, "optimize": True}, facecolor="white")
    plt.close(figure)


if __name__ == "__main__":
    for draw in (digitizing, evidence, layout, synthetic_pages):
        draw()
