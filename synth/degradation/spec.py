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
    """What age and hands do to the paper.

    Parameters
    ----------
    yellowing, fading, fibre : float
        Strengths, 0-1: of the paper's colour, of the ink's loss, of the paper's texture.
    stains, mould, pen_marks, notes, torn_corners : int
        Counts: of stains, patches of mould, strokes of a pen, handwritten notes and torn corners.
    """

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
    """A page shown on a monitor.

    Parameters
    ----------
    pixel_mm : float
        Pitch of the monitor's pixels, on the page.
    lattice : float
        How much of the pixels' lattice is seen, 0-1.
    window : (red, green, blue)
        Colour of the viewer's window.
    window_mm, bezel_mm : float
        How far the window reaches beyond the page, and the monitor's bezel beyond the window.
    """

    pixel_mm: float = 0.26
    lattice: float = 0.15
    window: Colour = (70, 72, 76)
    window_mm: float = 12.0
    bezel_mm: float = 15.0


@dataclass(frozen=True, kw_only=True)
class Light:
    """How the scene is lit.

    Parameters
    ----------
    exposure : float
        Factor on all light.
    balance : (red, green, blue)
        Factors of the white balance.
    gradient : float
        How much brighter the picture is at its edge towards `direction_deg` than in its middle (fraction).
    direction_deg : float
        Where the light comes from.
    shading : float
        How much the slope of bent paper darkens or brightens it.
    vignette : float
        How much darker the edges are (fraction).
    shadow, glare : float
        Strengths, 0-1, of one shadow and one spot of glare.
    """

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
    """Lens and sensor of a camera.

    Parameters
    ----------
    defocus_px : float
        Standard deviation of the blur.
    motion_px, motion_deg : float
        Length and direction of the blur by motion.
    noise : float
        Standard deviation at mid grey, in levels of 0-255.
    gamma : float
        Exponent of the tone curve.
    sharpen : float
        Strength of the unsharp mask.
    """

    defocus_px: float = 0.0
    motion_px: float = 0.0
    motion_deg: float = 0.0
    noise: float = 0.0
    gamma: float = 1.0
    sharpen: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Copier:
    """Scanner and photocopier.

    Parameters
    ----------
    contrast : float
        Factor; 1 leaves it.
    grey : bool
        Whether the copy has no colour.
    toner : float
        Density of specks, 0-1.
    streaks : int
        Count of vertical streaks; specks and streaks are of grey or binary copies.
    binary : {"none", "threshold", "halftone", "diffusion"}
        How the copy is made black and white.
    level : float
        Where the threshold lies between the ink (0) and the paper (1), as whoever scans would set it.
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
    kind : {"none", "scan", "photo", "screen", "aged"}
    page_map : PageMap
        From page mm to pixels of the final image: perspective, curl, lens, skew, quarter turns and crop together.
    size_px : (width, height)
        Of the final image.
    ageing, screen, light, sensor, copier
        `Ageing`, `Screen`, `Light`, `Sensor` and `Copier`; None is a stage that does not happen.
    backdrop : (red, green, blue)
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
