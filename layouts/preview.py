"""Show a layout to a person: as text for a terminal, and as a picture."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from layouts.model import Layout, Slot

_CELL = 14
_PAPER, _INK, _LINE, _STRIP = (255, 252, 250), (30, 30, 34), (214, 130, 130), (253, 238, 238)
_SECONDS = (150, 50, 45)  # legible on paper and strips, a contrast above 4.5


def as_text(layout: Layout) -> str:
    """Draw the rows and columns of a layout with box characters, each lead with its seconds.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    str
        Several lines.
    """
    width = _CELL * layout.columns + layout.columns - 1
    rows = [[slot for slot in layout.slots() if slot.row == row] for row in range(layout.n_rows)]
    rule = "─" * _CELL
    lines = ["┌" + "┬".join([rule] * layout.columns) + "┐"]
    for index, slots in enumerate(rows):
        is_strip = slots[0].column is None
        if index:
            was_strip = rows[index - 1][0].column is None
            # Columns end above a rhythm strip, which runs through.
            joint = "─" if was_strip else ("┴" if is_strip else "┼")
            lines.append("├" + joint.join([rule] * layout.columns) + "┤")
        if is_strip:
            lines.append("│" + f" {_caption(slots[0])} (rhythm strip)"[:width].ljust(width) + "│")
        else:
            lines.append("│" + "│".join(f" {_caption(slot)}".ljust(_CELL) for slot in slots) + "│")
    joint = "─" if rows[-1][0].column is None else "┴"
    lines.append("└" + joint.join([rule] * layout.columns) + "┘")
    facts = (
        f"{layout.duration_s:g} s of recording, columns {layout.columns_in_time}, "
        f"{layout.speed_mm_s:g} mm/s, {layout.gain_mm_mv:g} mm/mV"
    )
    return "\n".join([layout.name, layout.description, *lines, facts])


def _caption(slot: Slot) -> str:
    return f"{slot.printed_name} {slot.start_s:.3g}-{slot.end_s:.3g}"


def as_image(layout: Layout, width_px: int = 1100) -> Image.Image:
    """Draw a layout as a page: a box for each lead with its label and seconds, rhythm strips along the bottom.

    Parameters
    ----------
    layout : Layout
    width_px : int

    Returns
    -------
    PIL.Image.Image
        RGB, `width_px` wide.
    """
    row_px, margin = 84, 24
    image = Image.new("RGB", (width_px, margin * 2 + 44 + row_px * layout.n_rows), _PAPER)
    pen = ImageDraw.Draw(image)
    big, small = ImageFont.load_default(24), ImageFont.load_default(15)
    pen.text((margin, margin - 8), f"{layout.name}   {layout.description}"[:110], font=small, fill=_INK)
    inner = width_px - 2 * margin
    for slot in layout.slots():
        top = margin + 28 + slot.row * row_px
        if slot.column is None:
            left, right = float(margin), float(margin + inner)
        else:
            left = margin + inner * slot.column / layout.columns
            right = margin + inner * (slot.column + 1) / layout.columns
        fill = _STRIP if slot.column is None else _PAPER
        pen.rectangle((left, top, right, top + row_px), outline=_LINE, fill=fill, width=2)
        pen.text((left + 10, top + 10), slot.printed_name, font=big, fill=_INK)
        pen.text((left + 10, top + 52), f"{slot.start_s:.3g}-{slot.end_s:.3g} s", font=small, fill=_SECONDS)
    return image
