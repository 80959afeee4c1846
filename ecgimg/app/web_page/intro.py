"""The head of the page, as HTML: what the app is, which files it takes, and the sample pages."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PIL import Image, ImageOps

from ecgimg._pictures import as_data_url
from ecgimg.app.server_settings import ServerSettings
from ecgimg.plotting.paper_page import NOTICE

_SAMPLES = {
    "photo": ("Phone photo", "atrial fibrillation, left anterior fascicular block"),
    "scan": ("Scanned page", "inferior infarction with ST elevation"),
    "rows": ("Aged page of twelve rows", "left bundle branch block"),
    "strip": ("Scan cut to the traces", "inferior infarction; its scale cannot be seen"),
    "too-close": ("Photo taken too close", "a normal ECG of which too little can be seen"),
}
"""Title of each sample page, and what the heart has that was simulated for it: see ecgimg/samples/README.md."""

_THUMB_PX = (240, 150)  # twice the size it is shown at, for screens of twice the density


def header(keep_min: float) -> str:
    """Return the head of the page: what this is, and what it is not."""
    kept = f"{_duration(keep_min)} after you close this page" if keep_min else "as soon as you close this page"
    return f"""
<header class="ecg-head">
  <svg class="ecg-mark" viewBox="0 0 64 40" aria-hidden="true">
    <path d="M0 24H14l4-6 5 6h6l4-20 6 32 4-12h4l4-6 5 6h8"/></svg>
  <div><h1>ecgimg</h1><p>From the picture of a paper ECG back to its signals.</p></div>
</header>
<p class="ecg-notice" role="note"><strong>{NOTICE}.</strong> Nothing shown here is a diagnosis.
Pages stay on the computer that runs this app and are deleted {kept}.</p>"""


def _duration(minutes: float) -> str:
    """Return a duration as it is said: in seconds, minutes or hours, whichever gives a whole number."""
    for seconds, unit in ((3600, "hour"), (60, "minute")):
        count = minutes * 60 / seconds
        if count >= 1 and count == round(count):
            return f"{count:g} {unit}{'s' if count != 1 else ''}"
    count = max(round(minutes * 60), 1)
    return f"{count} second{'s' if count != 1 else ''}"


def limits(settings: ServerSettings) -> str:
    """Return what may be dropped."""
    return (
        f'<p class="ecg-hint">Photos, scans and PDFs (JPEG, PNG, HEIC, TIFF, PDF), up to {settings.max_mb:g} MB '
        f"a file and {settings.max_pages} pages.</p>"
    )


def samples(pages: dict[str, Path]) -> str:
    """Return a button with a small picture for each sample page."""
    buttons = "".join(
        f'<button type="button" data-sample="{name}"><img src="{_thumbnail(pages[name])}" alt="" width="120" '
        f'height="75"><strong>{escape(title)}</strong><span>{escape(heart)}</span></button>'
        for name, (title, heart) in _SAMPLES.items()
    )
    return (
        '<p class="ecg-hint" id="samples-label">Or try a sample page. No patient is in it: the hearts are simulated, '
        "with what stands below.</p>"
        f'<div class="ecg-samples" role="group" aria-labelledby="samples-label">{buttons}</div>'
    )


def _thumbnail(path: Path) -> str:
    with Image.open(path) as image:
        return as_data_url(ImageOps.fit(image.convert("RGB"), _THUMB_PX))
