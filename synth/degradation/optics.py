"""What light, lens, sensor and copier do to the picture. Nothing here moves a pixel: geometry is `PageMap` alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.degradation.spec import Copier, Degradation, Light, Screen, Sensor
from synth.degradation.texture import noise_levels, row_bands, smooth_field

Image8 = NDArray[np.uint8]
Field = NDArray[np.float32]

# Light varies slowly: an eighth of the resolution is enough.
_SMALL = 8
_LIGHT_STEPS = 96  # how 1.0 is kept in a byte: light up to 2.65


def apply_light(image: Image8, degradation: Degradation, light: Light, rng: np.random.Generator) -> Image8 | None:
    """Light the picture in place.

    Returns
    -------
    (height, width) uint8 or None
        How much glare lies over each pixel, 0-255; None without glare.
    """
    width, height = degradation.size_px
    small = (max(width // _SMALL, 8), max(height // _SMALL, 8))
    field = _illumination(degradation, light, small, rng)
    tinted = field[..., None] * np.array(light.balance, np.float32) * light.exposure
    packed = np.rint(np.clip(tinted * _LIGHT_STEPS, 0, 255)).astype(np.uint8)
    cv2.multiply(image, cv2.resize(packed, (width, height)), dst=image, scale=1 / _LIGHT_STEPS)
    if not light.glare:
        return None
    glare = cv2.resize(_glare_spot(light.glare, small, rng), (width, height))
    cv2.add(image, cv2.merge([glare, glare, glare]), dst=image)
    return np.asarray(glare, np.uint8)


def _illumination(degradation: Degradation, light: Light, small: tuple[int, int], rng: np.random.Generator) -> Field:
    ys, xs = np.mgrid[0 : small[1], 0 : small[0]].astype(np.float32)
    x, y = 2 * xs / small[0] - 1, 2 * ys / small[1] - 1
    angle = np.deg2rad(light.direction_deg)
    across = x * np.cos(angle) + y * np.sin(angle)
    field = 1 + light.gradient * across - light.vignette * (x**2 + y**2) / 2
    # Bent paper is darker where it turns away from the light, which is what shows folds in a photo.
    if light.shading and not degradation.page_map.is_flat:
        pixels = np.stack(
            [(xs + 0.5) * degradation.size_px[0] / small[0], (ys + 0.5) * degradation.size_px[1] / small[1]], -1
        )
        slope_x, slope_y = degradation.page_map.surface_slopes(
            degradation.page_map.image_to_page(pixels.astype(np.float64))
        )
        field = field - light.shading * (slope_x * np.cos(angle) + slope_y * np.sin(angle)).astype(np.float32)
    if light.shadow:
        edge = across + 0.35 * smooth_field(rng, small, 2) - rng.uniform(-0.5, 0.6)
        # A soft edge for a distant object, a sharper one for a near one.
        softness = rng.uniform(0.03, 0.25)
        field = field * (1 - light.shadow / (1 + np.exp(np.clip(-edge / softness, -30, 30))))
    return np.asarray(np.clip(field, 0.08, 2.2), np.float32)


def _glare_spot(strength: float, small: tuple[int, int], rng: np.random.Generator) -> Image8:
    ys, xs = np.mgrid[0 : small[1], 0 : small[0]].astype(np.float32)
    centre = rng.uniform(0.1, 0.9, size=2) * small
    angle, long, short = rng.uniform(0, np.pi), rng.uniform(0.08, 0.3) * small[0], rng.uniform(0.03, 0.1) * small[0]
    dx, dy = xs - centre[0], ys - centre[1]
    u, v = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
    return np.asarray(
        np.rint(np.clip(strength * 300 * np.exp(-((u / long) ** 2) - (v / short) ** 2), 0, 255)), np.uint8
    )


def apply_screen_pixels(image: Image8, screen: Screen, page_x: Field, page_y: Field) -> None:
    """Lay a monitor's pixel lattice over the picture in place; the camera's own lattice turns it into moiré.

    Parameters
    ----------
    page_x, page_y : (height, width) float32
        Page coordinates in mm of every pixel of the image.
    """
    # The three colours of a monitor pixel stand side by side: one cosine, a third of a period apart each.
    turns = np.float32(2 * np.pi / screen.pixel_mm)
    for part in row_bands(image):
        rows = np.cos(page_y[part] * turns)
        across = page_x[part] * turns
        for channel in range(3):
            columns = np.cos(across + np.float32(2 * np.pi * channel / 3))
            gain = 1 + np.float32(screen.lattice) * (0.6 * columns + 0.4 * rows)
            image[part, :, channel] = np.clip(image[part, :, channel] * gain, 0, 255).astype(np.uint8)


def apply_sensor(image: Image8, sensor: Sensor, rng: np.random.Generator) -> Image8:
    """Blur, add noise, bend the tone curve and sharpen, as a phone's camera does."""
    # Blur comes before noise: the lens blurs the scene, the sensor then adds noise of its own.
    if sensor.defocus_px > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), sensor.defocus_px)
    if sensor.motion_px > 1:
        image = cv2.filter2D(image, -1, _motion_kernel(sensor.motion_px, sensor.motion_deg))
    if sensor.gamma != 1:
        curve = np.rint(255 * (np.arange(256) / 255) ** sensor.gamma).astype(np.uint8)
        image = cv2.LUT(image, curve)
    if sensor.noise > 0.2:
        for part in row_bands(image):
            grain = noise_levels(rng, (*image[part].shape[:2], 1), sensor.noise)
            image[part] = np.clip(image[part] + grain, 0, 255).astype(np.uint8)
    if sensor.sharpen:
        # Unsharp masking after the noise, as cameras do it, makes the noise coarser too.
        soft = cv2.GaussianBlur(image, (0, 0), 1.2)
        image = cv2.addWeighted(image, 1 + sensor.sharpen, soft, -sensor.sharpen, 0)
    return np.asarray(image, np.uint8)


