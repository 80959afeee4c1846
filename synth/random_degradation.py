"""Draw a plausible chain of degradation at random: how a page is scanned, photographed, shown or aged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRequest
from synth.degradation import KINDS, Ageing, Copier, Degradation, Kind, Light, Screen, Sensor
from synth.page_map import BendProfile, PageMap, affine_map, flat_map, quarter_turn
from synth.page_spec import Colour, PageSpec
from synth.random_page_spec import weighted_choice

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]

# Shares of the kinds that "mixed" draws.
_KIND_WEIGHTS: dict[Kind, float] = {"none": 0.12, "scan": 0.25, "photo": 0.38, "screen": 0.08, "aged": 0.17}
# No picture is smaller than this, however narrow the crop.
_MIN_PX = 64
# Where the footer prints the scale: its length, and its height above the lower edge of the page.
_SCALE_TEXT_MM, _SCALE_TEXT_UP_MM = 80.0, (3.0, 8.0)


def check_kind(kind: str) -> Kind:
    """Return `kind` if it is a kind of degradation, or raise `BadRequest` with those there are."""
    if kind not in KINDS:
        raise BadRequest(f"there is no degradation {kind!r}; choose one of {', '.join(KINDS)}")
    return kind


def choose_kind(kind: Kind, rng: np.random.Generator) -> Kind:
    """Resolve ``"mixed"`` to one of the others; any other kind stays."""
    return weighted_choice(rng, _KIND_WEIGHTS) if kind == "mixed" else kind


def make_random_degradation(spec: PageSpec, kind: Kind, rng: np.random.Generator) -> Degradation:
    """Draw a chain of degradation of one kind for a page.

    Parameters
    ----------
    spec : PageSpec
        The page, whose size and resolution the chain fits.
    kind : {"none", "scan", "photo", "screen", "aged", "mixed"}
        ``"mixed"`` draws the kind first.
    rng : numpy.random.Generator

    Returns
    -------
    Degradation
    """
    kind = choose_kind(kind, rng)
    if kind == "none":
        return Degradation(kind=kind, page_map=flat_map(spec.px_per_mm), size_px=spec.size_px)
    if kind == "scan":
        return _random_scan(spec, rng)
    if kind == "photo":
        return _random_photo(spec, rng)
    if kind == "screen":
        return _random_photo_of_screen(spec, rng)
    # Aged paper reaches a computer by a scanner or by a camera.
    worn = _random_photo(spec, rng) if rng.random() < 0.45 else _random_scan(spec, rng)
    return replace(worn, kind="aged", ageing=_random_ageing(rng))


def drop_unreadable_chest_gain(spec: PageSpec, degradation: Degradation) -> PageSpec:
    """Return the page with one gain for all leads where the picture cuts off the line that says otherwise."""
    left, bottom = spec.plot_mm[0], spec.size_mm[1]
    line = np.array([(x, bottom - y) for x in (left, left + _SCALE_TEXT_MM) for y in _SCALE_TEXT_UP_MM])
    line_px = degradation.page_map.page_to_image(line)
    is_visible = bool(((line_px >= 0) & (line_px < degradation.size_px)).all())
    return spec if is_visible else replace(spec, chest_gain_mm_mv=None)


# ---------------------------------------------------------------- paper


def _random_ageing(rng: np.random.Generator) -> Ageing:
    return Ageing(
        yellowing=float(rng.uniform(0, 0.9)) if rng.random() < 0.6 else 0.0,
        fading=float(rng.uniform(0.1, 0.55)) if rng.random() < 0.35 else 0.0,
        stains=int(rng.integers(1, 4)) if rng.random() < 0.35 else 0,
        mould=int(rng.integers(1, 3)) if rng.random() < 0.25 else 0,
        pen_marks=int(rng.integers(0, 4)),
        notes=int(rng.integers(0, 3)),
        torn_corners=int(rng.integers(1, 3)) if rng.random() < 0.3 else 0,
        fibre=float(rng.uniform(0, 1)),
    )


# ---------------------------------------------------------------- scan


def _random_scan(spec: PageSpec, rng: np.random.Generator) -> Degradation:
    # Most sheets lie nearly straight against the edge of the glass; one in twenty does not.
    skew = np.deg2rad(rng.normal(0, 0.7) if rng.random() < 0.95 else rng.uniform(-5, 5))
    # Feed rollers and optics differ between the axes by some tenths of a per cent.
    stretch = 1 + rng.normal(0, 0.002, size=2)
    scale = spec.px_per_mm
    rotation = np.array([[np.cos(skew), -np.sin(skew)], [np.sin(skew), np.cos(skew)]])
    linear = scale * rotation @ np.diag(stretch)
    # The lid shows around the sheet, or the edge of the sheet is cut off.
    lid = float(rng.uniform(-3, 5))
    flat = affine_map(np.concatenate([linear, np.zeros((2, 1))], axis=1))
    page_map, size = _crop_to_view(
        flat, (-lid, -lid, spec.size_mm[0] + lid, spec.size_mm[1] + lid), rng, turn_probability=0.06
    )
    binary = weighted_choice(rng, {"none": 0.8, "threshold": 0.12, "halftone": 0.03, "diffusion": 0.05})
    return Degradation(
        kind="scan",
        page_map=page_map,
        size_px=size,
        backdrop=weighted_choice(rng, {(252, 252, 252): 0.5, (215, 215, 212): 0.2, (18, 18, 18): 0.3}),
        sensor=Sensor(
            defocus_px=float(rng.uniform(0.3, 0.9)),
            noise=float(rng.uniform(0.5, 3.0)),
            gamma=float(rng.uniform(0.85, 1.2)),
            sharpen=float(rng.uniform(0, 0.5)),
        ),
        copier=Copier(
            contrast=float(rng.uniform(0.85, 1.5)),
            grey=bool(rng.random() < 0.4),
            toner=float(rng.uniform(0, 1)) if rng.random() < 0.25 else 0.0,
            streaks=int(rng.integers(1, 5)) if rng.random() < 0.1 else 0,
            binary=cast(Any, binary),
            level=float(rng.uniform(0.42, 0.68)),
        ),
        jpeg_quality=int(rng.integers(45, 96)) if rng.random() < 0.6 else None,
    )


# ---------------------------------------------------------------- camera


def _random_photo(spec: PageSpec, rng: np.random.Generator) -> Degradation:
    severity = float(rng.beta(2, 3))
    camera = _random_camera(spec, rng, tilt_deg=4 + 22 * severity)
    bent = replace(
        camera,
        bend_deg=float(rng.uniform(-90, 90)) if rng.random() < 0.5 else float(rng.choice([0.0, 90.0])),
        along=_random_bend(rng, severity, folds=int(rng.integers(0, 3))),
        across=_random_bend(rng, 0.4 * severity, folds=int(rng.integers(0, 2))),
    )
    page_map, size = _crop_to_view(
        _with_random_lens(bent, spec, rng), _random_view(spec, rng), rng, turn_probability=0.12
    )
    return Degradation(
        kind="photo",
        page_map=page_map,
        size_px=size,
        backdrop=_random_backdrop(rng),
        backdrop_texture=cast(Any, weighted_choice(rng, {"plain": 0.4, "wood": 0.25, "cloth": 0.15, "noise": 0.2})),
        light=_random_light(severity, rng),
        sensor=_random_sensor(severity, rng),
        jpeg_quality=int(rng.integers(50, 97)),
    )


def _random_photo_of_screen(spec: PageSpec, rng: np.random.Generator) -> Degradation:
    severity = float(rng.beta(2, 3))
    camera = _with_random_lens(_random_camera(spec, rng, tilt_deg=2 + 12 * severity), spec, rng)
    page_map, size = _crop_to_view(camera, _random_view(spec, rng), rng, turn_probability=0.05)
    # A monitor gives its own light: it has neither cast shadows nor paper that shades itself.
    light = replace(_random_light(severity, rng), shadow=0.0, shading=0.0)
    return Degradation(
        kind="screen",
        page_map=page_map,
        size_px=size,
        screen=Screen(
            pixel_mm=float(rng.uniform(0.18, 0.34)),
            lattice=float(rng.uniform(0.05, 0.3)),
            window=weighted_choice(rng, {(70, 72, 76): 0.5, (200, 200, 204): 0.3, (245, 245, 245): 0.2}),
            window_mm=float(rng.uniform(0, 30)),
            bezel_mm=float(rng.uniform(8, 25)),
        ),
        backdrop=_random_backdrop(rng),
        light=light,
        sensor=_random_sensor(severity, rng),
        jpeg_quality=int(rng.integers(60, 96)),
    )


def _random_camera(spec: PageSpec, rng: np.random.Generator, tilt_deg: float) -> PageMap:
    """A pinhole above the middle of the page, tilted by up to `tilt_deg`, with `px_per_mm` at the middle."""
    # Tilt and pan end at the limit of this severity; the normal distribution alone has none.
    tilt, pan = np.deg2rad(rng.normal(0, tilt_deg / 2, size=2).clip(-tilt_deg, tilt_deg))
    roll = np.deg2rad(rng.normal(0, 3) if rng.random() < 0.9 else rng.uniform(-20, 20))
    distance = float(rng.uniform(1.2, 2.4)) * max(spec.size_mm)
    cx, sx, cy, sy = np.cos(tilt), np.sin(tilt), np.cos(pan), np.sin(pan)
    cz, sz = np.cos(roll), np.sin(roll)
    turn = (
        np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    )
    pose = np.concatenate([turn @ np.diag([1.0, 1.0, -1.0]), [[0.0], [0.0], [distance]]], axis=1)
    # With this focal length the middle of the page has the resolution of the spec.
    focal = spec.px_per_mm * distance
    matrix = np.diag([focal, focal, 1.0]) @ pose / distance
    return PageMap(
        centre_mm=(spec.size_mm[0] / 2, spec.size_mm[1] / 2),
        camera=tuple(tuple(float(value) for value in row) for row in matrix),
    )


def _random_bend(rng: np.random.Generator, severity: float, folds: int) -> BendProfile:
    # A quarter of the sheets lie flat in this direction.
    if rng.random() < 0.25:
        return BendProfile()
    waves = tuple(
        (float(rng.normal(0, 0.05) * severity), float(rng.uniform(90, 300)), float(rng.uniform(0, 6.28)))
        for _ in range(2)
    )
    creases = tuple(
        (float(rng.uniform(-90, 90)), float(rng.normal(0, 0.16) * (0.3 + severity)), float(rng.uniform(2.5, 8)))
        for _ in range(folds)
    )
    return BendProfile(curl_per_mm=float(rng.normal(0, 0.0012) * severity), waves=waves, folds=creases)


def _with_random_lens(page_map: PageMap, spec: PageSpec, rng: np.random.Generator) -> PageMap:
    width, height = spec.size_px
    k1 = float(np.clip(rng.normal(0, 0.012), -0.03, 0.03))
    return replace(page_map, lens=(k1, float(rng.normal(0, 0.002)), 0.0, 0.0, float(np.hypot(width, height) / 2)))


def _random_view(spec: PageSpec, rng: np.random.Generator) -> Box:
    """Choose what the photographer frames, in page mm: the whole sheet, the traces, or the traces with an edge cut."""
    width, height = spec.size_mm
    left, top, right, bottom = spec.plot_mm
    view = weighted_choice(rng, {"sheet": 0.4, "traces": 0.48, "cut": 0.12})
    if view == "sheet":
        around = rng.uniform(0.005, 0.09, size=4) * width
        return -float(around[0]), -float(around[1]), width + float(around[2]), height + float(around[3])
    # Edges in the order left, top, right, bottom.
    near = rng.uniform(1, 9, size=4)
    edges = [left - near[0] - 3, top - near[1], right + near[2], bottom + near[3]]
    if view == "cut":
        side = int(rng.integers(0, 4))
        inward = float(rng.uniform(0.02, 0.1)) * (right - left if side % 2 == 0 else bottom - top)
        edges[side] = spec.plot_mm[side] + (inward if side < 2 else -inward)
    return float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])


def _random_backdrop(rng: np.random.Generator) -> Colour:
    base = weighted_choice(
        rng,
        {(120, 85, 55): 0.25, (60, 60, 64): 0.2, (190, 188, 184): 0.25, (235, 234, 230): 0.15, (60, 90, 120): 0.15},
    )
    # One shade for all channels, and a little of its own for each.
    shade = rng.uniform(0.7, 1.15)
    return cast(Colour, tuple(int(np.clip(value * shade * rng.uniform(0.95, 1.05), 0, 255)) for value in base))


def _random_light(severity: float, rng: np.random.Generator) -> Light:
    # Warm light raises red as it lowers blue.
    warm = float(rng.normal(0, 0.06))
    return Light(
        exposure=float(rng.uniform(0.98 - 0.4 * severity, 1.05)),
        balance=(1 + warm, 1.0 + float(rng.normal(0, 0.015)), 1 - warm),
        gradient=float(rng.uniform(0, 0.35) * severity),
        direction_deg=float(rng.uniform(0, 360)),
        shading=float(rng.uniform(0.4, 1.2)),
        vignette=float(rng.uniform(0, 0.3)),
        shadow=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.4 else 0.0,
        glare=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.15 else 0.0,
    )


def _random_sensor(severity: float, rng: np.random.Generator) -> Sensor:
    return Sensor(
        defocus_px=float(rng.uniform(0.3, 0.8 + 1.0 * severity)),
        motion_px=float(rng.uniform(1.5, 2 + 4 * severity)) if rng.random() < 0.25 else 0.0,
        motion_deg=float(rng.uniform(0, 180)),
        noise=float(rng.uniform(1.0, 3 + 6 * severity)),
        gamma=float(rng.uniform(0.8, 1.15)),
        sharpen=float(rng.uniform(0, 0.8)),
    )


# ---------------------------------------------------------------- frame


def _crop_to_view(
    page_map: PageMap, view_mm: Box, rng: np.random.Generator, turn_probability: float
) -> tuple[PageMap, tuple[int, int]]:
    """Cut the picture to the view and, with probability `turn_probability`, turn it by quarters."""
    left, top, right, bottom = view_mm
    # Bent edges are curves: their corners alone would not bound the picture.
    edge = np.linspace(0, 1, 21)[:, None]
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    outline = np.concatenate([a + edge * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    # The lens distorts about the middle of the picture, which is known only once the view is projected.
    if any(page_map.lens[:2]):
        plain = replace(page_map, lens=(0.0, 0.0, 0.0, 0.0, 1.0)).page_to_image(outline)
        centre = (plain.min(axis=0) + plain.max(axis=0)) / 2
        page_map = replace(page_map, lens=(*page_map.lens[:2], float(centre[0]), float(centre[1]), page_map.lens[4]))
    points = page_map.page_to_image(outline)
    low, high = points.min(axis=0), points.max(axis=0)
    size = (max(int(np.ceil(high[0] - low[0])), _MIN_PX), max(int(np.ceil(high[1] - low[1])), _MIN_PX))
    framed = page_map.then([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    if rng.random() >= turn_probability:
        return framed, size
    matrix, turned_size = quarter_turn(int(rng.integers(1, 4)), size)
    return framed.then(matrix), turned_size
