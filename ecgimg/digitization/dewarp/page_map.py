"""The page map: from pixels of a picture to millimetres of the page, by a polynomial less a bend given on nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval2d
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates, spline_filter

from ecgimg.digitization.numerics import Floats

Exponents = NDArray[np.int64]

NODE_SPACING_PX = 16  # of the nodes on which a bend is given
_FEWEST_NODES = 2  # along each side
_CONVERGED_PX = 1e-3
_MAX_ITERATIONS = 16
_JACOBIAN_UPDATES = 3  # later iterations are near enough to keep the last Jacobian
_MAX_STEP = 0.6  # of the longer side, so that one step of Newton's method does not leave the picture by far
_DEGENERATE = 1e-7  # mm²/px²; below it a Jacobian cannot be inverted, and that of the centre is used


@dataclass(frozen=True, eq=False)
class PageMap:
    """Image pixels to page millimetres and back.

    Parameters
    ----------
    exponents : (terms, 2) int64
        Exponents of the polynomial in the normalized image coordinates.
    coefficients : (terms, 2) float64
        Of x and of y, in mm.
    centre_px, scale_px : (x, y)
        The normalization: ``(pixel − centre) / scale``.
    size_px : (width, height)
        Of the picture.
    bend_mm : (rows, columns, 2) float64
        What is subtracted from the polynomial, on nodes spread evenly over the picture, half a step from its edges:
        folds and waves that no polynomial follows.
    confidence : float
        1 less the map's agreement with lines of other spacings, as a share of that with the grid lines. 0 where no
        grid was found.
    """

    exponents: Exponents
    coefficients: Floats
    centre_px: tuple[float, float]
    scale_px: tuple[float, float]
    size_px: tuple[int, int]
    bend_mm: Floats
    confidence: float

    @classmethod
    def unfitted(cls, size_px: tuple[int, int], degree: int) -> PageMap:
        """Return a polynomial of a degree for a picture (width, height), with all coefficients 0 and no bend."""
        width, height = size_px
        exponents = exponents_up_to(degree)
        scale = max(width, height) / 2
        nodes = [max(length // NODE_SPACING_PX, _FEWEST_NODES) for length in (height, width)]
        return cls(
            exponents, np.zeros((len(exponents), 2)), ((width - 1) / 2, (height - 1) / 2), (scale, scale), size_px,
            np.zeros((*nodes, 2)), 0.0,
        )  # fmt: skip

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map pixels (…, 2) to mm (…, 2)."""
        u, v = self._normalized(points_px)
        smooth = np.moveaxis(polyval2d(u, v, self._coefficient_table), 0, -1)
        return np.asarray(smooth - self._bend_at(np.asarray(points_px, np.float64)))

    def jacobian(self, points_px: ArrayLike) -> Floats:
        """Return d(mm)/d(px) of the polynomial at pixels (…, 2), as (…, 2, 2): row of the page, column of the image."""
        u, v = self._normalized(points_px)
        table = self._coefficient_table
        slopes = [np.moveaxis(polyval2d(u, v, polyder(table, axis=axis)), 0, -1) for axis in (0, 1)]
        return np.asarray(np.stack(slopes, axis=-1) / np.asarray(self.scale_px))

    def page_to_image(self, points_mm: ArrayLike) -> Floats:
        """Map mm (…, 2) to pixels (…, 2) by Newton's method, until each point moves less than a thousandth."""
        target = np.asarray(points_mm, np.float64).reshape(-1, 2)
        centre = np.asarray(self.centre_px)
        pixel = centre + (target - self.image_to_page(centre)) @ np.linalg.inv(self.jacobian(centre)).T
        max_step = _MAX_STEP * max(self.size_px)
        moving = np.arange(len(target))
        for iteration in range(_MAX_ITERATIONS):
            if iteration < _JACOBIAN_UPDATES:
                inverse = _inverse(self._regular_jacobian(pixel[moving]))
            residual = target[moving] - self.image_to_page(pixel[moving])
            step = np.clip((inverse @ residual[..., None])[..., 0], -max_step, max_step)
            pixel[moving] += step
            is_moving = np.abs(step).max(axis=1) >= _CONVERGED_PX
            moving, inverse = moving[is_moving], inverse[is_moving]
            if not len(moving):
                break
        return pixel.reshape(np.shape(points_mm))

    @cached_property
    def px_per_mm(self) -> float:
        """Pixels per millimetre in the middle of the picture."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.jacobian(np.asarray(self.centre_px))))))

    @property
    def nodes_px(self) -> tuple[Floats, Floats]:
        """Where the nodes of the bend are: x (columns,) and y (rows,)."""
        rows, columns = self.bend_mm.shape[:2]
        width, height = self.size_px
        return (np.arange(columns) + 0.5) * width / columns - 0.5, (np.arange(rows) + 0.5) * height / rows - 0.5

    def nodes_mm(self) -> Floats:
        """Map the nodes of the bend (rows, columns, 2)."""
        table = self._coefficient_table
        u, v = self.node_powers(len(table) - 1)
        return np.stack([v @ table[..., axis].T @ u.T for axis in (0, 1)], axis=-1) - self.bend_mm

    def node_powers(self, degree: int) -> tuple[Floats, Floats]:
        """Return the powers 0 to `degree` of the nodes' normalized x (columns, degree + 1) and y (rows, degree + 1)."""
        x, y = (
            (nodes - centre) / scale
            for nodes, centre, scale in zip(self.nodes_px, self.centre_px, self.scale_px, strict=True)
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

    def with_exponents(self, exponents: Exponents) -> PageMap:
        """Return the map written with other exponents (terms, 2). Terms that are not among these are left out."""
        table = _coefficient_table(self, int(max(self.exponents.max(), exponents.max())) + 1)
        return replace(self, exponents=exponents, coefficients=table[exponents[:, 0], exponents[:, 1]])

    def with_y_of(self, other: PageMap) -> PageMap:
        """Return the map that has its x from this one and its y from another map of the same picture."""
        degree = max(int(self.exponents.max()), int(other.exponents.max()))
        x, y = (page_map.with_exponents(exponents_up_to(degree)) for page_map in (self, other))
        coefficients, bend_mm = (
            np.stack([of_x[..., 0], of_y[..., 1]], axis=-1)
            for of_x, of_y in ((x.coefficients, y.coefficients), (self.bend_mm, other.bend_mm))
        )
        return replace(x, coefficients=coefficients, bend_mm=bend_mm)

    @cached_property
    def _coefficient_table(self) -> Floats:
        """Coefficients (degree + 1, degree + 1, 2) by the exponents of u and v."""
        return _coefficient_table(self, int(self.exponents.max()) + 1)

    def _normalized(self, points_px: ArrayLike) -> tuple[Floats, Floats]:
        points = np.asarray(points_px, np.float64)
        u, v = ((points[..., axis] - self.centre_px[axis]) / self.scale_px[axis] for axis in (0, 1))
        return u, v

    def _bend_at(self, points_px: Floats) -> Floats:
        rows, columns = self.bend_mm.shape[:2]
        if not self.bend_mm.any():  # a map without a bend needs no splines
            return np.zeros(points_px.shape)
        x = ((points_px[..., 0] + 0.5) * columns / self.size_px[0] - 0.5).ravel()
        y = ((points_px[..., 1] + 0.5) * rows / self.size_px[1] - 0.5).ravel()
        planes = [map_coordinates(plane, [y, x], order=3, mode="nearest", prefilter=False) for plane in self._splines]
        return np.stack(planes, axis=-1).reshape(points_px.shape)

    @cached_property
    def _splines(self) -> tuple[Floats, Floats]:
        x, y = (spline_filter(self.bend_mm[..., axis], order=3, mode="nearest") for axis in (0, 1))
        return x, y

    def _regular_jacobian(self, points_px: Floats) -> Floats:
        """Return the Jacobian at pixels (n, 2), and that of the centre where it cannot be inverted."""
        jacobian = self.jacobian(points_px)
        is_degenerate = np.abs(_determinant(jacobian)) < _DEGENERATE
        jacobian[is_degenerate] = self.jacobian(np.asarray(self.centre_px))
        return jacobian


def exponents_up_to(degree: int) -> Exponents:
    """Return the exponents (terms, 2) of all terms of two variables up to a total degree."""
    return np.array([(i, j) for total in range(degree + 1) for i in range(total, -1, -1) for j in [total - i]])


def powers_of(values: Floats, degree: int) -> Floats:
    """Return the powers 0 to `degree` of each value, along a new last axis."""
    powers = np.ones((*values.shape, degree + 1))
    for exponent in range(degree):
        powers[..., exponent + 1] = powers[..., exponent] * values
    return powers


def apply_homography(homography: Floats, points: ArrayLike) -> Floats:
    """Map points (…, 2) by a homography (3, 3)."""
    mapped = np.asarray(points, np.float64) @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[..., :2] / mapped[..., 2:])


def _coefficient_table(page_map: PageMap, size: int) -> Floats:
    """Return the coefficients of a map (size, size, 2) by the exponents of u and v."""
    table = np.zeros((size, size, 2))
    table[page_map.exponents[:, 0], page_map.exponents[:, 1]] = page_map.coefficients
    return table


def _determinant(matrices: Floats) -> Floats:
    return np.asarray(matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0])


def _inverse(matrices: Floats) -> Floats:
    """Invert matrices (…, 2, 2), thousands of them faster than `numpy.linalg.inv` does."""
    adjugate = np.empty(matrices.shape)
    adjugate[..., 0, 0], adjugate[..., 1, 1] = matrices[..., 1, 1], matrices[..., 0, 0]
    adjugate[..., 0, 1], adjugate[..., 1, 0] = -matrices[..., 0, 1], -matrices[..., 1, 0]
    return adjugate / _determinant(matrices)[..., None, None]
