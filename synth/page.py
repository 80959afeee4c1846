"""Make one page: draw it, degrade it, and write down what is true of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import BadRecord
from ecgimg.record import EcgRecord
from synth.degradation import Degradation, DegradedPage, degrade_page
from synth.labels.masks import Masks
from synth.labels.truth import PageTruth, TextTruth, TraceTruth
from synth.page_drawing import DrawnPage, DrawnTrace, PrintedText, draw_page
from synth.page_map import PageMap
from synth.page_spec import PageSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Page:
    """A synthetic page.

    Parameters
    ----------
    image : (height, width, 3) uint8
        The picture, RGB.
    truth : PageTruth
    masks : Masks or None
        Where they were asked for.
    encoded : bytes or None
        The JPEG that `image` was decoded from; None where the page is written as PNG.
    """

    image: NDArray[np.uint8]
    truth: PageTruth
    masks: Masks | None
    encoded: bytes | None

    def save(self, stem: Path) -> Path:
        """Write the picture, the truth and the masks beside each other.

        Parameters
        ----------
        stem : Path
            Folder and name without suffix.

        Returns
        -------
        Path
            The picture, ``STEM.png`` or ``STEM.jpg``.
        """
        suffix = ".png" if self.encoded is None else ".jpg"
        target = stem.parent / f"{stem.name}{suffix}"
        content = _encode_png(self.image) if self.encoded is None else self.encoded
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
        if self.masks is not None:
            self.masks.save(stem.parent / f"{stem.name}.masks.npz")
        self.truth.save(stem)
        return target


def make_page(
    spec: PageSpec,
    degradation: Degradation,
    record: EcgRecord,
    seed: np.random.SeedSequence,
    *,
    labels: tuple[str, ...] = (),
    parameters: Mapping[str, Any] | None = None,
    masks: bool = False,
) -> Page:
    """Draw `record` as `spec` says, put it through `degradation`, and return picture and truth.

    Parameters
    ----------
    spec : PageSpec
    degradation : Degradation
    record : EcgRecord
        With every lead of the layout; cut or extended (NaN) to the seconds that the layout stands for.
    seed : numpy.random.SeedSequence
        Of the printed text and of noise.
    labels : tuple of str
        Statements that the truth carries.
    parameters : mapping, optional
        What the truth carries besides.
    masks : bool
        Whether `Page.masks` is filled.

    Returns
    -------
    Page

    Raises
    ------
    BadRecord
        When the record lacks a lead of the layout, or has no value in the seconds to be drawn.
    BadRequest
        When the traces do not fit on the paper.
    """
    canvas = fit_canvas(record, spec)
    # Seeds of their own: another header does not change the degradation.
    header_seed, degradation_seed = seed.spawn(2)
    drawn = draw_page(spec, canvas, np.random.default_rng(header_seed))
    degraded = degrade_page(drawn, degradation, degradation_seed, masks=masks)
    truth = _make_truth(drawn, canvas, degradation, degraded, labels, parameters or {})
    return Page(degraded.image, truth, degraded.masks, degraded.encoded)


def fit_canvas(record: EcgRecord, spec: PageSpec) -> EcgRecord:
    """Cut or extend (with NaN) a record to the seconds the layout stands for."""
    layout = spec.layout
    lacking = [name for name in layout.record_leads if name not in record.leads]
    if lacking:
        raise BadRecord(
            f"the record has no lead {', '.join(lacking)}, which the layout {layout.name} prints; it has "
            f"{', '.join(record.leads)}"
        )
    samples = round(layout.duration_s * record.fs_hz)
    signals = np.full((len(record.leads), samples), np.nan, np.float32)
    n_common = min(samples, record.n_samples)
    signals[:, :n_common] = record.signals[:, :n_common]
    canvas = EcgRecord(signals, record.fs_hz, record.leads)
    if not canvas.known.any():
        raise BadRecord("the record has no value at all (all NaN): there is nothing to draw")
    return canvas


def _make_truth(
    drawn: DrawnPage,
    record: EcgRecord,
    degradation: Degradation,
    degraded: DegradedPage,
    labels: tuple[str, ...],
    parameters: Mapping[str, Any],
) -> PageTruth:
    spec, to_image = drawn.spec, degradation.page_map
    width, height = spec.size_mm
    page_parameters = {key: value for key, value in asdict(spec).items() if key != "layout"}
    return PageTruth(
        record=record,
        layout=spec.layout,
        speed_mm_s=spec.speed_mm_s,
        gain_mm_mv=spec.gain_mm_mv,
        chest_gain_mm_mv=spec.chest_gain_mm_mv or spec.gain_mm_mv,
        size_px=degradation.size_px,
        traces=tuple(_trace_truth(trace, spec.size_mm, to_image, degradation, degraded) for trace in drawn.traces),
        texts=tuple(_text_truth(text, to_image) for text in drawn.texts),
        pulses_px=tuple(to_image.page_to_image(pulse) for pulse in drawn.geometry.pulses),
        corners_px=to_image.page_to_image(_corners((0.0, 0.0, width, height))),
        grid_px=_grid_truth(spec, to_image),
        page_map=to_image,
        labels=labels,
        parameters={"page": page_parameters, "damage": _degradation_parameters(degradation), **parameters},
    )


def _degradation_parameters(degradation: Degradation) -> dict[str, Any]:
    return {key: value for key, value in asdict(degradation).items() if key not in {"page_map", "size_px"}}


def _corners(box: tuple[float, float, float, float]) -> Floats:
    left, top, right, bottom = box
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _trace_truth(
    trace: DrawnTrace,
    paper_mm: tuple[float, float],
    to_image: PageMap,
    degradation: Degradation,
    degraded: DegradedPage,
) -> TraceTruth:
    drawn = np.asarray(np.isfinite(trace.points_mm).all(axis=1))
    points = np.full(trace.points_mm.shape, np.nan)
    points[drawn] = to_image.page_to_image(trace.points_mm[drawn])
    width, height = degradation.size_px
    # Samples off the page or not drawn go to pixel -1, which counts as outside.
    nearest = np.rint(np.where(drawn[:, None], points, -1)).astype(np.int64)
    inside = (nearest >= 0).all(axis=1) & (nearest[:, 0] < width) & (nearest[:, 1] < height)
    # A tall QRS may leave the sheet though the picture goes on beyond it.
    on_paper = np.all((trace.points_mm >= 0) & (trace.points_mm <= np.array(paper_mm)), axis=1)
    hidden = np.asarray(~(inside & drawn & on_paper))
    if degraded.lost is not None:
        hidden[inside] |= degraded.lost[nearest[inside, 1], nearest[inside, 0]]
    box = to_image.page_to_image(_corners(trace.cell.box_mm))
    return TraceTruth(trace.cell.slot, trace.first_sample, points, hidden, box)


def _text_truth(text: PrintedText, to_image: PageMap) -> TextTruth:
    # a box runs along the outer edges of its pixels, which on a map of pixel centres is where its millimetres are
    return TextTruth(text.kind, text.text, to_image.page_to_image(_corners(text.box_mm)), text.cell_index)


def _grid_truth(spec: PageSpec, to_image: PageMap) -> Floats:
    if spec.grid.style == "none":
        return np.zeros((0, 0, 2))
    left, top, right, bottom = (0.0, 0.0, *spec.size_mm) if spec.grid.whole_page else spec.plot_mm
    origin_x, origin_y = spec.plot_mm[:2]
    # The grid is counted from the corner of the plot, so lines are extended from there to the edges.
    xs = np.arange(origin_x - 5 * np.floor((origin_x - left) / 5), right + 1e-6, 5)
    ys = np.arange(origin_y - 5 * np.floor((origin_y - top) / 5), bottom + 1e-6, 5)
    return to_image.page_to_image(np.stack(np.meshgrid(xs, ys), axis=-1))


def _encode_png(image: NDArray[np.uint8]) -> bytes:
    done, packed = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise RuntimeError("OpenCV could not write a PNG")
    return packed.tobytes()
