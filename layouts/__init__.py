"""Where each lead stands on a page: one YAML file per layout, and what reads, shows and asks them."""

from layouts.layout_files import is_layout_file, layout_names, load_layout, load_layouts, parse_layout
from layouts.model import Layout, PageStyle, Separator, Slot, sample_range, visible_window
from layouts.preview import as_image, as_text

__all__ = [
    "Layout",
    "PageStyle",
    "Separator",
    "Slot",
    "as_image",
    "as_text",
    "is_layout_file",
    "layout_names",
    "load_layout",
    "load_layouts",
    "parse_layout",
    "sample_range",
    "visible_window",
]
