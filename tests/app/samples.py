"""The bundled sample pages."""

from __future__ import annotations

from pathlib import Path

from ecgimg.app import service

SAMPLES = Path(service.__file__).parent.parent / "samples"
PHOTO = SAMPLES / "photo.jpg"