def _motion_kernel(length_px: float, angle_deg: float) -> Field:
    """A symmetric line kernel: the picture's centre of mass stays where it was."""
    reach = int(np.ceil(length_px / 2)) + 1
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    ys, xs = np.meshgrid(offsets, offsets, indexing="ij")
    angle = np.deg2rad(angle_deg)
    along, across = xs * np.cos(angle) + ys * np.sin(angle), -xs * np.sin(angle) + ys * np.cos(angle)
    inside = np.clip(length_px / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return np.asarray(inside / inside.sum(), np.float32)


def apply_copier(image: Image8, copier: Copier, rng: np.random.Generator) -> Image8:
    """Scan or photocopy: contrast, grey, toner and streaks, then black and white where asked for."""
    if copier.contrast != 1:
        # White stays near white as contrast grows: a scanner sets its white point on the paper.
        tones = np.arange(256, dtype=np.float64)
        curve = np.clip(255 - (255 - tones) * copier.contrast + 22 * (copier.contrast - 1), 0, 255)
        image = cv2.LUT(image, np.rint(curve).astype(np.uint8))
    if copier.grey or copier.binary != "none":
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        grey = _binarize(_add_toner(grey, copier, rng), copier)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    return image


def _add_toner(grey: Image8, copier: Copier, rng: np.random.Generator) -> Image8:
    height, width = grey.shape
    if copier.toner:
        # At full strength one pixel in 3000 carries a speck.
        specks = rng.integers(0, height * width, size=int(copier.toner * height * width / 3000))
        spots = np.zeros(height * width, np.uint8)
        spots[specks] = rng.integers(60, 255, size=len(specks))
        spread = cv2.GaussianBlur(spots.reshape(height, width), (0, 0), 0.7)
        grey = cv2.subtract(grey, cv2.multiply(spread, 2))
    for _ in range(copier.streaks):
        x = int(rng.integers(0, width))
        wide = int(rng.integers(1, 4))
        grey[:, x : x + wide] = (grey[:, x : x + wide] * rng.uniform(0.5, 0.92)).astype(np.uint8)
    return np.asarray(grey, np.uint8)


def _binarize(grey: Image8, copier: Copier) -> Image8:
    if copier.binary == "threshold":
        # The darkest half per cent is ink, the median is paper; every fourth pixel is enough.
        ink, paper = np.percentile(grey[::4, ::4], (0.5, 50))
        return np.where(grey < ink + copier.level * (paper - ink), np.uint8(0), np.uint8(255))
    if copier.binary in ("halftone", "diffusion"):
        screen = _CLUSTERED_DOT if copier.binary == "halftone" else _bayer_thresholds(8)
        # The thresholds leave out the ends, so that clean paper and full ink stay solid.
        steps = np.rint(255 * (0.12 + 0.8 * screen)).astype(np.uint8)
        tall, wide = -(-grey.shape[0] // steps.shape[0]), -(-grey.shape[1] // steps.shape[1])
        pattern = np.tile(steps, (tall, wide))[: grey.shape[0], : grey.shape[1]]
        return np.where(grey < pattern, np.uint8(0), np.uint8(255))
    return grey


def _bayer_thresholds(size: int) -> NDArray[np.float64]:
    """Bayer's ordered-dither matrix of `size` (a power of two), thresholds 0-1."""
    matrix = np.zeros((1, 1))
    while len(matrix) < size:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return (matrix + 0.5) / size**2


def _clustered_dot_thresholds() -> NDArray[np.float64]:
    """A 45° clustered-dot screen: thresholds ordered by a product of cosines."""
    ys, xs = np.mgrid[0:6, 0:6] / 6 * 2 * np.pi
    order = np.argsort(np.argsort((np.cos(xs) + np.cos(ys)).ravel(), kind="stable"))
    return (order.reshape(6, 6) + 0.5) / 36


_CLUSTERED_DOT = _clustered_dot_thresholds()
