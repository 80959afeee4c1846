"""The map from a picture's pixels to the page's millimetres: a polynomial, less a bend given on nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval2d
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates, spline_filter

Floats = NDArray[np.float64]

NODE_SPACING_PX = 16
_NEAR_PX = 1e-3
_STEPS, _NEW_SLOPES = 16, 3


@dataclass(frozen=True, eq=False)
class PageMap:
    """Image pixels to page millimetres and back.

    Parameters
    ----------
    powers : (terms, 2) int
        Exponents of the polynomial in the normalized image coordinates.
    coefficients : (terms, 2) float64
        Of x and of y, in mm.
    centre_px, scale_px : the normalization: ``(pixel − centre) / scale``
    size_px : (width, height) of the picture
    bend_mm : (rows, columns, 2) float64
        What is taken off the polynomial, on nodes spread evenly over the picture, half a step from its edges: folds and
        waves that no polynomial follows.
    confidence : float
        How much of the ruling's ink agrees in phase with the map, 0-1; 0 when no ruling was found.
    """

    powers: NDArray[np.int64]
    coefficients: Floats
    centre_px: tuple[float, float]
    scale_px: tuple[float, float]
    size_px: tuple[int, int]
    bend_mm: Floats
    confidence: float

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map pixels (…, 2) to mm (…, 2)."""
        u, v = self._normalized(points_px)
        smooth = np.moveaxis(polyval2d(u, v, self._grid), 0, -1)
        return np.asarray(smooth - self._bend_at(np.asarray(points_px, np.float64)))

    def jacobian(self, points_px: ArrayLike) -> Floats:
        """Return d(mm)/d(px) of the polynomial at pixels (…, 2), as (…, 2, 2): row of the page, column of the image."""
        u, v = self._normalized(points_px)
        slopes = [np.moveaxis(polyval2d(u, v, polyder(self._grid, axis=axis)), 0, -1) for axis in (0, 1)]
        return np.asarray(np.stack(slopes, axis=-1) / np.asarray(self.scale_px))

    def page_to_image(self, points_mm: ArrayLike) -> Floats:
        """Map mm (…, 2) to pixels (…, 2) by Newton's method, each point until it moves less than a thousandth."""
        shape = np.shape(points_mm)
        target = np.asarray(points_mm, np.float64).reshape(-1, 2)
        centre = np.asarray(self.centre_px)
        pixel = centre + (target - self.image_to_page(centre)) @ np.linalg.inv(self.jacobian(centre)).T
        limit = 0.6 * max(self.size_px)
        moving = np.arange(len(target))
        for iteration in range(_STEPS):
            if iteration < _NEW_SLOPES:  # near enough then: the same slopes serve to the end
                slopes = _inverse(self._regular_jacobian(pixel[moving]))
            miss = target[moving] - self.image_to_page(pixel[moving])
            step = np.clip((slopes @ miss[..., None])[..., 0], -limit, limit)
            pixel[moving] += step
            far = np.abs(step).max(axis=1) >= _NEAR_PX
            moving, slopes = moving[far], slopes[far]
            if not len(moving):
                break
        return pixel.reshape(shape)

    @cached_property
    def px_per_mm(self) -> float:
        """Pixels a millimetre in the middle of the picture."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.jacobian(np.asarray(self.centre_px))))))

    @property
    def nodes_px(self) -> tuple[Floats, Floats]:
        """Where the nodes of the bend are: x (columns,) and y (rows,)."""
        rows, columns = self.bend_mm.shape[:2]
        width, height = self.size_px
        return (np.arange(columns) + 0.5) * width / columns - 0.5, (np.arange(rows) + 0.5) * height / rows - 0.5

    def nodes_mm(self) -> Floats:
        """Map the nodes of the bend (rows, columns, 2)."""
        u, v = self.normalized_nodes(len(self._grid) - 1)
        return np.stack([v @ self._grid[..., axis].T @ u.T for axis in (0, 1)], axis=-1) - self.bend_mm

    def normalized_nodes(self, degree: int) -> tuple[Floats, Floats]:
        """Return the powers 0 to `degree` of the nodes' normalized x (columns, degree + 1) and y (rows, degree + 1)."""
        x, y = (
            (places - centre) / scale
            for places, centre, scale in zip(self.nodes_px, self.centre_px, self.scale_px, strict=True)
        )
        return powers_of(x, degree), powers_of(y, degree)

    def turned(self, quarters: int) -> PageMap:
        """Return the same map with the page turned clockwise by quarters."""
        coefficients, bend_mm = self.coefficients, self.bend_mm
        for _ in range(quarters % 4):
            coefficients = np.stack([-coefficients[:, 1], coefficients[:, 0]], axis=1)
            bend_mm = np.stack([-bend_mm[..., 1], bend_mm[..., 0]], axis=-1)
        return replace(self, coefficients=coefficients, bend_mm=bend_mm)

    def resized(self, size_px: tuple[int, int]) -> PageMap:
        """Return the map of the same picture at another size (width, height)."""
        factor = np.array(size_px) / np.array(self.size_px)
        centre = (np.array(self.centre_px) + 0.5) * factor - 0.5
        scale = np.array(self.scale_px) * factor
        return replace(
            self, centre_px=(float(centre[0]), float(centre[1])), scale_px=(float(scale[0]), float(scale[1])),
            size_px=size_px,
        )  # fmt: skip

    def with_exponents(self, powers: NDArray[np.int64]) -> PageMap:
        """Return the same map written with other powers, of which terms that are missing are left out."""
        size = int(max(self.powers.max(), powers.max())) + 1
        grid = np.zeros((size, size, 2))
        grid[self.powers[:, 0], self.powers[:, 1]] = self.coefficients
        return replace(self, powers=powers, coefficients=grid[powers[:, 0], powers[:, 1]])

    def with_y_of(self, other: PageMap) -> PageMap:
        """Return the map that has its x from this one and its y from another map of the same picture."""
        x, y = (
            each.with_exponents(exponents_up_to(max(int(self.powers.max()), int(other.powers.max()))))
            for each in (self, other)
        )
        columns, bends = (
            np.stack([ours[..., 0], theirs[..., 1]], axis=-1)
            for ours, theirs in ((x.coefficients, y.coefficients), (self.bend_mm, other.bend_mm))
        )
        return replace(x, coefficients=columns, bend_mm=bends)

    @cached_property
    def _grid(self) -> Floats:
        """Coefficients (degree + 1, degree + 1, 2) by the exponents of u and v."""
        size = int(self.powers.max()) + 1
        grid = np.zeros((size, size, 2))
        grid[self.powers[:, 0], self.powers[:, 1]] = self.coefficients
        return grid

    def _normalized(self, points_px: ArrayLike) -> tuple[Floats, Floats]:
        points = np.asarray(points_px, np.float64)
        u, v = ((points[..., axis] - self.centre_px[axis]) / self.scale_px[axis] for axis in (0, 1))
        return u, v

    def _bend_at(self, points_px: Floats) -> Floats:
        rows, columns = self.bend_mm.shape[:2]
        if not self.bend_mm.any():
            return np.zeros(points_px.shape)
        x = ((points_px[..., 0] + 0.5) * columns / self.size_px[0] - 0.5).ravel()
        y = ((points_px[..., 1] + 0.5) * rows / self.size_px[1] - 0.5).ravel()
        planes = [map_coordinates(plane, [y, x], order=3, mode="nearest", prefilter=False) for plane in self._splines]
        return np.stack(planes, axis=-1).reshape(points_px.shape)

    @cached_property
    def _splines(self) -> tuple[Floats, Floats]:
        x, y = (spline_filter(self.bend_mm[..., axis], order=3, mode="nearest") for axis in (0, 1))
        return x, y

    def _regular_jacobian(self, pixel: Floats) -> Floats:
        jacobian = self.jacobian(pixel)
        degenerate = np.abs(_determinant(jacobian)) < 1e-7
        jacobian[degenerate] = self.jacobian(np.asarray(self.centre_px))
        return jacobian


