"""The bundled sample pages."""

from __future__ import annotations

from pathlib import Path

from ecgimg.app import process_page

SAMPLES = Path(process_page.__file__).parent.parent / "samples"
PHOTO = SAMPLES / "photo.jpg"
