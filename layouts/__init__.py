"""Where each lead stands on a page: one YAML file per layout, and what reads, shows and asks them."""

from layouts.draw import as_image, as_text
from layouts.library import load_layout, load_layouts, names, parse_layout
from layouts.model import Layout, PageStyle, Separator, Slot, sample_range, visible_window

__all__ = [
    "Layout",
    "PageStyle",
    "Separator",
    "Slot",
    "as_image",
    "as_text",
    "load_layout",
    "load_layouts",
    "names",
    "parse_layout",
    "sample_range",
    "visible_window",
]
