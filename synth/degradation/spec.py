"""What happens to a page, stage by stage; None is a stage that does not happen.

The stages run in the order of their fields: on the paper, through the one map, in the light, in the lens and sensor,
in the copier, in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synth.page_map import PageMap
from synth.page_spec import Colour

Kind = Literal["none", "scan", "photo", "screen", "aged", "mixed"]
Binary = Literal["none", "threshold", "halftone", "diffusion"]
KINDS: tuple[Kind, ...] = ("none", "scan", "photo", "screen", "aged", "mixed")


@dataclass(frozen=True, kw_only=True)
class Ageing:
    """On the paper: counts of stains, mould patches, pen strokes, written notes and torn corners; strengths 0-1."""

    yellowing: float = 0.0
    fading: float = 0.0
    stains: int = 0
    mould: int = 0
    pen_marks: int = 0
    notes: int = 0
    torn_corners: int = 0
    fibre: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A page shown on a monitor: pixel pitch on the page (mm), how much of the lattice is seen, what frames the page.

    The viewer's window reaches `window_mm` beyond the page, the monitor's bezel `bezel_mm` beyond the window.
    """

    pixel_mm: float = 0.26
    lattice: float = 0.15
    window: Colour = (70, 72, 76)
    window_mm: float = 12.0
    bezel_mm: float = 15.0


@dataclass(frozen=True, kw_only=True)
class Light:
    """How the scene is lit: exposure, white balance (gains R, G, B), shading by the paper's slope, shadow and glare."""

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gradient: float = 0.0
    direction_deg: float = 0.0
    shading: float = 0.0
    vignette: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """Lens and sensor: defocus (sd, px), motion (px, direction), noise (sd at mid grey, levels), gamma, sharpening."""

    defocus_px: float = 0.0
    motion_px: float = 0.0
    motion_deg: float = 0.0
    noise: float = 0.0
    gamma: float = 1.0
    sharpen: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Copier:
    """Scanner and photocopier: contrast, grey, toner specks and streaks, black and white.

    `level` is where the threshold lies between the ink (0) and the paper (1), as whoever scans would set it.
    """

    contrast: float = 1.0
    grey: bool = False
    toner: float = 0.0
    streaks: int = 0
    binary: Binary = "none"
    level: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """Everything between the printer and the file.

    Parameters
    ----------
    page_map : PageMap
        From page mm to pixels of the final image: perspective, curl, lens, skew, quarter turns and crop together.
    size_px : (width, height)
        Of the final image.
    backdrop : Colour
        Mean colour of what lies behind the page, seen wherever the page does not fill the picture.
    backdrop_texture : {"plain", "wood", "cloth", "noise"}
    jpeg_quality : int or None
        None is written as PNG.
    """

    kind: Kind
    page_map: PageMap
    size_px: tuple[int, int]
    ageing: Ageing | None = None
    screen: Screen | None = None
    backdrop: Colour = (255, 255, 255)
    backdrop_texture: Literal["plain", "wood", "cloth", "noise"] = "plain"
    light: Light | None = None
    sensor: Sensor | None = None
    copier: Copier | None = None
    jpeg_quality: int | None = None
