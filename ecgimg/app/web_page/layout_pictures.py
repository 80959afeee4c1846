"""The layouts as small pictures to choose from, a person's own ones among them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from ecgimg._pictures import as_data_url
from layouts import Layout, as_image, load_layout, load_layouts

_PICTURE_PX = 420  # wide: lead labels stay legible at half of it
_TITLE_PX = 44  # of a picture, above its rows: the button has a title of its own


def gallery(own: Iterable[Path]) -> str:
    """Return a button with a picture for each layout, a person's own files first, and the way to add a file."""
    buttons = "".join(_button(load_layout(path)) for path in own) + _bundled_buttons()
    return (
        "<details><summary>Choose the layout by its picture, or give your own</summary>"
        '<p class="ecg-own-layout"><input id="ecg-layout-file" type="file" accept=".yaml,.yml">'
        '<label for="ecg-layout-file">Add a layout file (YAML)</label> '
        '<span class="ecg-hint" data-said role="status"></span></p>'
        f'<div class="ecg-layouts" role="group" aria-label="Layouts">{buttons}</div></details>'
    )


@cache
def _bundled_buttons() -> str:
    return "".join(map(_button, load_layouts("all")))


def _button(layout: Layout) -> str:
    image = as_image(layout, _PICTURE_PX)
    picture = as_data_url(image.crop((0, _TITLE_PX, image.width, image.height)))
    return (
        f'<button type="button" data-layout="{escape(layout.name)}" title="{escape(layout.description)}">'
        f'<img src="{picture}" alt="" loading="lazy"><span>{escape(layout.name)}</span></button>'
    )