def exponents_up_to(degree: int) -> NDArray[np.int64]:
    """Return the exponents (terms, 2) of all terms of two variables up to a total degree."""
    return np.array([(i, j) for total in range(degree + 1) for i in range(total, -1, -1) for j in [total - i]])


def powers_of(values: Floats, degree: int) -> Floats:
    """Return the powers 0 to `degree` of each value, along a new last axis."""
    result = np.ones((*values.shape, degree + 1))
    for power in range(degree):
        result[..., power + 1] = result[..., power] * values
    return result


def apply_homography(homography: Floats, points: ArrayLike) -> Floats:
    """Map points (…, 2) by a homography (3, 3)."""
    mapped = np.asarray(points, np.float64) @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[..., :2] / mapped[..., 2:])


def _determinant(matrices: Floats) -> Floats:
    return np.asarray(matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0])


def _inverse(matrices: Floats) -> Floats:
    """Invert matrices (…, 2, 2): thousands of them faster than `numpy.linalg.inv` does."""
    adjugate = np.empty(matrices.shape)
    adjugate[..., 0, 0], adjugate[..., 1, 1] = matrices[..., 1, 1], matrices[..., 0, 0]
    adjugate[..., 0, 1], adjugate[..., 1, 0] = -matrices[..., 0, 1], -matrices[..., 1, 0]
    return adjugate / _determinant(matrices)[..., None, None]
