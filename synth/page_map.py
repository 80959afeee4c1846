"""The one map of a page: page millimetres ↔ image pixels, through paper, camera, lens and crop.

Page coordinates are mm from the top-left corner of the flat page, x right, y down. Image coordinates are pixels with
the centre of the top-left pixel at (0, 0). Image and truth both go through the same `PageMap`, so a label can not
drift from the ink whatever is combined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_IDENTITY_3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class BendProfile:
    """A sheet bent in one direction, without stretching: its slope angle φ(s) along the arc length s in mm.

    ``φ(s) = curl_per_mm · s + Σ aₖ sin(2π s / λₖ + ψₖ) + Σ αᵢ/2 · tanh((s − sᵢ) / rᵢ)``; the sheet then runs through
    ``(∫ cos φ ds, ∫ sin φ ds)``, so lengths on the paper stay what they were printed (a developable surface).

    Parameters
    ----------
    curl_per_mm : float
        Constant curvature, 1/mm.
    waves : tuple of (amplitude_rad, wavelength_mm, phase_rad)
    folds : tuple of (place_mm, angle_rad, radius_mm)
    """

    curl_per_mm: float = 0.0
    waves: tuple[tuple[float, float, float], ...] = ()
    folds: tuple[tuple[float, float, float], ...] = ()

    _REACH_MM = 800.0
    _STEP_MM = 0.5

    @property
    def is_flat(self) -> bool:
        """True when nothing is bent."""
        return not (self.curl_per_mm or self.waves or self.folds)

    @cached_property
    def _table(self) -> tuple[Floats, Floats, Floats, Floats]:
        s = np.arange(-self._REACH_MM, self._REACH_MM + self._STEP_MM, self._STEP_MM)
        # Curl ends 300 mm from the centre: further out it would only roll the sheet up.
        phi = self.curl_per_mm * np.clip(s, -300, 300)
        for amplitude, wavelength, phase in self.waves:
            phi += amplitude * np.sin(2 * np.pi * s / wavelength + phase)
        for place, angle, radius in self.folds:
            phi += angle / 2 * np.tanh((s - place) / radius)
        # Limited to 63 degrees: steeper paper would hide a part of itself from the camera.
        phi = np.clip(phi, -1.1, 1.1)
        cosine, sine = np.cos(phi), np.sin(phi)
        middle = len(s) // 2
        along = _cumulative(cosine) * self._STEP_MM
        height = _cumulative(sine) * self._STEP_MM
        return along - along[middle], height - height[middle], cosine, sine

    def at(self, s_mm: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return ``(x, z, dx/ds, dz/ds)`` at arc lengths `s_mm`, interpolated so that values and slopes agree."""
        along, height, cosine, sine = self._table
        place = np.clip(s_mm / self._STEP_MM + len(along) // 2, 0, len(along) - 1.001)
        index = place.astype(np.intp)
        part = place - index
        step = self._STEP_MM * part
        slope_x = cosine[index] + part * (cosine[index + 1] - cosine[index])
        slope_z = sine[index] + part * (sine[index + 1] - sine[index])
        # The trapezium rule within a step keeps the position the exact integral of the interpolated slope.
        x = along[index] + step * (cosine[index] + slope_x) / 2
        z = height[index] + step * (sine[index] + slope_z) / 2
        return x, z, slope_x, slope_z


def _cumulative(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2)])


@dataclass(frozen=True, kw_only=True)
class PageMap:
    """Page millimetres to image pixels and back.

    The page is bent along a direction and across it (`BendProfile`), seen by a camera (3×4 matrix on page-centred mm),
    distorted by a lens, then turned and cropped (`post`, 3×3).

    Parameters
    ----------
    centre_mm : (x, y)
        The point of the page about which it is bent and turned; origin of the camera's 3-D coordinates.
    camera : 3×4 nested tuples
        Projective matrix from centred (X, Y, Z) mm (Z towards the viewer) to pixels.
    bend_deg : float
        Direction in which `along` bends; `across` bends at a right angle to it.
    along, across : BendProfile
    lens : (k1, k2, cx, cy, norm_px)
        Radial distortion ``p' = c + (p − c)(1 + k1 r² + k2 r⁴)``, r in units of `norm_px`.
    post : 3×3 nested tuples
        Affine: quarter turns, crop, scale.
    """

    centre_mm: tuple[float, float]
    camera: tuple[tuple[float, ...], ...]
    bend_deg: float = 0.0
    along: BendProfile = BendProfile()
    across: BendProfile = BendProfile()
    lens: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 1.0)
    post: tuple[tuple[float, ...], ...] = _IDENTITY_3

    @property
    def is_flat(self) -> bool:
        """True when the paper lies flat."""
        return self.along.is_flat and self.across.is_flat

    def page_to_image(self, points_mm: ArrayLike) -> Floats:
        """Map page points (…, 2) mm to image pixels (…, 2)."""
        pixels, _ = self._forward(np.asarray(points_mm, np.float64))
        return pixels

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map image pixels (…, 2) to page points (…, 2) mm; points that see no paper come out far from the page."""
        target = np.asarray(points_px, np.float64)
        camera = np.asarray(self.camera)
        post_inverse = np.linalg.inv(np.asarray(self.post))
        plane_inverse = np.linalg.inv(camera[:, [0, 1, 3]])
        guess = self._undistort(_apply_homography(post_inverse, target))
        page: Floats = _apply_homography(plane_inverse, guess) + np.asarray(self.centre_mm)
        if self.is_flat:
            return page
        # Newton's method, which starts from where a flat page would show the point.
        for _ in range(12):
            value, jacobian = self._forward(page)
            miss = target - value
            # Bounded steps keep far points from jumping over the page.
            page = page + np.clip(_newton_step(jacobian, miss), -30.0, 30.0)
            # The last points lie off the paper and need no exact answer.
            if np.mean(np.abs(miss) < 1e-3) > 0.98:
                break
        return page

    def sampling_grid(
        self, size_px: tuple[int, int], step_px: int = 12
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return page coordinates of every image pixel, two float32 arrays (height, width) in mm.

        Solved exactly on a lattice of `step_px` and interpolated between; the error is below 0.05 px for the bends
        drawn here (tested).
        """
        width, height = size_px
        if self.is_flat and not any(self.lens[:2]):
            # Without bends and lens there is nothing finer to resolve than perspective.
            step_px = 4 * step_px
        xs = np.arange(-step_px, width + 2 * step_px, step_px) + (step_px - 1) / 2
        ys = np.arange(-step_px, height + 2 * step_px, step_px) + (step_px - 1) / 2
        nodes = self.image_to_page(np.stack(np.meshgrid(xs, ys), axis=-1)).astype(np.float32)
        full = (len(xs) * step_px, len(ys) * step_px)
        window = (slice(step_px, step_px + height), slice(step_px, step_px + width))
        dense = [
            cv2.resize(np.ascontiguousarray(nodes[..., axis]), full, interpolation=cv2.INTER_LINEAR)[window]
            for axis in (0, 1)
        ]
        return dense[0], dense[1]

    def surface_slopes(self, points_mm: Floats) -> tuple[Floats, Floats]:
        """Return ∂Z/∂x and ∂Z/∂y of the bent paper at page points (…, 2): what light and shade follow."""
        s, t, direction = self._bend_coordinates(points_mm)
        slope_s, slope_t = self.along.at(s)[3], self.across.at(t)[3]
        cosine, sine = direction
        return slope_s * cosine - slope_t * sine, slope_s * sine + slope_t * cosine

    def then(self, matrix: ArrayLike) -> PageMap:
        """Return this map followed by an affine 3×3 `matrix` on its pixels (a turn, a crop)."""
        product = np.asarray(matrix, np.float64) @ np.asarray(self.post)
        return replace(self, post=_as_tuples(product))

    def _bend_coordinates(self, points_mm: Floats) -> tuple[Floats, Floats, tuple[float, float]]:
        angle = np.deg2rad(self.bend_deg)
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        x = points_mm[..., 0] - self.centre_mm[0]
        y = points_mm[..., 1] - self.centre_mm[1]
        return x * cosine + y * sine, -x * sine + y * cosine, (cosine, sine)

    def _forward(self, points_mm: Floats) -> tuple[Floats, Floats]:
        """Return pixels (…, 2) and the Jacobian d(pixel)/d(mm) (…, 2, 2)."""
        s, t, (cosine, sine) = self._bend_coordinates(points_mm)
        (along_x, along_z, along_dx, along_dz), (across_x, across_z, across_dx, across_dz) = self._bend(s, t)
        x3 = along_x * cosine - across_x * sine
        y3 = along_x * sine + across_x * cosine
        z3 = along_z + across_z
        camera = np.asarray(self.camera)
        u, v, w = (row[0] * x3 + row[1] * y3 + row[2] * z3 + row[3] for row in camera)
        pixel = np.stack([u / w, v / w], axis=-1)
        by_s = _pixel_derivative(camera, pixel, w, (along_dx * cosine, along_dx * sine, along_dz))
        by_t = _pixel_derivative(camera, pixel, w, (-across_dx * sine, across_dx * cosine, across_dz))
        jacobian = np.stack([by_s * cosine - by_t * sine, by_s * sine + by_t * cosine], axis=-1)
        post = np.asarray(self.post)
        if any(self.lens[:2]):
            pixel, jacobian = self._distort(pixel, jacobian)
        return _apply_homography(post, pixel), post[:2, :2] @ jacobian

    def _bend(self, s: Floats, t: Floats) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
        """Return position, height and their slopes along and across the bend, as `BendProfile.at` gives them."""
        if self.is_flat:
            zeros, ones = np.zeros_like(s), np.ones_like(s)
            return (s, zeros, ones, zeros), (t, zeros, ones, zeros)
        return self.along.at(s), self.across.at(t)

    def _distort(self, pixel: Floats, jacobian: Floats) -> tuple[Floats, Floats]:
        k1, k2, cx, cy, norm_px = self.lens
        offset = (pixel - np.array([cx, cy])) / norm_px
        r2 = (offset**2).sum(axis=-1)
        scale = (1 + k1 * r2 + k2 * r2**2)[..., None]
        radial = 2 * (k1 + 2 * k2 * r2)
        stretch = (offset[..., None] * jacobian).sum(axis=-2)  # oᵀJ, (…, 2)
        turned = jacobian * scale[..., None] + (radial[..., None] * offset)[..., None] * stretch[..., None, :]
        return np.array([cx, cy]) + offset * scale * norm_px, turned

    def _undistort(self, pixel: Floats) -> Floats:
        k1, k2, cx, cy, norm_px = self.lens
        if not (k1 or k2):
            return pixel
        centre = np.array([cx, cy])
        offset = pixel - centre
        radius = np.sqrt((offset**2).sum(axis=-1)) / norm_px
        r = radius.copy()
        for _ in range(8):
            value = r * (1 + k1 * r**2 + k2 * r**4)
            # Newton on one radius; the bounded slope keeps strong barrel distortion from diverging.
            r = r - (value - radius) / np.maximum(1 + 3 * k1 * r**2 + 5 * k2 * r**4, 0.2)
        return np.asarray(centre + offset * np.where(radius > 0, r / np.maximum(radius, 1e-12), 1.0)[..., None])


def _pixel_derivative(camera: Floats, pixel: Floats, w: Floats, direction: tuple[Floats, Floats, Floats]) -> Floats:
    """Return how fast `pixel` (…, 2), at the camera's depth `w`, moves as its point moves in a 3-D direction."""
    dx, dy, dz = direction
    du, dv, dw = (row[0] * dx + row[1] * dy + row[2] * dz for row in camera)
    return np.stack([(du - pixel[..., 0] * dw) / w, (dv - pixel[..., 1] * dw) / w], axis=-1)


def flat_map(px_per_mm: float) -> PageMap:
    """Return the map of an undamaged page: page mm times `px_per_mm`, pixel centres at whole numbers."""
    return affine_map(np.array([[px_per_mm, 0.0, -0.5], [0.0, px_per_mm, -0.5]]))


def affine_map(matrix: ArrayLike) -> PageMap:
    """Return the map of a flat page under an affine 2×3 `matrix` (mm → px): a scan."""
    (a, b, c), (d, e, f) = np.asarray(matrix, np.float64)
    return PageMap(centre_mm=(0.0, 0.0), camera=((a, b, 0.0, c), (d, e, 0.0, f), (0.0, 0.0, 0.0, 1.0)))


def page_map_from_dict(values: dict[str, Any]) -> PageMap:
    """Rebuild a map from ``dataclasses.asdict`` of one, as read back from JSON."""

    def nested(item: Any) -> Any:
        return tuple(nested(part) for part in item) if isinstance(item, list | tuple) else item

    plain = {key: nested(value) for key, value in values.items() if key not in {"along", "across"}}
    for key in ("along", "across"):
        plain[key] = BendProfile(**{name: nested(value) for name, value in values[key].items()})
    return PageMap(**plain)


def quarter_turn(turns: int, size_px: tuple[int, int]) -> tuple[Floats, tuple[int, int]]:
    """Return the 3×3 matrix that turns an image clockwise by `turns` × 90°, and the new (width, height)."""
    width, height = size_px
    matrix = np.eye(3)
    for _ in range(turns % 4):
        matrix = np.array([[0.0, -1.0, height - 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
        width, height = height, width
    return matrix, (width, height)


def _newton_step(jacobian: Floats, miss: Floats) -> Floats:
    """Return the step (…, 2) that a linear map (…, 2, 2) turns into `miss` (…, 2)."""
    determinant = jacobian[..., 0, 0] * jacobian[..., 1, 1] - jacobian[..., 0, 1] * jacobian[..., 1, 0]
    # A singular Jacobian belongs to points that see the paper edge on.
    determinant = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
    step_x = (jacobian[..., 1, 1] * miss[..., 0] - jacobian[..., 0, 1] * miss[..., 1]) / determinant
    step_y = (jacobian[..., 0, 0] * miss[..., 1] - jacobian[..., 1, 0] * miss[..., 0]) / determinant
    return np.stack([step_x, step_y], axis=-1)


def _apply_homography(matrix: Floats, points: Floats) -> Floats:
    x, y = points[..., 0], points[..., 1]
    w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    return np.stack([u / w, v / w], axis=-1)


def _as_tuples(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)
